"""The service's pages on a city's site."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from flask import Response, make_response, redirect, render_template, request, session
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _

from smartcity_saas.addresses import network_of
from smartcity_saas.errors import FieldErrors, NotFound, NotSignedIn, SmartCityError
from smartcity_saas.identity.api_clients.call_limits import count_call
from smartcity_saas.identity.authorization import current_resident, signed_in_resident
from smartcity_saas.identity.rate_limits import WINDOW
from smartcity_saas.images.photos import photo_response, sent_photos
from smartcity_saas.notifications import give_leave, reach_of
from smartcity_saas.ratings.submission import ActReference, RatingPrompt, rating_prompt
from smartcity_saas.services.problem_reports import (
    following,
    lifecycle,
    lists,
    own,
    reading,
    reporting,
)
from smartcity_saas.services.problem_reports.categories import ReportRules, report_rules
from smartcity_saas.services.problem_reports.models import (
    STATE_NAMES,
    ProblemReport,
    ProblemReportStep,
    StepKind,
)
from smartcity_saas.services.problem_reports.names import ROOT, SERVICE, TITLE
from smartcity_saas.services.problem_reports.positions import read_position
from smartcity_saas.services.problem_reports.rateable import REPORT
from smartcity_saas.tenancy.current import current_time, request_city, time_of_reading
from smartcity_saas.web.languages import local
from smartcity_saas.web.policy import Availability, CityBlueprint

FRESH_FOR = timedelta(minutes=1)
"""How old what strangers read of reports may be."""
MOST_SEARCHES = 120
"""Questions for reports, by place or filter, of one network in five minutes."""
TYPED = ("category", "place", "latitude", "longitude", "words")
LOCATED = "camera=(), geolocation=(self), microphone=()"
"""The Permissions-Policy of the form and the list: a button of theirs asks for the phone's position."""
STEP_NAMES: dict[str, Any] = {
    **STATE_NAMES,
    StepKind.WAITING: _("Takes longer"),
    StepKind.REOPENED: _("Not solved: opened again"),
}

blueprint = CityBlueprint(SERVICE, __name__, service=SERVICE, template_folder="templates")


@blueprint.page(ROOT, who="everyone")
def landing() -> ResponseReturnValue:
    """The form that reports a problem."""
    return _form({name: request.args.get(name, "")[:200] for name in TYPED}, {}, [])


@blueprint.page(ROOT, who="everyone", methods=("POST",))
def report() -> ResponseReturnValue:
    """Take a report. Where something is to be put right, photographs are kept with what was typed."""
    rules, now = _rules(), current_time()
    resident = current_resident()
    if resident is None and not rules.without_sign_in:
        raise NotSignedIn
    reporter = own.reporter_here(told="tell" in request.form)
    reporting.count_sent(reporter, now)
    typed = {name: request.form.get(name, "") for name in TYPED}
    uploads = sent_photos()
    form_hash = own.form_hash(typed, uploads)
    kept = reporting.kept_uploads(own.browser_hash(), request.form.getlist("kept"))
    try:
        told = reading.read_report(rules, typed)
    except FieldErrors as error:
        errors = dict(error.fields)
        again = _kept_now(uploads, errors, len(kept), now)
        return _form(typed, errors, [*kept, *again], status=422)
    try:
        made = reporting.report_problem(
            reporter, told, uploads, now, kept=[*kept.values()], form_hash=form_hash
        )
    except FieldErrors as error:
        return _form(typed, error.fields, [*kept], status=422)
    if kept:
        reporting.drop_uploads(own.browser_hash())
    if resident is not None and reporter.told:
        give_leave(resident, now)
    if made.code is not None:
        own.open_for_browser(made.report.id, now)
        session[own.SHOWN_CODE] = made.code
    return redirect(f"{ROOT}/{made.report.number}?new=1", 303)


@blueprint.page(f"{ROOT}/near", who="everyone")
def near() -> ResponseReturnValue:
    """Open reports of a category near a position, as a part of the form."""
    _count_search()
    category = request.args.get("category", "")
    try:
        where = read_position(request.args.get("latitude", ""), request.args.get("longitude", ""))
    except ValueError:
        where = None
    found = lists.public_near_reports(category, where, _rules().near_metres) if where else []
    return _render("near.html", found=found, follow=current_resident() is not None)


