"""A resident's applications: the list, and what becomes of one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import redirect, render_template, request
from flask.typing import ResponseReturnValue

from smartcity_saas.clock import today_in
from smartcity_saas.errors import FieldErrors
from smartcity_saas.forms import applications as domain
from smartcity_saas.forms.definition import Field
from smartcity_saas.forms.fees import FeeChanged, fee_comes_back
from smartcity_saas.forms.files import file_fields, stored_files
from smartcity_saas.forms.models import (
    EVENT_NAMES,
    FINISHED,
    STATE_NAMES,
    UNDER_WAY,
    Application,
    ApplicationState,
)
from smartcity_saas.forms.names import MINE
from smartcity_saas.forms.own import own_application, own_applications
from smartcity_saas.forms.papers import paper_of
from smartcity_saas.forms.rateable import APPLICATION
from smartcity_saas.forms.reading import context_of
from smartcity_saas.forms.step_page import ShownField, StepPage, step_page
from smartcity_saas.forms.step_views import answered, sent_by_form
from smartcity_saas.forms.stored_forms import form_of
from smartcity_saas.forms.supplying import (
    Supplied,
    answers_at_hand,
    asked_for,
    fields_shown,
    supply,
)
from smartcity_saas.forms.timeline import happened, timeline_of, timelines_of
from smartcity_saas.forms.uploads import Sent
from smartcity_saas.forms.views import blueprint, place_of
from smartcity_saas.identity.authorization import signed_in_resident
from smartcity_saas.notifications import reach_of
from smartcity_saas.ratings.submission import ActReference, rating_prompt
from smartcity_saas.tenancy.current import current_time, request_city
from smartcity_saas.web.policy import Availability
from smartcity_saas.working_days import working_days_until

LATELY = 3
"""Of those that are finished, how many stand on the first page."""


@blueprint.page(
    MINE,
    who="resident",
    availability=Availability.EXISTING_BUSINESS,
    assisted_service=True,
    across_services=True,
)
def mine() -> ResponseReturnValue:
    """The resident's applications: under way, not sent, finished."""
    resident, now = signed_in_resident(), current_time()
    found = own_applications(resident, list(ApplicationState))
    under_way = [one for one in found if one.state in UNDER_WAY]
    timelines = timelines_of(under_way, now)
    shown = request.args.get("show", "")
    return _render(
        "mine.html",
        show=shown if shown in ("drafts", "finished") else "",
        # what waits for the resident stands first
        under_way=[
            (one, form_of(one), timelines[one.id])
            for one in sorted(under_way, key=lambda one: not one.waits_for_resident)
        ],
        drafts=[(one, form_of(one), place_of(one)) for one in found if one.is_draft],
        finished=[(one, form_of(one)) for one in found if one.state in FINISHED],
        lately=LATELY,
        saved=request.args.get("saved", ""),
    )


@blueprint.page(f"{MINE}/<number>", who="resident", availability=Availability.EXISTING_BUSINESS)
def application(number: str) -> ResponseReturnValue:
    """What became of an application, and what can be done; a draft goes on where it was left."""
    row = own_application(signed_in_resident(), number)
    return redirect(place_of(row)) if row.is_draft else _page(row, {}, {})


@blueprint.page(
    f"{MINE}/<number>/supply", who="resident", availability=Availability.EXISTING_BUSINESS
)
def supply_form(number: str) -> ResponseReturnValue:
    """What the city asks for anew."""
    row = own_application(signed_in_resident(), number)
    return _supply_page(row, None) if row.waits_for_resident else redirect(f"{MINE}/{number}")


@blueprint.page(
    f"{MINE}/<number>/supply",
    who="resident",
    methods=("POST",),
    availability=Availability.EXISTING_BUSINESS,
)
def send_supply(number: str) -> ResponseReturnValue:
    """Send what the city asks for anew."""
    resident = signed_in_resident()
    form = form_of(own_application(resident, number))
    sent = sent_by_form(form, range(len(form.steps)))
    done = supply(resident, number, sent, request.form.get("words", ""), current_time())
    if not done.is_done:
        return _supply_page(done.application, done, sent), 200 if sent.stays else 422
    return redirect(f"{MINE}/{number}", 303)


@blueprint.page(
    f"{MINE}/<number>/messages",
    who="resident",
    methods=("POST",),
    availability=Availability.EXISTING_BUSINESS,
)
def send_message(number: str) -> ResponseReturnValue:
    """Write to the city about an application."""
    resident = signed_in_resident()
    typed = {"words": request.form.get("words", "")}
    try:
        domain.send_message(resident, number, typed["words"], current_time())
    except FieldErrors as error:
        return _page(own_application(resident, number), typed, error.fields), 422
    return redirect(f"{MINE}/{number}#write", 303)


