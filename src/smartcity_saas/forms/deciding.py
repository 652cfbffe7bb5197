"""What the desk does with an application: takes it over, asks for more, writes, decides, revokes the
paper."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import select

from smartcity_saas.audit import Actor, record
from smartcity_saas.clock import today_in
from smartcity_saas.configuration.fields import shown_length
from smartcity_saas.database import one_or_404, transaction
from smartcity_saas.errors import Conflict, FieldErrors
from smartcity_saas.forms.answers import asked
from smartcity_saas.forms.applications import (
    LONGEST_WORDS,
    SHORTEST_REASON,
    drop_unsent,
    read_words,
    restart_clock,
)
from smartcity_saas.forms.desk_conflicts import refuse_own
from smartcity_saas.forms.models import (
    DECIDED,
    Application,
    ApplicationPaper,
    ApplicationState,
    EventKind,
)
from smartcity_saas.forms.names import APPLICATIONS
from smartcity_saas.forms.papers import draw_paper, issue_paper
from smartcity_saas.forms.stored_forms import answers_of, form_of
from smartcity_saas.forms.supply_deadline import supply_by
from smartcity_saas.forms.timeline import add_event, began_to_wait, said_last
from smartcity_saas.measures import Measure, count
from smartcity_saas.tenancy.current import current_city
from smartcity_saas.working_days import working_days_until


def desk_application(service: str, number: str, *, lock: bool = False) -> Application:
    """One application at the desk of a form; a draft is nobody's but its resident's.

    Args:
        service: The form's name.
        number: As people are told it.
        lock: Hold the row until the transaction ends, as it is by then.

    Raises:
        NotFound: The desk has no such application.
    """
    query = select(Application).where(
        Application.number == number,
        Application.service == service,
        Application.state != ApplicationState.DRAFT,
    )
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    return one_or_404(query, _("There is no application “%(number)s” here.", number=number[:40]))


def take_over(actor: Actor, service: str, number: str, now: datetime) -> None:
    """Take an application over, from the pile or from a colleague; twice is once. One that waits for
    its resident goes on without what was asked for.

    Raises:
        NotFound: The desk has no such application.
        NotAllowed: The actor has a part in it.
        Conflict: It is finished.
    """
    with transaction():
        row = _own_case(actor, service, number)
        _require_under_way(row)
        if row.state is ApplicationState.IN_REVIEW and row.taken_by == actor.name:
            return
        from_colleague = row.state is ApplicationState.IN_REVIEW
        if row.waits_for_resident:
            drop_unsent(row, now)
            restart_clock(row, now)
        if not from_colleague:
            row.move(ApplicationState.IN_REVIEW)
            add_event(row, EventKind.TAKEN_OVER, now, by_staff=actor.name)
        row.taken_by = actor.name
        _record(actor, "take", row, now)


def put_back(actor: Actor, service: str, number: str, now: datetime) -> None:
    """Put an application back for whoever takes it next.

    Raises:
        NotFound: The desk has no such application.
        NotAllowed: The actor has a part in it.
        Conflict: The actor does not have it.
    """
    with transaction():
        row = _own_case(actor, service, number)
        _require_mine(row, actor)
        row.move(ApplicationState.RECEIVED)
        row.taken_by = None
        add_event(row, EventKind.PUT_BACK, now, by_staff=actor.name)
        _record(actor, "put_back", row, now)


def ask_more(
    actor: Actor, service: str, number: str, fields: Collection[str], words: str, now: datetime
) -> None:
    """Ask the resident for more: the clock stands still until they have sent it, with at least one
    working day left. One that is late already stays late.

    Args:
        actor: Who asks; they have it.
        service: The form's name.
        number: The application's.
        fields: The names of the fields that are to be answered anew; none where words are enough.
        words: What is missing.
        now: The time.

    Raises:
        NotFound: The desk has no such application.
        NotAllowed: The actor has a part in it.
        FieldErrors: There are no words, too many, or a field that is not asked (``fields``).
        Conflict: The actor does not have it.
    """
    with transaction():
        row = _own_case(actor, service, number)
        _require_mine(row, actor)
        errors: dict[str, Any] = {}
        try:
            words = read_words(words)
        except FieldErrors as error:
            errors |= error.fields
        known = [one.name for one in asked(form_of(row), answers_of(row, now))]
        if unknown := sorted(set(fields) - set(known)):
            errors["fields"] = _(
                "“%(name)s” is not asked here. Choose among the answers.", name=unknown[0][:40]
            )
        if errors:
            raise FieldErrors(errors)
        row.move(ApplicationState.MORE_NEEDED)
        row.days_left, row.unanswered_since = _days_left(row, now), None
        row.supply_by = supply_by(row, now)
        wanted = [name for name in known if name in fields]
        add_event(row, EventKind.MORE_NEEDED, now, words=words, by_staff=actor.name, fields=wanted)
        _record(actor, "ask", row, now)


def write_to_resident(actor: Actor, service: str, number: str, words: str, now: datetime) -> None:
    """Write to the resident about an application, which changes nothing. The same words once more
    within minutes, with nothing said since, are not sent again.

    Raises:
        NotFound: The desk has no such application.
        NotAllowed: The actor has a part in it.
        FieldErrors: There are no words (``words``), or too many.
        Conflict: It is finished.
    """
    words = read_words(words)
    with transaction():
        row = _own_case(actor, service, number)
        _require_under_way(row)
        if said_last(row, words, now, by_staff=actor.name):
            return
        row.unanswered_since = None
        add_event(row, EventKind.MESSAGE, now, words=words, by_staff=actor.name)
        _record(actor, "write", row, now)


def mark_read(actor: Actor, service: str, number: str, now: datetime) -> None:
    """Let what the resident wrote stand without an answer; twice is once.

    Raises:
        NotFound: The desk has no such application.
        NotAllowed: The actor has a part in it.
    """
    with transaction():
        row = _own_case(actor, service, number)
        if row.unanswered_since is not None:
            row.unanswered_since = None
            _record(actor, "read", row, now)


def decide(
    actor: Actor, service: str, number: str, decision: str, words: str, now: datetime
) -> None:
    """Approve an application, with its letter or certificate where the form has one, or refuse it with
    a reason.

    Raises:
        NotFound: The desk has no such application.
        NotAllowed: The actor has a part in it.
        FieldErrors: There is no ``decision`` (``approved`` or ``refused``), or ``words`` do not fit it.
        Conflict: The actor does not have it, or it has changed meanwhile.
        Invalid: The city's storage has no room for the paper.
    """
    words = words.strip()
    _check_decision(decision, words)
    state = ApplicationState(decision)
    seen = desk_application(service, number)
    # drawing takes a while, so nothing is locked meanwhile
    drawn = draw_paper(seen, now) if state is ApplicationState.APPROVED else None
    sealed = seen.sealed
    with transaction():
        row = _own_case(actor, service, number)
        _require_mine(row, actor)
        if row.sealed != sealed:
            raise Conflict(_("The answers have changed meanwhile. Read them again first."))
        today = today_in(current_city().timezone, now)
        row.move(state)
        row.decided_at, row.erase_on = now, form_of(row).keep.after(today)
        row.unanswered_since = None
        if drawn is not None:
            issue_paper(row, drawn, now)
        count(row.service, Measure.DONE, now, waited=now - began_to_wait(row))
        if row.due_on is not None and today > row.due_on:
            count(row.service, Measure.LATE, now)
        add_event(row, EventKind(decision), now, words=words, by_staff=actor.name)
        _record(actor, "approve" if row.is_approved else "refuse", row, now)


def revoke(actor: Actor, service: str, number: str, reason: str, now: datetime) -> None:
    """Revoke the paper of an application: whoever verifies it is told so from now on, and its resident
    why.

    Raises:
        NotFound: The desk has no such application, or it has no paper.
        NotAllowed: The actor has a part in it.
        FieldErrors: The ``reason`` is too short or long.
        Conflict: It was revoked before.
    """
    reason = reason.strip()
    if shown_length(reason) < SHORTEST_REASON or len(reason) > LONGEST_WORDS:
        raise FieldErrors(
            {"reason": _("Say why, in 10 to 1,000 characters. The resident reads it.")}
        )
    with transaction():
        row = _own_case(actor, service, number)
        paper = one_or_404(
            select(ApplicationPaper)
            .where(ApplicationPaper.application_id == row.id)
            .with_for_update(),
            _("This application has no paper."),
        )
        if paper.revoked_at is not None:
            raise Conflict(_("This paper was revoked before."))
        paper.revoked_at = now
        add_event(row, EventKind.REVOKED, now, words=reason, by_staff=actor.name)
        _record(actor, "revoke", row, now)


def _own_case(actor: Actor, service: str, number: str) -> Application:
    row = desk_application(service, number, lock=True)
    refuse_own(row, actor)
    return row


def _check_decision(decision: str, words: str) -> None:
    errors: dict[str, Any] = {}
    if decision not in DECIDED:
        errors["decision"] = _("Choose whether it is approved.")
    least = SHORTEST_REASON if decision == ApplicationState.REFUSED else 0
    if shown_length(words) < least or len(words) > LONGEST_WORDS:
        errors["words"] = (
            _("Say why, in 10 to 1,000 characters. The resident reads it.")
            if least
            else _("Write at most 1,000 characters.")
        )
    if errors:
        raise FieldErrors(errors)


def _require_under_way(row: Application) -> None:
    if not row.is_under_way:
        raise Conflict(_("%(number)s is finished.", number=row.number))


def _require_mine(row: Application, actor: Actor) -> None:
    if row.state is not ApplicationState.IN_REVIEW or row.taken_by != actor.name:
        raise Conflict(_("You do not have %(number)s. Take it over first.", number=row.number))


def _days_left(row: Application, now: datetime) -> int | None:
    today = today_in(current_city().timezone, now)
    if row.due_on is None or today > row.due_on:
        return None
    return max(1, working_days_until(today, row.due_on))


def _record(actor: Actor, act: str, row: Application, now: datetime) -> None:
    record(actor, f"{APPLICATIONS}.{act}", row.number, {"service": row.service}, now)
