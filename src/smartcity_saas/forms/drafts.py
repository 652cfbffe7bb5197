"""Drafts: begun, saved step by step, found again on another device, and given up."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import func, select

from smartcity_saas.audit import record
from smartcity_saas.clock import today_in
from smartcity_saas.configuration.city import CatalogEntry
from smartcity_saas.database import db, insert_once, transaction
from smartcity_saas.errors import Conflict, NotFound
from smartcity_saas.forms.answers import Given, StepResult, asked, read_step
from smartcity_saas.forms.definition import Definition, definition_of
from smartcity_saas.forms.fees import send_fee_back
from smartcity_saas.forms.fields import Context, Faults
from smartcity_saas.forms.files import (
    Upload,
    drop_unused,
    file_fields,
    keep_files,
    read_uploads,
    require_places,
)
from smartcity_saas.forms.models import UNDER_WAY, Application, ApplicationState
from smartcity_saas.forms.names import APPLICATIONS
from smartcity_saas.forms.numbers import new_number
from smartcity_saas.forms.own import own_application
from smartcity_saas.forms.reading import context_of
from smartcity_saas.forms.retention import forget
from smartcity_saas.forms.stored_forms import answers_of, form_of, keep_definition, seal_answers
from smartcity_saas.forms.uploads import Sent, check_uploads, store_uploads
from smartcity_saas.identity.rate_limits import DAY, count_attempt
from smartcity_saas.identity.residents.accounts import SignedInResident
from smartcity_saas.identity.residents.models import Resident, ResidentAttempt
from smartcity_saas.payments.checkout import close_pages
from smartcity_saas.tenancy.current import current_city
from smartcity_saas.web.money import parse_money

KEPT_FOR = timedelta(days=30)
"""How long after it was saved last a draft is kept."""
MOST_BEGUN_A_DAY = 30
"""By one resident, of all forms: what was withdrawn is kept as well."""


@dataclass(frozen=True)
class Saved:
    """A draft after a step was saved, what came of reading it, and what it was read with."""

    application: Application
    result: StepResult
    context: Context


def begin(resident: SignedInResident, entry: CatalogEntry, now: datetime) -> Application:
    """Begin an application under the form as the catalog has it now; whoever has begun one that is
    not sent goes on with that.

    Args:
        resident: Whose.
        entry: The form's.
        now: The time.

    Raises:
        Conflict: As many of theirs are under way by this form as it allows.
        Throttled: They have begun too many today.
    """
    if (found := draft_of(resident, entry.name)) is not None:
        return found
    count_attempt(ResidentAttempt, f"begin:{resident.id}", MOST_BEGUN_A_DAY, now, DAY)
    city, form = current_city(), definition_of(entry)
    with transaction() as session:
        # two that begin in the same moment see each other here
        session.execute(select(Resident.id).where(Resident.id == resident.id).with_for_update())
        if (found := draft_of(resident, entry.name)) is not None:
            return found
        _require_fewer(resident, entry.name, form.most_open)
        values = {
            "resident_id": resident.id,
            "definition_id": keep_definition(entry, now).id,
            "service": entry.name,
            "state": ApplicationState.DRAFT,
            "sealed": seal_answers({}, now),
            "step": 0,
            "fee": parse_money(form.fee, city.currency),
            "currency": city.currency,
            "created_at": now,
            "saved_at": now,
            "erase_on": today_in(city.timezone, now + KEPT_FOR),
            "reopened": False,
            "sample": resident.demo,
        }
        key = None
        while key is None:  # another has taken the number in this moment
            number = new_number(city, entry.name, now)
            key = insert_once(Application, ("number",), number=number, **values)
        row = session.scalars(select(Application).where(Application.id == key)).one()
        record(resident.actor, f"{APPLICATIONS}.begin", row.number, {"service": row.service}, now)
    return row


def _require_fewer(resident: SignedInResident, service: str, most: int) -> None:
    query = select(func.count(Application.id)).where(
        Application.resident_id == resident.id,
        Application.service == service,
        Application.state.in_(UNDER_WAY),
    )
    if (db.session.scalar(query) or 0) >= most:
        raise Conflict(
            _(
                "%(most)s of your applications are under way here. Wait for one of them, or withdraw it.",
                most=most,
            )
        )


def draft_of(resident: SignedInResident, service: str) -> Application | None:
    """What a resident has begun of a service and not sent."""
    query = select(Application).where(
        Application.resident_id == resident.id,
        Application.service == service,
        Application.state == ApplicationState.DRAFT,
    )
    newest = query.order_by(Application.saved_at.desc(), Application.id.desc()).limit(1)
    found: Application | None = db.session.scalars(newest).one_or_none()
    return found


def save_step(
    resident: SignedInResident, number: str, step: int, sent: Sent, now: datetime
) -> Saved:
    """Save what fits of a step; whatever does not is given back as it was typed.

    Args:
        resident: Whose.
        number: The application's.
        step: Which, from 0.
        sent: What came of the page.
        now: The time.

    Raises:
        NotFound: The resident has no such draft, or it no such step.
        Conflict: It was sent already, or its fee is being paid.
    """
    found = own_application(resident, number)
    form = form_of(found)
    if not 0 <= step < len(form.steps):
        raise NotFound
    fields = form.steps[step].fields
    before_payment(found, now)
    uploads = check_uploads(fields, sent, answers_of(found, now))
    with transaction():
        row = locked_draft(resident, number)
        answers = answers_of(row, now)
        context, given = store_uploads(row, fields, sent, uploads, answers, now)
        result = uploads.among(read_step(form, step, given, answers, context), given)
        keep_answers(row, result.answers, now)
        drop_unused(row, file_fields(fields), result.answers)
        if result.is_done:
            row.step = next_step(form, result.answers, step)
    return Saved(row, result, context)


def set_answers(
    resident: SignedInResident, number: str, values: Mapping[str, Any], now: datetime
) -> tuple[Application, dict[str, Faults]]:
    """Set some answers of any steps, all of them or, where one does not fit, none; None takes one
    out.

    Args:
        resident: Whose.
        number: The application's.
        values: By the names of fields, as an API client sends them.
        now: The time.

    Returns:
        The draft, and what is wrong by field; nothing was saved where there is something.

    Raises:
        NotFound: The resident has no such draft.
        Conflict: It was sent already, or its fee is being paid.
    """
    before_payment(own_application(resident, number), now)
    with transaction():
        row = locked_draft(resident, number)
        form = form_of(row)
        answers, faults = read_values(form, values, answers_of(row, now), context_of(row, now))
        if not faults:
            keep_answers(row, answers, now)
            drop_unused(row, file_fields(one for one in form.fields if one.name in values), answers)
    return row, faults


def add_file(
    resident: SignedInResident, number: str, name: str, upload: Upload, now: datetime
) -> tuple[Application, dict[str, str]]:
    """Add a file to the answer of a field; returns the draft, and the file's name by its id.

    Raises:
        NotFound: The resident has no such draft, or its form asks for no such file.
        Invalid: The file cannot be kept.
        Conflict: The draft was sent already, or its fee is being paid.
    """
    found = own_application(resident, number)
    one = form_of(found).field(name)
    if one is None or name not in file_fields([one]):
        raise NotFound(_("This form asks for no file “%(name)s”.", name=name[:40]))
    before_payment(found, now)
    checked = read_uploads(one, [upload], len(answers_of(found, now).get(name) or ()))
    with transaction():
        row = locked_draft(resident, number)
        answers = answers_of(row, now)
        before = answers.get(name) or []
        require_places(one, len(before) + len(checked))
        kept = keep_files(row, name, checked, now)
        files = [{"id": key, "name": called} for key, called in kept.items()]
        keep_answers(row, {**answers, name: [*before, *files]}, now)
    return row, kept


def give_up(resident: SignedInResident, number: str, now: datetime) -> None:
    """Erase a draft at once; a fee that was paid for it goes back.

    Raises:
        NotFound: The resident has no such draft.
        Conflict: It was sent already, or its fee is being paid.
    """
    before_payment(own_application(resident, number), now)
    with transaction():
        row = locked_draft(resident, number)
        send_fee_back(row, now)
        forget([row.id])
        record(resident.actor, f"{APPLICATIONS}.give_up", number, {"service": row.service}, now)


def before_payment(application: Application, now: datetime) -> None:
    """Close the pages on which a draft's fee could still be paid: what it was for is about to change.

    Raises:
        Conflict: The money is on its way.
        ProviderUnreachable: The provider does not answer; closing again is safe.
    """
    if not application.fee or application.is_paid:
        return
    if close_pages(current_city(), application.service, [str(application.id)], now):
        raise Conflict(_("Its fee is being paid. Wait until the payment has arrived."))


def locked_draft(resident: SignedInResident, number: str) -> Application:
    """A draft of a resident's, locked.

    Raises:
        NotFound: There is none.
        Conflict: It was sent already.
    """
    row = own_application(resident, number, lock=True)
    if not row.is_draft:
        raise Conflict(_("It has been sent. You can see it, and write to the city about it."))
    return row


def keep_answers(row: Application, answers: Mapping[str, Any], now: datetime) -> None:
    """Store the answers of a draft, which is kept from now on for another while."""
    row.sealed, row.saved_at = seal_answers(answers, now), now
    if row.payment_id is None:
        row.erase_on = today_in(current_city().timezone, now + KEPT_FOR)


def next_step(form: Definition, answers: Mapping[str, Any], step: int) -> int:
    """The next step that asks for anything, from 0; as many as there are where none does."""
    names = {one.name for one in asked(form, answers)}
    rest = range(step + 1, len(form.steps))
    return next((n for n in rest if _asks(form, n, names)), len(form.steps))


def step_before(form: Definition, answers: Mapping[str, Any], step: int) -> int | None:
    """The step before that asks for anything; None where none does."""
    names = {one.name for one in asked(form, answers)}
    return next((n for n in reversed(range(step)) if _asks(form, n, names)), None)


def _asks(form: Definition, step: int, names: Collection[str]) -> bool:
    return any(one.name in names for one in form.steps[step].fields)


def read_values(
    form: Definition, values: Mapping[str, Any], answers: Mapping[str, Any], context: Context
) -> tuple[dict[str, Any], dict[str, Faults]]:
    """Some answers of any steps read into the others, and what is wrong by field; None takes an
    answer out."""
    read = {name: one for name, one in answers.items() if values.get(name, one) is not None}
    faults: dict[str, Faults] = {}
    given = {name: one for name, one in values.items() if one is not None}
    for number, step in enumerate(form.steps):
        here = {one.name: given.pop(one.name) for one in step.fields if one.name in given}
        if here:
            result = read_step(form, number, Given(here, frozenset(here)), read, context)
            read = dict(result.answers)
            faults |= result.faults
    for name in values:
        if form.field(name) is None:
            faults[name] = {"": _("This form asks for nothing called “%(name)s”.", name=name[:40])}
    return read, faults
