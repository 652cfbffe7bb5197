"""What staff should know of a hospital's FHIR server: what was wrong with its last answer, what it
cannot do, and whether it takes the city's secret."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from flask_babel import lazy_gettext as _

from smartcity_saas.attention import Attention, Urgency
from smartcity_saas.configuration.city import CatalogEntry
from smartcity_saas.connectors import BackOfficeDown, BackOfficeRefused
from smartcity_saas.connectors.client_credentials import TokenRefused
from smartcity_saas.errors import SmartCityError
from smartcity_saas.services.hospital_appointments.fhir_capabilities import capabilities_of
from smartcity_saas.services.hospital_appointments.fhir_client import server_of
from smartcity_saas.services.hospital_appointments.fhir_models import FhirSync
from smartcity_saas.services.hospital_appointments.fhir_sync import (
    fhir_entry,
    keep_in_step,
    sync_of,
)
from smartcity_saas.services.hospital_appointments.fhir_words import note_texts, problem_text
from smartcity_saas.services.hospital_appointments.names import SERVICE
from smartcity_saas.texts import Text


class SecretRefused(SmartCityError):
    """The other side will not have the city's secret."""

    status = 401


def fhir_attention(now: datetime) -> Iterator[Attention]:
    """What was wrong with the server's last answer, in one row; nothing where it was taken."""
    row = _row()
    if row is not None and row.problem is not None:
        yield Attention(
            kind=f"{SERVICE}.fhir",
            title=problem_text(row.problem),
            detail=_(
                "Nothing of it was stored: residents see the schedule that came last. Tell the hospital's IT, or correct the connector in the configuration."
            ),
            icon="unlink",
            page="document",
            permission="city.see",
            service=SERVICE,
            urgency=Urgency.DOWN,
            since=row.problem_since,
        )


def fhir_remarks() -> list[Text]:
    """What the current city's server cannot do, and what became of that, a sentence each."""
    row = _row()
    if row is None:
        return []
    problem = [problem_text(row.problem)] if row.problem is not None else []
    return [*problem, *note_texts(row.notes)]


def probe_fhir(entry: CatalogEntry, now: datetime) -> str:
    """Ask the server what it can do and for one slot, with the city's secret; the schedule is read
    soon after.

    Returns:
        What it answered, in a few words.

    Raises:
        CredentialError: The secret is not set.
        SecretRefused: The server, or where the token is fetched, will not have it.
        BackOfficeDown: There is no sound answer; that says nothing of the secret.
    """
    try:
        server = server_of(entry)
        lacking = capabilities_of(server.metadata()).notes
        server.try_search("Slot")
    except (BackOfficeRefused, TokenRefused) as error:
        if isinstance(error, TokenRefused) or error.code in (401, 403):
            raise SecretRefused(title=f"HTTP {error.code}") from None
        raise BackOfficeDown(error.reason) from None
    keep_in_step(now)
    if lacking:
        return str(_("FHIR R4, with gaps: the city's overview says which"))
    return str(_("FHIR R4, nothing is missing"))


def _row() -> FhirSync | None:
    """How reading the current city's server stands; None where it has none, or it was never asked."""
    entry = fhir_entry()
    return sync_of(entry) if entry is not None else None
