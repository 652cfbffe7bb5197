"""The pages on which an application is filled in: its steps, checking it, sending it."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Any

from flask import redirect, render_template, request
from flask.typing import ResponseReturnValue

from smartcity_saas.catalog.checkout import begin_checkout
from smartcity_saas.configuration.city import Localized
from smartcity_saas.errors import NotFound
from smartcity_saas.forms import drafts
from smartcity_saas.forms.answers import Given, StepResult, asked, given_by_form
from smartcity_saas.forms.applications import NotComplete, open_fields, submit
from smartcity_saas.forms.definition import Definition, Field
from smartcity_saas.forms.fields import control, words
from smartcity_saas.forms.fields.files import NEW, REMOVE, REMOVED
from smartcity_saas.forms.files import Upload, file_fields, file_of, file_response
from smartcity_saas.forms.models import Application
from smartcity_saas.forms.names import MINE
from smartcity_saas.forms.own import own_application
from smartcity_saas.forms.reading import context_of
from smartcity_saas.forms.step_page import step_page
from smartcity_saas.forms.stored_forms import answers_of, form_of
from smartcity_saas.forms.uploads import Sent
from smartcity_saas.forms.views import blueprint
from smartcity_saas.identity.authorization import signed_in_resident
from smartcity_saas.payments.accounts import payments_open
from smartcity_saas.tenancy.current import current_time, request_city
from smartcity_saas.web.languages import page_language
from smartcity_saas.web.policy import Availability

BACK, LATER, CHECK = "back", "later", "check"
"""Where a step leads that is not the next one: before it, away, or to the page that checks all."""


@blueprint.page(
    f"{MINE}/<number>/steps/<int:step>",
    who="resident",
    availability=Availability.EXISTING_BUSINESS,
)
def step(number: str, step: int) -> ResponseReturnValue:
    """One step, as far as it was filled in."""
    row = own_application(signed_in_resident(), number)
    if not row.is_draft:
        return redirect(f"{MINE}/{number}")
    if not 1 <= step <= len(form_of(row).steps):
        raise NotFound
    return _step_page(row, step - 1, None)


@blueprint.page(
    f"{MINE}/<number>/steps/<int:step>",
    who="resident",
    methods=("POST",),
    availability=Availability.EXISTING_BUSINESS,
)
def save_step(number: str, step: int) -> ResponseReturnValue:
    """Save a step and go on, back, or away. It stays where something typed does not fit, where more
    is asked for by now, and where a file was added or taken out."""
    resident, now = signed_in_resident(), current_time()
    row = own_application(resident, number)
    if not row.is_draft:
        return redirect(f"{MINE}/{number}", 303)
    form = form_of(row)
    if not 1 <= step <= len(form.steps):
        raise NotFound
    sent = sent_by_form(form, [step - 1])
    saved = drafts.save_step(resident, number, step - 1, sent, now)
    go, result = request.form.get("go", ""), saved.result
    if (go in (BACK, LATER) or sent.removed) and not _typed_in_vain(result):
        return redirect(_place_aside(saved, step - 1, go), 303)
    if not result.is_done:
        return _step_page(saved.application, step - 1, saved), 422 if result.faults else 200
    if request.form.get("then") == CHECK or saved.application.step >= len(form.steps):
        return redirect(f"{MINE}/{number}/check", 303)
    return redirect(f"{MINE}/{number}/steps/{saved.application.step + 1}", 303)


@blueprint.page(
    f"{MINE}/<number>/check", who="resident", availability=Availability.EXISTING_BUSINESS
)
def check(number: str) -> ResponseReturnValue:
    """Everything that was answered, to be checked before it is sent."""
    row = own_application(signed_in_resident(), number)
    return _check_page(row) if row.is_draft else redirect(f"{MINE}/{number}")


@blueprint.page(
    f"{MINE}/<number>/submit",
    who="resident",
    methods=("POST",),
    availability=Availability.EXISTING_BUSINESS,
)
def send(number: str) -> ResponseReturnValue:
    """Send an application, or go and pay its fee, with which it is sent."""
    resident = signed_in_resident()
    row = own_application(resident, number)
    try:
        if row.is_draft and not row.is_paid:
            return redirect(begin_checkout(row.service, [row.id]).page, 303)
        submit(resident, number, current_time())
    except NotComplete:
        return _check_page(own_application(resident, number)), 422
    return redirect(f"{MINE}/{number}", 303)


@blueprint.page(
    f"{MINE}/<number>/files/<uuid:file_id>",
    who="resident",
    availability=Availability.EXISTING_BUSINESS,
)
def file(number: str, file_id: uuid.UUID) -> ResponseReturnValue:
    """A file that the resident added."""
    row = own_application(signed_in_resident(), number)
    return file_response(file_of(row, file_id, current_time()))


def sent_by_form(form: Definition, steps: Iterable[int]) -> Sent:
    """What the present page sent for the fields of some steps (from 0)."""
    values: dict[str, Any] = {}
    shown: set[str] = set()
    uploads = {}
    for step in steps:
        given = given_by_form(form, step, request.form)
        values |= given.values
        shown |= given.shown or set()
        for name in file_fields(form.steps[step].fields):
            found = [one for one in request.files.getlist(control(name, NEW)) if one.filename]
            if found and name in shown:
                uploads[name] = [Upload(one.filename or "", one.read()) for one in found]
    pressed = request.form.getlist(REMOVE)
    removed = frozenset([*pressed, *request.form.getlist(REMOVED)])
    return Sent(Given(values, frozenset(shown)), uploads, removed, stays=bool(pressed))


def answered(row: Application) -> list[tuple[int, Localized, list[tuple[Field, str, Any]]]]:
    """What was answered, step by step: its number (from 1), its title, and each field that is
    asked with the answer in words and as it is."""
    form, answers = form_of(row), answers_of(row, current_time())
    names = {one.name for one in asked(form, answers)}
    language = page_language()
    return [
        (
            number,
            step.title,
            [
                (one, words(one, answers.get(one.name), language), answers.get(one.name))
                for one in step.fields
                if one.name in names
            ],
        )
        for number, step in enumerate(form.steps, 1)
        if any(one.name in names for one in step.fields)
    ]


def _step_page(row: Application, step: int, saved: drafts.Saved | None) -> str:
    now = current_time()
    form = form_of(row)
    answers = saved.result.answers if saved else answers_of(row, now)
    context = saved.context if saved else context_of(row, now)
    return render_template(
        "forms/step.html",
        application=row,
        form=form,
        number=step + 1,
        page=step_page(form, step, answers, context, saved.result if saved else None),
        more=bool(saved and saved.result.unseen and not saved.result.faults),
        before=drafts.step_before(form, answers, step),
        after=drafts.next_step(form, answers, step),
        then=request.values.get("then", ""),
        tab="services",
    )


def _check_page(row: Application) -> str:
    now = current_time()
    return render_template(
        "forms/check.html",
        application=row,
        form=form_of(row),
        steps=answered(row),
        open_fields=open_fields(row, now),
        closed=not row.is_paid and not payments_open(request_city()),
        tab="services",
    )


def _place_aside(saved: drafts.Saved, step: int, go: str) -> str:
    """Where somebody goes who does not go on: away, a step back, or nowhere."""
    number = saved.application.number
    if go == LATER:
        return f"{MINE}?saved={number}"
    before = drafts.step_before(form_of(saved.application), saved.result.answers, step)
    back = before if go == BACK and before is not None else step
    return f"{MINE}/{number}/steps/{back + 1}"


def _typed_in_vain(result: StepResult) -> bool:
    """Whether something that was typed or added does not fit, so that it would be lost."""
    return any(
        NEW in result.faults.get(name, ()) or _says_something(typed)
        for name, typed in result.typed.items()
    )


def _says_something(typed: Any) -> bool:
    if isinstance(typed, dict):
        return any(_says_something(one) for one in typed.values())
    return bool(typed)
