"""Finding a resident's own applications."""

from __future__ import annotations

from collections.abc import Collection

from flask_babel import lazy_gettext as _
from sqlalchemy import bindparam, select

from smartcity_saas.database import CITY, load, load_related, one_or_404, table_of
from smartcity_saas.forms.models import Application, ApplicationState, FormDefinition
from smartcity_saas.identity.residents.accounts import SignedInResident

MOST_LISTED = 100

_application = table_of(Application)
_OWN = (
    select(_application)
    .where(
        _application.c.city_id == CITY,
        _application.c.resident_id == bindparam("resident"),
        _application.c.state.in_(bindparam("states", expanding=True)),
    )
    .order_by(_application.c.saved_at.desc(), _application.c.id.desc())
    .limit(bindparam("most"))
)


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
    wanted = {"resident": resident.id, "states": sorted(states), "most": limit}
    rows = [row for row in load(Application, _OWN, wanted) if resident.sees(row.service)]
    load_related(rows, "definition", FormDefinition)
    return rows