@blueprint.page(
    f"{ROOT}/all", who="everyone", availability=Availability.EXISTING_BUSINESS, kept=FRESH_FOR
)
def public_list() -> ResponseReturnValue:
    """Every report as everyone may read it, by category, state and place; and what became of them."""
    if request.args:
        _count_search()
    asked = {name: request.args.get(name, "")[:60] for name in ("category", "state")}
    position = {name: request.args.get(name, "")[:40] for name in ("latitude", "longitude")}
    try:
        where = read_position(*position.values())
    except ValueError:
        where, position = None, dict.fromkeys(position, "")
    rows, more = lists.public_list(
        lists.ListFilter(asked["category"], asked["state"], where), _key(request.args.get("before"))
    )
    now = time_of_reading(FRESH_FOR)
    page = _render(
        "list.html",
        reports=rows,
        more=more,
        asked=asked,
        position=position,
        options=_options(),
        query=f"{urlencode(kept)}&" if (kept := _not_empty({**asked, **position})) else "",
        near=where,
        now=now,
        figures=lists.figures(now),
        followers=following.follower_counts([one.id for one in rows]),
    )
    return _locating(page)


@blueprint.page(f"{ROOT}/mine", who="resident", availability=Availability.EXISTING_BUSINESS)
def mine() -> ResponseReturnValue:
    """What the resident has reported, and what they follow."""
    resident = signed_in_resident()
    return _render(
        "mine.html",
        reports=reporting.reports_of(resident),
        followed=following.followed_by(resident),
        now=current_time(),
    )


@blueprint.page(f"{ROOT}/track", who="everyone", availability=Availability.EXISTING_BUSINESS)
def track_form() -> ResponseReturnValue:
    """The form for a number and its code."""
    return _render("track.html", typed={"number": request.args.get("number", "")[:40]}, errors={})


@blueprint.page(
    f"{ROOT}/track", who="everyone", methods=("POST",), availability=Availability.EXISTING_BUSINESS
)
def track() -> ResponseReturnValue:
    """Open a report by its number and code, for this browser."""
    typed = {name: request.form.get(name, "")[:60] for name in ("number", "code")}
    now = current_time()
    try:
        found = reporting.report_of_code(**typed, address=request.remote_addr or "", now=now)
    except NotFound as error:
        return _render("track.html", typed=typed, errors={"code": error.detail}), 422
    own.open_for_browser(found.id, now)
    return redirect(f"{ROOT}/{found.number}", 303)


@blueprint.page(
    f"{ROOT}/<number>",
    who="everyone",
    availability=Availability.EXISTING_BUSINESS,
    kept=FRESH_FOR,
)
def one_report(number: str) -> ResponseReturnValue:
    """One report: for everyone what is public, for whoever made it all of it."""
    return _report_page(reporting.by_number(number), {}, {})


@blueprint.page(f"{ROOT}/<number>/follow", who="resident", methods=("POST",))
def follow(number: str) -> ResponseReturnValue:
    """Follow a report of another's; with leave for messages, where it was given with it."""
    resident, now = signed_in_resident(), current_time()
    following.follow(resident, reporting.by_number(number).id, now)
    if "tell" in request.form:
        give_leave(resident, now)
    return redirect(f"{ROOT}/{number}", 303)


@blueprint.page(
    f"{ROOT}/<number>/unfollow",
    who="resident",
    methods=("POST",),
    availability=Availability.EXISTING_BUSINESS,
)
def unfollow(number: str) -> ResponseReturnValue:
    """Follow a report no longer."""
    following.unfollow(signed_in_resident(), reporting.by_number(number).id)
    return redirect(f"{ROOT}/{number}", 303)


@blueprint.page(
    f"{ROOT}/<number>/solved",
    who="everyone",
    methods=("POST",),
    availability=Availability.EXISTING_BUSINESS,
)
def confirm(number: str) -> ResponseReturnValue:
    """It is solved, says whoever reported it."""
    now = current_time()
    lifecycle.confirm(own.asking_actor(), own.own_report(number, now).id, now)
    return redirect(f"{ROOT}/{number}", 303)


