"""The service's desk on the console: triage, assigning, answering, merging, releasing."""

from __future__ import annotations

import uuid
from typing import Any
from zoneinfo import ZoneInfo

from flask import redirect, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _

from smartcity_saas.clock import read_day
from smartcity_saas.errors import FieldErrors
from smartcity_saas.identity.authorization import signed_in_member
from smartcity_saas.images.photos import photo_response, sent_photos
from smartcity_saas.services.problem_reports import (
    following,
    lifecycle,
    lists,
    reading,
    reporting,
    triage,
)
from smartcity_saas.services.problem_reports.categories import ReportRules, report_rules
from smartcity_saas.services.problem_reports.models import OPEN_STATES, STATE_NAMES, ProblemReport
from smartcity_saas.services.problem_reports.names import SERVICE, TITLE
from smartcity_saas.services.problem_reports.views import STEP_NAMES
from smartcity_saas.tenancy.context import tenant_context
from smartcity_saas.tenancy.current import city_by_slug, current_time
from smartcity_saas.web.csv_output import csv_response
from smartcity_saas.web.languages import local
from smartcity_saas.web.policy import ConsoleBlueprint

ROOT = "/cities/<city>/problem-reports"
ONE = f"{ROOT}/<uuid:report_id>"
COLUMNS = (
    "number",
    "category",
    "place",
    "department",
    "state",
    "created_at",
    "due_at",
    "solved_at",
    "closed_at",
    "reopened",
)
QUEUE_NAMES = {
    "open": _("Not solved yet"),
    "late": _("Late"),
    "received": _("To assign"),
    "waiting": _("Waiting for something"),
    "solved": _("Said to be solved"),
    "refused": _("Not taken on"),
    "merged": _("Merged"),
    "all": _("All"),
}
FIELDS = (
    *("department", "words", "expected_on", "number", "public_words"),
    *("category", "place"),
)

blueprint = ConsoleBlueprint(
    f"{SERVICE}_desk", __name__, template_folder="templates", service=SERVICE
)


@blueprint.page(ROOT, permission="city.desk")
def desk(city: str) -> ResponseReturnValue:
    """Reports by what is to be done, the late ones first."""
    served, now = city_by_slug(city), current_time()
    asked = {name: request.args.get(name, "")[:60] for name in _ASKED}
    with tenant_context(served.id):
        rows = triage.queue(
            asked["state"], asked["category"], asked["department"], asked["text"].strip(), now
        )
        sizes = triage.queue_sizes(now)
        figures = lists.figures(now)
    return render_template(
        "problem_reports/desk.html",
        title=TITLE,
        base=f"/cities/{city}/problem-reports",
        rows=rows,
        sizes=sizes,
        figures=figures,
        queues=QUEUE_NAMES,
        asked={**asked, "state": asked["state"] or "open"},
        **_choices(report_rules(served)),
        state_names=STATE_NAMES,
        now=now,
        most=triage.MOST_SHOWN,
        open_states=OPEN_STATES,
    )


@blueprint.page(f"{ROOT}/reports.csv", permission="city.desk")
def reports_csv(city: str) -> ResponseReturnValue:
    """The reports of a queue, without who reported them."""
    served = city_by_slug(city)
    zone = ZoneInfo(served.timezone)
    asked = {name: request.args.get(name, "")[:60] for name in _ASKED}

    def moment(value: Any) -> str:
        return value.astimezone(zone).isoformat(timespec="minutes") if value else ""

    with tenant_context(served.id):
        rows = [
            (
                *(one.number, one.category, one.place, one.department, one.state.value),
                *map(moment, (one.created_at, one.due_at, one.solved_at, one.closed_at)),
                one.reopened,
            )
            for one in triage.queue(
                asked["state"] or "all",
                asked["category"],
                asked["department"],
                "",
                current_time(),
                limit=triage.MOST_EXPORTED,
            )
        ]
    return csv_response(f"{city}-problem-reports.csv", COLUMNS, rows)


@blueprint.page(ONE, permission="city.desk")
def one_report(city: str, report_id: uuid.UUID) -> ResponseReturnValue:
    """One report, with everything that can be done about it."""
    return _page(city, report_id, {}, {})


@blueprint.page(
    f"{ONE}/assign", permission="city.desk", methods=("POST",), told_as=_("assigned it")
)
def assign(city: str, report_id: uuid.UUID) -> ResponseReturnValue:
    """Give it to a department."""
    return _do(
        city,
        report_id,
        lambda actor, typed, now: lifecycle.assign(actor, report_id, typed["department"], now),
    )


@blueprint.page(
    f"{ONE}/begin", permission="city.desk", methods=("POST",), told_as=_("began work on it")
)
def begin(city: str, report_id: uuid.UUID) -> ResponseReturnValue:
    """The department has begun."""
    return _do(
        city, report_id, lambda actor, typed, now: lifecycle.begin_work(actor, report_id, now)
    )


@blueprint.page(
    f"{ONE}/wait", permission="city.desk", methods=("POST",), told_as=_("said what it waits for")
)
def wait(city: str, report_id: uuid.UUID) -> ResponseReturnValue:
    """Something is waited for."""
    return _do(
        city,
        report_id,
        lambda actor, typed, now: lifecycle.wait(
            actor, report_id, typed["words"], read_day(typed["expected_on"]), now
        ),
    )


