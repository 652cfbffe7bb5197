"""What a resident does with an application: sends it, supplies what is asked for, writes, withdraws it,
has it looked at once more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _

from smartcity_saas.audit import Actor, record
from smartcity_saas.clock import today_in
from smartcity_saas.configuration.fields import shown_length
from smartcity_saas.database import transaction
from smartcity_saas.errors import Conflict, FieldErrors
from smartcity_saas.forms.answers import Open, faults_of_all, submitted
from smartcity_saas.forms.drafts import give_up
from smartcity_saas.forms.fees import FeeChanged, fee_comes_back, send_fee_back
from smartcity_saas.forms.files import drop_unused, file_fields
from smartcity_saas.forms.models import Application, ApplicationState, EventKind
from smartcity_saas.forms.names import APPLICATIONS
from smartcity_saas.forms.own import own_application
from smartcity_saas.forms.reading import context_of
from smartcity_saas.forms.stored_forms import answers_of, form_of, seal_answers
from smartcity_saas.forms.timeline import add_event, happened, said_last
from smartcity_saas.identity.rate_limits import count_attempt
from smartcity_saas.identity.residents.accounts import SignedInResident
from smartcity_saas.identity.residents.models import ResidentAttempt
from smartcity_saas.measures import Measure, count
from smartcity_saas.tenancy.current import current_city
from smartcity_saas.web.money import format_money
from smartcity_saas.working_days import working_days_after

LONGEST_WORDS = 1_000
SHORTEST_REASON = 10
MOST_SENT = 30
"""Tries to send, within five minutes."""
MOST_TRIES = 10
"""Of messages, and of reopening, within five minutes."""


class NotComplete(Conflict):
    """Something keeps an application from being sent; ``open_fields`` says what, step by step."""

    title = _("Something is missing")

    def __init__(self, open_fields: Sequence[Open]) -> None:
        super().__init__(_("Some answers are missing or do not fit any more. Check them first."))
        self.open_fields = open_fields


class FeeDue(Conflict):
    """The fee is to be paid first."""

    def __init__(self) -> None:
        super().__init__(_("Pay the fee first. The application is sent with it."))


def submit(resident: SignedInResident, number: str, now: datetime) -> Application:
    """Send an application whose fee is paid or that is free; one that was sent stays as it is, so
    that it can be pressed twice.

    Raises:
        NotFound: The resident has no such application.
        NotComplete: Something keeps it from being sent.
        FeeDue: Its fee is to be paid first.
        Throttled: Too many tries.
    """
    count_attempt(ResidentAttempt, f"application-send:{resident.id}", MOST_SENT, now)
    with transaction():
        row = own_application(resident, number, lock=True)
        if row.is_draft:
            require_complete(row, now)
            if not row.is_paid:
                raise FeeDue
            receive(row, resident.actor, now)
    return row


def open_fields(row: Application, now: datetime) -> list[Open]:
    """What keeps a draft from being sent."""
    return faults_of_all(form_of(row), answers_of(row, now), context_of(row, now))


def require_complete(row: Application, now: datetime) -> None:
    """Refuse a draft that cannot be sent.

    Raises:
        NotComplete: Something keeps it from being sent.
    """
    found = open_fields(row, now)
    if found:
        raise NotComplete(found)


def receive(row: Application, actor: Actor, now: datetime) -> None:
    """Take in a complete draft that the transaction holds: its clock begins."""
    form = form_of(row)
    answers = submitted(form, answers_of(row, now))
    row.move(ApplicationState.RECEIVED)
    row.sealed, row.saved_at, row.received_at = seal_answers(answers, now), now, now
    row.step, row.erase_on = len(form.steps), None
    _start_clock(row, form.working_days, now)
    drop_unused(row, file_fields(form.fields), answers)
    add_event(row, EventKind.RECEIVED, now)
    record(actor, f"{APPLICATIONS}.send", row.number, {"service": row.service}, now)
    count(row.service, Measure.BEGUN, now)


def withdraw(
    resident: SignedInResident, number: str, now: datetime, *, told: bool | None = None
) -> None:
    """Take an application back; a draft is erased at once. The fee goes back by itself where no member
    of staff has taken it over yet.

    Args:
        resident: Whose.
        number: The application's.
        now: The time.
        told: Whether the fee comes back by what the resident was told; None where they were told
            nothing.

    Raises:
        NotFound: The resident has no such application.
        FeeChanged: What becomes of the fee is no longer what they were told.
        Conflict: It is finished; or the fee of a draft is being paid.
    """
    if own_application(resident, number).is_draft:
        give_up(resident, number, now)
        return
    with transaction():
        row = own_application(resident, number, lock=True)
        if not row.is_under_way:
            raise Conflict(_("It is finished, so there is nothing to withdraw."))
        back = fee_comes_back(row, happened(row))
        if told is not None and told is not back:
            raise FeeChanged
        drop_unsent(row, now)
        row.move(ApplicationState.WITHDRAWN)
        row.days_left, row.unanswered_since, row.saved_at = None, None, now
        row.erase_on = form_of(row).keep.after(today_in(current_city().timezone, now))
        add_event(row, EventKind.WITHDRAWN, now, message=lambda: _fee_words(row, back))
        if back:
            add_event(row, EventKind.FEE_RETURNING, now)
            send_fee_back(row, now)
        record(resident.actor, f"{APPLICATIONS}.withdraw", number, {"service": row.service}, now)
        count(row.service, Measure.CALLED_OFF, now)


def _fee_words(row: Application, back: bool) -> Any:
    """What becomes of the fee of an application that is being withdrawn; None where none was paid."""
    if row.payment_id is None:
        return None
    if back:
        return _(
            "Number %(number)s. The fee of %(amount)s goes back to the card or account it was paid with.",
            number=row.number,
            amount=format_money(row.fee, row.currency),
        )
    return _(
        "Number %(number)s. The fee does not come back by itself. Call %(phone)s to ask for it.",
        number=row.number,
        phone=current_city().site["hotline"],
    )


def can_reopen(row: Application) -> bool:
    """Whether an application can be looked at once more: it was refused, for the first time."""
    return row.is_refused and not row.reopened


def reopen(resident: SignedInResident, number: str, reason: str, now: datetime) -> Application:
    """Have an application that was refused looked at once more; its clock begins anew.

    Raises:
        NotFound: The resident has no such application.
        FieldErrors: The reason (``reason``) is too short or long.
        Conflict: It was not refused, or was opened again before.
        Throttled: Too many tries.
    """
    reason = reason.strip()
    if shown_length(reason) < SHORTEST_REASON or len(reason) > LONGEST_WORDS:
        raise FieldErrors({"reason": _("Say what is wrong, in 10 to 1,000 characters.")})
    own_application(resident, number)
    count_attempt(ResidentAttempt, f"application:{resident.id}", MOST_TRIES, now)
    with transaction():
        row = own_application(resident, number, lock=True)
        if not can_reopen(row):
            raise Conflict(
                _("An application can be opened again once, and only if it was not approved.")
            )
        row.move(ApplicationState.RECEIVED)
        row.reopened, row.decided_at, row.taken_by, row.erase_on = True, None, None, None
        row.saved_at = now
        _start_clock(row, form_of(row).working_days, now)
        add_event(row, EventKind.REOPENED, now, words=reason)
        record(resident.actor, f"{APPLICATIONS}.reopen", number, {"service": row.service}, now)
        count(row.service, Measure.BEGUN, now)
    return row


def send_message(resident: SignedInResident, number: str, words: str, now: datetime) -> None:
    """Write to the city about an application that is under way. The same words once more within
    minutes, before the desk has answered or read them, change nothing.

    Raises:
        NotFound: The resident has no such application.
        FieldErrors: There are no words (``words``), or too many.
        Conflict: It is not under way.
        Throttled: Too many were written.
    """
    words = read_words(words)
    own_application(resident, number)
    count_attempt(ResidentAttempt, f"application:{resident.id}", MOST_TRIES, now)
    with transaction():
        row = own_application(resident, number, lock=True)
        if not row.is_under_way:
            raise Conflict(_("You can write about an application while it is under way."))
        if row.unanswered_since is not None and said_last(row, words, now):
            return
        row.unanswered_since = row.unanswered_since or now
        add_event(row, EventKind.MESSAGE, now, words=words)
        record(resident.actor, f"{APPLICATIONS}.message", number, {"service": row.service}, now)


def read_words(words: str) -> str:
    """A message, without what stands around it.

    Raises:
        FieldErrors: There are no words (``words``), or too many.
    """
    words = words.strip()
    if not shown_length(words) or len(words) > LONGEST_WORDS:
        raise FieldErrors({"words": _("Write something, at most 1,000 characters.")})
    return words


def resume(row: Application, answers: Mapping[str, Any], now: datetime) -> None:
    """Let the clock of an application go on that waited for its resident, with what they supplied; in
    the caller's transaction, which holds it."""
    row.sealed, row.saved_at = seal_answers(answers, now), now
    row.move(ApplicationState.IN_REVIEW if row.taken_by else ApplicationState.RECEIVED)
    restart_clock(row, now)


def drop_unsent(row: Application, now: datetime) -> None:
    """Delete the files that were added to be supplied, and were not."""
    drop_unused(row, file_fields(form_of(row).fields), answers_of(row, now))


def restart_clock(row: Application, now: datetime) -> None:
    """Let the clock go on that stood still, with the working days that were left; one that had run out
    stays run out."""
    if row.days_left is not None:
        _start_clock(row, row.days_left, now)
    row.days_left = None


def _start_clock(row: Application, working_days: int, now: datetime) -> None:
    today = today_in(current_city().timezone, now)
    row.due_on = working_days_after(today, working_days)