@blueprint.page(
    f"{ROOT}/<number>/reopen",
    who="everyone",
    methods=("POST",),
    availability=Availability.EXISTING_BUSINESS,
)
def reopen(number: str) -> ResponseReturnValue:
    """It is not solved, says whoever reported it, with a photograph or words."""
    return _say_more(number, lifecycle.reopen)


@blueprint.page(
    f"{ROOT}/<number>/add",
    who="everyone",
    methods=("POST",),
    availability=Availability.EXISTING_BUSINESS,
)
def add(number: str) -> ResponseReturnValue:
    """Add words or photographs to an open report."""
    return _say_more(number, lifecycle.add_to)


@blueprint.page(
    f"{ROOT}/<number>/same",
    who="everyone",
    methods=("POST",),
    availability=Availability.EXISTING_BUSINESS,
)
def same(number: str) -> ResponseReturnValue:
    """It is the same as one that was reported before, says whoever has just reported it."""
    now = current_time()
    found = own.own_report(number, now)
    if not found.is_received:
        raise SmartCityError(
            _("The desk is at work on your report already. It merges them itself.")
        )
    into = lifecycle.merge(own.asking_actor(), found.id, request.form.get("into", ""), now)
    return redirect(f"{ROOT}/{into.number}", 303)


@blueprint.page(
    f"{ROOT}/<number>/messages",
    who="resident",
    methods=("POST",),
    availability=Availability.EXISTING_BUSINESS,
)
def messages(number: str) -> ResponseReturnValue:
    """Have messages of the resident's own report sent, or not any more."""
    now = current_time()
    reporting.tell_about(own.own_report(number, now).id, told="tell" in request.form)
    if "tell" in request.form:
        give_leave(signed_in_resident(), now)
    return redirect(f"{ROOT}/{number}", 303)


@blueprint.page(
    f"{ROOT}/photos/<uuid:photo_id>", who="everyone", availability=Availability.EXISTING_BUSINESS
)
def photo(photo_id: uuid.UUID) -> ResponseReturnValue:
    """A photograph that everyone may see, or of one's own report."""
    now = current_time()
    return photo_response(lists.photo_content(photo_id, lambda found: own.is_own(found, now)))


@blueprint.page(f"{ROOT}/kept/<uuid:upload_id>", who="everyone")
def kept_photo(upload_id: uuid.UUID) -> ResponseReturnValue:
    """A photograph that this browser sent with a form that it has to put right."""
    return photo_response(reporting.kept_upload(own.browser_hash(), upload_id))


def _count_search() -> None:
    """Count a question that no kept page answers.

    Raises:
        Throttled: Too many from the same network.
    """
    network = network_of(request.remote_addr)
    count_call(f"reports-search:{network}", MOST_SEARCHES, current_time(), WINDOW)


def _kept_now(
    uploads: list[bytes], errors: dict[str, Any], already: int, now: datetime
) -> list[uuid.UUID]:
    """Photographs that came with a form that has to be put right, kept for it; else ``errors`` says so."""
    photos = reading.read_photos(uploads, errors, already)
    keys = reporting.keep_uploads(own.browser_hash(), photos, now) if photos else []
    if photos and not keys:
        errors["photos"] = _("Choose your photos again: they could not be kept.")
    return keys


def _say_more(number: str, act: Any) -> ResponseReturnValue:
    """Add to, or open again, one's own report; what was typed stays where it has to be put right."""
    now = current_time()
    found = own.own_report(number, now)
    reporting.count_sent(own.reporter_here(told=False), now)
    typed = {"words": request.form.get("words", "")}
    errors: dict[str, Any] = {}
    uploads = sent_photos()
    form_hash = own.form_hash(typed, uploads)
    if reporting.was_sent(form_hash):
        return redirect(f"{ROOT}/{number}", 303)
    try:
        lifecycle.require_places(found.id, typed["words"], len(uploads))
        photos = reading.read_photos(uploads, errors)
        if errors:
            raise FieldErrors(errors)
        act(own.asking_actor(), found.id, typed["words"], photos, now, form_hash=form_hash)
    except FieldErrors as error:
        return _report_page(found, typed, error.fields, 422)
    return redirect(f"{ROOT}/{number}", 303)


