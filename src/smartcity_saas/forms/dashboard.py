"""What of their applications residents find on their own page."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from flask import g, has_request_context
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from sqlalchemy import select

from smartcity_saas.catalog.service import DashboardItem
from smartcity_saas.database import db
from smartcity_saas.forms.models import (
    STATE_NAMES,
    UNDER_WAY,
    Application,
    ApplicationState,
)
from smartcity_saas.forms.names import MINE
from smartcity_saas.forms.numbers import NUMBER
from smartcity_saas.forms.own import own_applications
from smartcity_saas.forms.stored_forms import form_of
from smartcity_saas.identity.residents.accounts import SignedInResident
from smartcity_saas.payments.repository import on_their_way
from smartcity_saas.web.formats import full_day
from smartcity_saas.web.languages import local
from smartcity_saas.web.money import format_money

SHOWN = UNDER_WAY | {ApplicationState.DRAFT}


def dashboard(resident: SignedInResident) -> list[DashboardItem]:
    """A line for each application that is under way or was not sent."""
    return _items(_own(resident))


def dashboard_of(service: str) -> Callable[[SignedInResident], list[DashboardItem]]:
    """The same of one service."""

    def own(resident: SignedInResident) -> list[DashboardItem]:
        return _items([row for row in _own(resident) if row.service == service])

    return own


def find_number(resident: SignedInResident, typed: str) -> list[DashboardItem]:
    """The resident's own application, draft or finished too, whose number stands in what they typed."""
    number = NUMBER.search(typed)
    if number is None:
        return []
    query = select(Application).where(
        Application.number == number[0], Application.resident_id == resident.id
    )
    return _items(row for row in db.session.scalars(query) if resident.sees(row.service))


def unfinished(resident: SignedInResident) -> list[tuple[Any, str]]:
    """What keeps a resident from leaving: what the city is working on, and fees that were paid."""
    return [
        (
            _("An application is under way. Wait for the decision, or withdraw it.")
            if row.is_under_way
            else _(
                "The fee of an application is paid. Send it, or erase it and the fee comes back."
            ),
            f"{MINE}/{row.number}",
        )
        for row in own_applications(resident, SHOWN)
        if row.is_under_way or row.payment_id is not None
    ]


def _own(resident: SignedInResident) -> list[Application]:
    """What is shown of a resident's applications, read once a request: each form asks."""
    if not has_request_context():
        return own_applications(resident, SHOWN)
    if "own_applications" not in g:
        g.own_applications = own_applications(resident, SHOWN)
    found: list[Application] = g.own_applications
    return found


def _items(rows: Iterable[Application]) -> list[DashboardItem]:
    return [_item(row, to_pay=_is_to_pay(row)) for row in rows]


def _is_to_pay(row: Application) -> bool:
    """Whether only the fee of an application is missing, and no money for it is on its way."""
    if not row.is_draft or row.is_paid or row.step < len(form_of(row).steps):
        return False
    return not on_their_way(row.service, [str(row.id)])


def _item(row: Application, *, to_pay: bool) -> DashboardItem:
    form = form_of(row)
    return DashboardItem(
        title=local(form.title),
        detail=str(gettext("Check it, pay the fee, and it is sent")) if to_pay else _detail(row),
        url=f"{MINE}/{row.number}",
        icon=form.icon,
        amount=format_money(row.fee, row.currency) if to_pay else "",
        by=row.supply_by,
        waits=row.waits_for_resident or (row.is_draft and row.payment_id is not None),
    )


def _detail(row: Application) -> str:
    if row.is_draft:
        return str(gettext("Not sent yet. Go on where you left."))
    if row.is_finished:
        return str(STATE_NAMES[row.state])
    if row.supply_by is not None:
        return str(gettext("Send what is missing by %(day)s", day=full_day(row.supply_by)))
    if row.waits_for_resident:
        return str(gettext("More is needed from you"))
    if row.due_on is None:
        return str(gettext("Under way"))
    return str(gettext("Decided by %(day)s", day=full_day(row.due_on)))