@blueprint.page(
    f"{MINE}/<number>/withdraw", who="resident", availability=Availability.EXISTING_BUSINESS
)
def withdraw_question(number: str) -> ResponseReturnValue:
    """What withdrawing an application, or erasing a draft, does."""
    row = own_application(signed_in_resident(), number)
    if row.is_finished:
        return redirect(f"{MINE}/{number}")
    return _withdraw_page(row)


@blueprint.page(
    f"{MINE}/<number>/withdraw",
    who="resident",
    methods=("POST",),
    availability=Availability.EXISTING_BUSINESS,
)
def withdraw(number: str) -> ResponseReturnValue:
    """Withdraw an application, or erase a draft."""
    resident = signed_in_resident()
    was_draft = own_application(resident, number).is_draft
    told = {"back": True, "stays": False}.get(request.form.get("fee", ""))
    try:
        domain.withdraw(resident, number, current_time(), told=told)
    except FeeChanged as error:
        return _withdraw_page(own_application(resident, number), error), 409
    return redirect(MINE if was_draft else f"{MINE}/{number}", 303)


@blueprint.page(
    f"{MINE}/<number>/reopen",
    who="resident",
    methods=("POST",),
    availability=Availability.EXISTING_BUSINESS,
)
def reopen(number: str) -> ResponseReturnValue:
    """Have an application that was refused looked at once more."""
    resident = signed_in_resident()
    typed = {"reason": request.form.get("reason", "")}
    try:
        domain.reopen(resident, number, typed["reason"], current_time())
    except FieldErrors as error:
        return _page(own_application(resident, number), typed, error.fields), 422
    return redirect(f"{MINE}/{number}", 303)


def _page(row: Application, typed: dict[str, str], errors: dict[str, Any]) -> str:
    resident, now = signed_in_resident(), current_time()
    of = ActReference(row.service, APPLICATION, row.id)
    return _render(
        "application.html",
        application=row,
        form=form_of(row),
        events=timeline_of(row, now),
        steps=answered(row),
        can_reopen=domain.can_reopen(row),
        paper=paper_of(row),
        reach=reach_of(resident),
        rating=rating_prompt(resident, of, now),
        typed=typed,
        errors=errors,
    )


def _withdraw_page(row: Application, changed: FeeChanged | None = None) -> str:
    return _render(
        "withdraw.html",
        application=row,
        form=form_of(row),
        back=fee_comes_back(row, happened(row)),
        changed=changed,
    )


def _supply_page(row: Application, done: Supplied | None, sent: Sent | None = None) -> str:
    now = current_time()
    request_of = asked_for(row, now)
    typed = request.form.get("words", "") if done else ""
    return _render(
        "supply.html",
        application=row,
        form=form_of(row),
        words_asked=request_of.words,
        page=_supply_fields(row, request_of.fields, done),
        removed=_removed(row, sent) if sent else [],
        more=bool(done and done.result.unseen and not done.result.faults),
        needs_words=not request_of.fields,
        typed=typed,
        fault=done.words if done else None,
    )


def _removed(row: Application, sent: Sent) -> list[str]:
    """The files among what was sent that are to be taken out, which the page sends again."""
    stored = stored_files(row, file_fields(form_of(row).fields), current_time())
    return [one["id"] for files in stored.values() for one in files if one["id"] in sent.removed]


def _supply_fields(row: Application, wanted: Sequence[Field], done: Supplied | None) -> StepPage:
    """The fields that are asked for anew, of whichever steps, as one page."""
    now, form = current_time(), form_of(row)
    answers = done.result.answers if done else answers_at_hand(row, now)
    context = done.context if done else context_of(row, now)
    result = done.result if done else None
    names = {one.name for one in fields_shown(form, wanted, answers)}
    shown: list[ShownField] = []
    for number in range(len(form.steps)):
        page = step_page(form, number, answers, context, result)
        shown += [one for one in page.fields if one.field.name in names or _follows(one, names)]
    return StepPage(tuple(shown))


def _follows(one: ShownField, names: set[str]) -> bool:
    """Whether a field waits for the answer to one that is asked for anew."""
    return one.waits and any(name in names for name in one.field.show_if)


def _render(template: str, **values: Any) -> str:
    city, now = request_city(), current_time()
    today = today_in(city.timezone, now)
    return render_template(
        f"forms/{template}",
        event_names=EVENT_NAMES,
        state_names=STATE_NAMES,
        left=lambda day: working_days_until(today, day),
        tab="me",
        **values,
    )