def _form(
    typed: dict[str, str], errors: dict[str, Any], kept: list[uuid.UUID], status: int = 200
) -> Response:
    resident, now = current_resident(), current_time()
    rules = _rules()
    page = _render(
        "report.html",
        typed=typed,
        errors=errors,
        kept=kept,
        form=own.new_form(),
        kept_promises=lists.kept_promises(now),
        reach=reach_of(resident) if resident else None,
        lately=reporting.reports_of(resident, 3) if resident else [],
        now=now,
        must_sign_in=resident is None and not rules.without_sign_in,
    )
    return _locating(page, status)


def _report_page(
    found: ProblemReport, typed: dict[str, str], errors: dict[str, Any], status: int = 200
) -> Response:
    now = time_of_reading(FRESH_FOR)
    mine = own.is_own(found, now)
    resident = current_resident()
    steps = lists.steps_of(found.id)
    rules = _rules()
    near = []
    if mine and found.is_received and (where := found.position) is not None:
        near = lists.public_near_reports(found.category, where, rules.near_metres, without=found.id)
    new = mine and "new" in request.args
    page = _render(
        "one.html",
        report=found,
        category=rules.category_name(found.category),
        steps=steps,
        mine=mine,
        new=new,
        code=reporting.spaced(session.pop(own.SHOWN_CODE)) if _has_code(new) else None,
        notes=lists.notes_of(found.id) if mine else [],
        photos=[one.id for one in lists.photos_of(found.id, released=not mine)],
        answer_photos=lists.answer_photos([one.id for one in steps]),
        newest_answer=_newest_answer(steps),
        merged=lifecycle.merged_count(found.id),
        into=lists.numbers_of([found.merged_into_id]) if found.merged_into_id else {},
        followers=following.follower_counts([found.id]).get(found.id, 0),
        follows=resident is not None and following.follows(resident, found.id),
        near=near,
        now=now,
        can_reopen=mine and lifecycle.can_reopen(found, now),
        reopen_until=lifecycle.reopen_until(found) if found.is_solved else None,
        reach=reach_of(resident) if resident else None,
        rating=_rating(found) if mine and resident is not None and found.is_closed else None,
        typed=typed,
        errors=errors,
        form=own.new_form() if mine else "",
    )
    response = make_response(page, status)
    if found.resident_id is not None or not mine:
        return response
    response.headers["Cache-Control"] = "no-store"
    return response


def _options() -> list[tuple[str, str]]:
    """The categories, to choose from."""
    return [(code, local(one.name)) for code, one in _rules().categories.items()]


def _not_empty(values: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in values.items() if value}


def _has_code(new: bool) -> bool:
    """Whether the code of a report that has just been made is to be shown, once."""
    return new and own.SHOWN_CODE in session


def _newest_answer(steps: list[ProblemReportStep]) -> ProblemReportStep | None:
    return next((one for one in steps if one.kind is StepKind.SOLVED), None)


def _rating(found: ProblemReport) -> RatingPrompt | None:
    of = ActReference(SERVICE, REPORT, found.id)
    return rating_prompt(signed_in_resident(), of, current_time())


def _key(text: str | None) -> uuid.UUID | None:
    try:
        return uuid.UUID(text) if text else None
    except ValueError:
        return None


def _locating(page: str, status: int = 200) -> Response:
    """A page whose button may ask for the phone's position."""
    response = make_response(page, status)
    response.headers["Permissions-Policy"] = LOCATED
    return response


def _render(template: str, **values: Any) -> str:
    return render_template(
        f"problem_reports/{template}",
        root=ROOT,
        title=TITLE,
        rules=_rules(),
        state_names=STATE_NAMES,
        step_names=STEP_NAMES,
        entry=request_city().catalog[SERVICE],
        tab="services",
        **values,
    )


def _rules() -> ReportRules:
    return report_rules(request_city())
