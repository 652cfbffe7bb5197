"""What a service does with its connector to a back office: refresh rows that are stale, and send events.

Nothing stays open in the database while the other side takes its time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from marshmallow import EXCLUDE, Schema, ValidationError, pre_load

from smartcity_saas.configuration.city import CatalogEntry
from smartcity_saas.connectors.http_client import BackOfficeDown, BackOfficeRefused, office_of
from smartcity_saas.credentials import CredentialError
from smartcity_saas.database import db
from smartcity_saas.logs import get_logger
from smartcity_saas.measures import Outage, count_outage
from smartcity_saas.tenancy.current import current_city

log = get_logger(__name__)


class Answer(Schema):
    """A part of what a back office says. Further keys are its own business; one that is null is
    absent."""

    class Meta:
        """See above."""

        unknown = EXCLUDE

    @pre_load
    def leave_out_nulls(self, data: Any, **kwargs: Any) -> Any:
        """See above."""
        if not isinstance(data, Mapping):
            return data
        return {key: value for key, value in data.items() if value is not None}


def has_back_office(entry: CatalogEntry) -> bool:
    """Whether a city's service stands on a back office, not on the platform's tables alone."""
    return bool(entry.connector.get("kind", "local") != "local")


def refresh_if_stale(
    entry: CatalogEntry, since: datetime | None, now: datetime, fetch: Callable[[], None]
) -> bool:
    """Fetch again what was last fetched at a moment (None: never), if it is stale.

    Returns:
        Whether what is held is as fresh as the city wants it; False where the back office does
        not answer, and the last good data is all there is.
    """
    if not has_back_office(entry):
        return True
    if since is not None and now - since < timedelta(minutes=entry.connector["fresh_minutes"]):
        return True
    try:
        fetch()
    except (BackOfficeDown, BackOfficeRefused, CredentialError) as error:
        count_outage(entry.name, now, _why(error), now - since if since is not None else None)
        return False
    return True


def _why(error: Exception) -> Outage:
    if isinstance(error, BackOfficeDown):
        return Outage.NO_ANSWER
    return Outage.REFUSED if isinstance(error, BackOfficeRefused) else Outage.CREDENTIAL


def ask(
    entry: CatalogEntry, path: str, schema: Answer, parameters: Mapping[str, str] | None = None
) -> Mapping[str, Any] | None:
    """Ask a back office for something; None where it knows nothing (404).

    Raises:
        BackOfficeDown: It does not answer, or not as the contract says.
    """
    office = office_of(entry)
    db.session.rollback()
    try:
        found: Mapping[str, Any] = schema.load(office.get(path, parameters))
    except BackOfficeRefused as error:
        if error.code == 404:
            return None
        raise BackOfficeDown(f"status {error.code}") from None
    except ValidationError as error:
        log.warning("back_office_answer_odd", service=entry.name, fields=sorted(error.messages))
        raise BackOfficeDown("odd answer") from None
    return found


def send_event(service: str, path: str, body: Mapping[str, Any], key: str) -> None:
    """Send an event to a service's back office, once however often it is sent (by ``key``).

    Raises:
        BackOfficeDown: It does not answer.
        BackOfficeRefused: It will not have it.
    """
    office = office_of(current_city().catalog[service])
    db.session.rollback()
    office.send(path, body, key)
