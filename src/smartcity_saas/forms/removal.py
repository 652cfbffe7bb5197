"""What residents notice when a form is taken out of a document: told to whoever stores that."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, select

from smartcity_saas.database import db
from smartcity_saas.forms.models import UNDER_WAY, Application, ApplicationState
from smartcity_saas.measures import SMALL_CELL
from smartcity_saas.tenancy.context import tenant_context
from smartcity_saas.texts import lazy_gettext as _


def removal_effect(city_id: int, service: str) -> list[Any]:
    """In sentences, how many applications are not decided yet, and what becomes of them; none where
    there are none."""
    undecided = Application.state.in_([ApplicationState.DRAFT, *sorted(UNDER_WAY)])
    query = select(func.count(Application.id)).where(Application.service == service, undecided)
    with tenant_context(city_id):
        number = db.session.scalar(query) or 0
    if not number:
        return []
    return [
        _(
            "Residents will no longer find this service. Applications that are not decided yet: %(number)s.",
            number=_("fewer than %(least)s", least=SMALL_CELL) if number < SMALL_CELL else number,
        ),
        _("Those can still be finished, decided and withdrawn, and papers stay valid."),
    ]
