"""The fee of an application as something to pay: it is sent once its fee has arrived.

A fee is referred to by the key of its application.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime

from flask_babel import lazy_gettext as _
from sqlalchemy import select

from smartcity_saas.audit import system
from smartcity_saas.clock import today_in
from smartcity_saas.configuration.city import Localized
from smartcity_saas.database import db
from smartcity_saas.errors import Conflict, NotFound
from smartcity_saas.forms.applications import open_fields, receive, require_complete
from smartcity_saas.forms.drafts import KEPT_FOR
from smartcity_saas.forms.models import Application
from smartcity_saas.forms.names import MINE
from smartcity_saas.forms.stored_forms import form_of
from smartcity_saas.identity.residents.accounts import SignedInResident
from smartcity_saas.payments.payable import Item, NotPayable, Outcome, Payable, Quote
from smartcity_saas.tenancy.current import current_city


def quote(resident: SignedInResident, references: Sequence[str], now: datetime) -> Quote:
    """What a resident would pay for an application.

    Raises:
        NotFound: It is no application of the resident's, or more than one is named.
        Conflict: It was sent, its fee is paid, or something keeps it from being sent.
    """
    found = [one for one in _applications(references) if one.resident_id == resident.id]
    if len(found) != 1 or len(set(references)) != 1:
        raise NotFound(_("We cannot find that application."))
    (row,) = found
    if not row.is_draft or row.is_paid:
        raise Conflict(_("There is nothing to pay for this application."))
    require_complete(row, now)
    title = form_of(row).title
    return Quote(
        title=dict(title),
        items=(Item(str(row.id), _named(row, title), row.fee),),
        currency=row.currency,
        back=f"{MINE}/{row.number}/check",
    )


def fulfil(items: Sequence[Item], currency: str, payment_id: uuid.UUID, now: datetime) -> None:
    """Count a fee as paid and take its application in. One that something keeps from being sent by
    now stays a draft whose fee is paid.

    Raises:
        NotPayable: The application is gone, was paid, or costs another amount.
    """
    amounts = {item.reference: item.amount for item in items}
    found = _applications([*amounts], lock=True)
    if len(found) != len(amounts):
        raise NotPayable("gone")
    if any(not one.is_draft or one.payment_id is not None for one in found):
        raise NotPayable("paid")
    if any((one.fee, one.currency) != (amounts[str(one.id)], currency) for one in found):
        raise NotPayable("changed")
    for one in found:
        one.payment_id, one.erase_on = payment_id, None
        if not open_fields(one, now):
            receive(one, system("payments"), now)


def reverse(references: Sequence[str], payment_id: uuid.UUID, now: datetime) -> None:
    """Fees of a payment that went back whole are paid no longer; what was sent stays sent, and a draft
    is kept as long as any other since it was saved last."""
    for one in _applications(references, lock=True):
        if one.payment_id == payment_id:
            one.payment_id = None
            if one.is_draft:
                one.erase_on = today_in(current_city().timezone, one.saved_at + KEPT_FOR)


def outcome(references: Sequence[str]) -> Outcome | None:
    """That an application was sent with its fee, under which number; or that it could not be sent yet."""
    for one in _applications(references):
        if one.is_draft:
            words = _(
                "Paid, and not sent yet: check your answers. Number %(number)s", number=one.number
            )
        elif one.is_under_way:
            words = _("Your application is sent. Number %(number)s", number=one.number)
        else:
            break
        return Outcome(words, f"{MINE}/{one.number}")
    return None


payable = Payable(quote, fulfil, reverse, is_act=False, outcome=outcome)


def _named(row: Application, title: Localized) -> Localized:
    return {language: f"{words} {row.number}" for language, words in title.items()}


def _applications(references: Sequence[str], *, lock: bool = False) -> list[Application]:
    try:
        keys = [uuid.UUID(reference) for reference in references]
    except ValueError:
        return []
    query = select(Application).where(Application.id.in_(keys)).order_by(Application.id)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    return list(db.session.scalars(query))