@blueprint.page(
    f"{ONE}/solve", permission="city.desk", methods=("POST",), told_as=_("answered: solved")
)
def solve(city: str, report_id: uuid.UUID) -> ResponseReturnValue:
    """It is solved, with what was done and photographs of it."""

    def act(actor: Any, typed: dict[str, str], now: Any) -> None:
        errors: dict[str, Any] = {}
        photos = reading.read_photos(sent_photos(), errors, from_reserve=True)
        if errors:
            raise FieldErrors(errors)
        lifecycle.solve(actor, report_id, typed["words"], photos, now)

    return _do(city, report_id, act)


@blueprint.page(
    f"{ONE}/refuse", permission="city.desk", methods=("POST",), told_as=_("answered: not taken on")
)
def refuse(city: str, report_id: uuid.UUID) -> ResponseReturnValue:
    """It is not taken on, for a reason."""
    return _do(
        city,
        report_id,
        lambda actor, typed, now: lifecycle.refuse(actor, report_id, typed["words"], now),
    )


@blueprint.page(
    f"{ONE}/merge", permission="city.desk", methods=("POST",), told_as=_("merged it into another")
)
def merge(city: str, report_id: uuid.UUID) -> ResponseReturnValue:
    """Another report goes on in its place."""
    return _do(
        city,
        report_id,
        lambda actor, typed, now: lifecycle.merge(actor, report_id, typed["number"], now),
    )


@blueprint.page(
    f"{ONE}/correct", permission="city.desk", methods=("POST",), told_as=_("corrected it")
)
def correct(city: str, report_id: uuid.UUID) -> ResponseReturnValue:
    """Put category and place right."""
    return _do(
        city,
        report_id,
        lambda actor, typed, now: lifecycle.correct(
            actor, report_id, typed["category"], typed["place"], now
        ),
    )


@blueprint.page(
    f"{ONE}/release",
    permission="city.desk",
    methods=("POST",),
    told_as=_("chose what is public of it"),
)
def release(city: str, report_id: uuid.UUID) -> ResponseReturnValue:
    """Choose what everyone may read and see of it."""
    return _do(
        city,
        report_id,
        lambda actor, typed, now: lifecycle.release(
            actor,
            report_id,
            typed["public_words"],
            request.form.getlist("released"),
            now,
            place="place_released" in request.form,
        ),
    )


@blueprint.page(
    f"{ROOT}/photos/<uuid:photo_id>", permission="city.desk", told_as=_("opened a photograph")
)
def photo(city: str, photo_id: uuid.UUID) -> ResponseReturnValue:
    """A photograph of a report."""
    with tenant_context(city_by_slug(city).id):
        return photo_response(lists.photo_content(photo_id, lambda _report: True))


_ASKED = ("state", "category", "department", "text")


def _do(city: str, report_id: uuid.UUID, act: Any) -> ResponseReturnValue:
    """Do something about a report; what was typed stays where it has to be put right."""
    typed = {name: request.form.get(name, "") for name in FIELDS}
    actor = signed_in_member().actor
    try:
        with tenant_context(city_by_slug(city).id):
            act(actor, typed, current_time())
    except FieldErrors as error:
        return _page(city, report_id, typed, error.fields), 422
    return redirect(f"/cities/{city}/problem-reports/{report_id}?done=1", 303)


def _page(city: str, report_id: uuid.UUID, typed: dict[str, str], errors: dict[str, Any]) -> str:
    served, now = city_by_slug(city), current_time()
    rules = report_rules(served)
    with tenant_context(served.id):
        found = reporting.by_id(report_id)
        steps = lists.steps_of(report_id)
        values = {
            "notes": lists.notes_of(report_id),
            "photos": lists.photos_of(report_id, released=False),
            "answer_photos": lists.answer_photos([one.id for one in steps]),
            "followers": following.follower_counts([report_id]).get(report_id, 0),
            "merged": lifecycle.merged_count(report_id),
            "into": lists.numbers_of([found.merged_into_id]) if found.merged_into_id else {},
            "near": _near(found, rules.near_metres),
        }
    return render_template(
        "problem_reports/desk_report.html",
        title=TITLE,
        base=f"/cities/{city}/problem-reports",
        here_path=f"/cities/{city}/problem-reports/{report_id}",
        report=found,
        steps=steps,
        **_choices(rules),
        template=_template(rules.answers),
        state_names=STATE_NAMES,
        step_names=STEP_NAMES,
        typed=typed,
        errors=errors,
        form=request.path.rpartition("/")[2] if errors else "",
        done="done" in request.args,
        now=now,
        **values,
    )


def _choices(rules: ReportRules) -> dict[str, Any]:
    """The rules, and their categories and departments to choose from."""
    return {
        "rules": rules,
        "options": [(code, local(one.name)) for code, one in rules.categories.items()],
        "departments": [(code, local(name)) for code, name in rules.departments.items()],
    }


def _near(found: ProblemReport, metres: int) -> list[lists.NearReport]:
    where = found.position
    if where is None or not found.is_open:
        return []
    return lists.near_reports(found.category, where, metres, without=found.id)


def _template(answers: Any) -> str:
    """The answer that was chosen to start from, in both languages: whoever reads it may read either."""
    for one in answers:
        if one["answer"] == request.args.get("answer"):
            return f"{one['text']['zh']}\n{one['text']['en']}"
    return ""
