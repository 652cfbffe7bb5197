"""Finding a resident's own applications."""

from __future__ import annotations

from collections.abc import Collection

from flask_babel import lazy_gettext as _
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from smartcity_saas.database import db, one_or_404
from smartcity_saas.forms.models import Application, ApplicationState
from smartcity_saas.identity.residents.accounts import SignedInResident

MOST_LISTED = 100


def own_application(resident: SignedInResident, number: str, *, lock: bool = False) -> Application:
    """One application of a resident's.

    Args:
        resident: Whose.
        number: As people are told it.
        lock: Hold the row until the transaction ends, as it is by then.

    Raises:
        NotFound: It is someone else's, another city's, or none.
    """
    query = select(Application).where(
        Application.number == number, Application.resident_id == resident.id
    )
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    return one_or_404(query, _("We cannot find that application."))


def own_applications(
    resident: SignedInResident, states: Collection[ApplicationState], limit: int = MOST_LISTED
) -> list[Application]:
    """A resident's applications in some states as far as whoever asks may see them, what was saved
    last first; with their forms."""
    query = (
        select(Application)
        .where(Application.resident_id == resident.id, Application.state.in_(states))
        .options(joinedload(Application.definition, innerjoin=True))
        .order_by(Application.saved_at.desc(), Application.id.desc())
        .limit(limit)
    )
    return [row for row in db.session.scalars(query) if resident.sees(row.service)]
