"""The desks of a city's forms on the console: the queue, one application, its files, printing, CSV."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from flask import render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _

from smartcity_saas.clock import today_in
from smartcity_saas.configuration.city import City
from smartcity_saas.errors import NotAllowed, NotFound
from smartcity_saas.forms.answers import asked
from smartcity_saas.forms.deciding import desk_application
from smartcity_saas.forms.desk_conflicts import has_part
from smartcity_saas.forms.desk_export import export_answers, export_queue
from smartcity_saas.forms.desk_queue import (
    MINE,
    MOST_LISTED,
    OPEN,
    UNANSWERED,
    QueueFilter,
    forms_at_desk,
    read_queue,
    states_in_queue,
    time_left,
)
from smartcity_saas.forms.files import file_of, file_response
from smartcity_saas.forms.models import Application, ApplicationState, EventKind
from smartcity_saas.forms.names import APPLICATIONS
from smartcity_saas.forms.papers import paper_file, paper_of, preview_paper, standing_on
from smartcity_saas.forms.step_views import answered
from smartcity_saas.forms.stored_forms import answers_of, form_of
from smartcity_saas.forms.timeline import timeline_of
from smartcity_saas.identity.authorization import signed_in_member
from smartcity_saas.identity.staff.accounts import names_of_staff
from smartcity_saas.identity.staff.roles import StaffMember
from smartcity_saas.tenancy.context import tenant_context
from smartcity_saas.tenancy.current import city_by_slug, current_time
from smartcity_saas.web.policy import ConsoleBlueprint

ROOT = "/cities/<city>/applications"
ONE = f"{ROOT}/<form>/<number>"
PERMISSION = "city.desk"

STATE_NAMES: dict[str, Any] = {
    ApplicationState.RECEIVED: _("Waits for someone"),
    ApplicationState.IN_REVIEW: _("Taken over"),
    ApplicationState.MORE_NEEDED: _("Waits for the resident"),
    ApplicationState.APPROVED: _("Approved"),
    ApplicationState.REFUSED: _("Not approved"),
    ApplicationState.WITHDRAWN: _("Withdrawn"),
    ApplicationState.NOT_SUPPLIED: _("Not supplied"),
}
"""Where an application stands, as the desk says it."""
EVENT_NAMES: dict[str, Any] = {
    EventKind.RECEIVED: _("Received by the city"),
    EventKind.TAKEN_OVER: _("Taken over"),
    EventKind.PUT_BACK: _("Put back"),
    EventKind.MORE_NEEDED: _("More was asked for"),
    EventKind.SUPPLIED: _("The resident sent what was missing"),
    EventKind.NOT_SUPPLIED: _("Closed: nothing came in time"),
    EventKind.MESSAGE: _("Message"),
    EventKind.APPROVED: _("Approved"),
    EventKind.REFUSED: _("Not approved"),
    EventKind.WITHDRAWN: _("Withdrawn by the resident"),
    EventKind.FEE_RETURNING: _("The fee goes back by itself"),
    EventKind.REOPENED: _("Opened again by the resident"),
    EventKind.REVOKED: _("Paper revoked"),
}
SHOWN: dict[str, Any] = {
    OPEN: _("Under way"),
    MINE: _("Mine"),
    UNANSWERED: _("With a message to answer"),
    **STATE_NAMES,
}
"""What a queue can be filtered to."""


def form_in(arguments: Mapping[str, Any]) -> str:
    """The form whose desk it is, by the address alone: one that the catalog has no more still has a
    desk, for what was begun.

    Raises:
        NotFound: No form is addressed so.
    """
    path = str(arguments["form"])
    if "_" in path:
        raise NotFound
    return path.replace("-", "_")


blueprint = ConsoleBlueprint(
    f"{APPLICATIONS}_desk", __name__, template_folder="templates", service=form_in
)


@blueprint.page(ROOT, permission=PERMISSION, across_services=True)
def all_queues(city: str) -> ResponseReturnValue:
    """The queue of every form at whose desk the reader may be."""
    return _queue(city, None)


@blueprint.page(f"{ROOT}/<form>", permission=PERMISSION)
def queue(city: str, form: str) -> ResponseReturnValue:
    """The queue of one form."""
    return _queue(city, form)


@blueprint.page(f"{ROOT}/<form>/queue.csv", permission=PERMISSION)
def queue_csv(city: str, form: str) -> ResponseReturnValue:
    """A form's queue as a table, without a word of anybody's."""
    served, name, member = city_by_slug(city), form_in({"form": form}), signed_in_member()
    with tenant_context(served.id):
        _require_form(served, member, name)
        return export_queue(name, _shown(), member.actor, current_time())


@blueprint.page(
    f"{ROOT}/<form>/answers.csv",
    permission=PERMISSION,
    told_as=_("downloaded the answers as a table"),
)
def answers_csv(city: str, form: str) -> ResponseReturnValue:
    """The same with what was answered, for whoever may decide: reading alone is not enough."""
    served, name = city_by_slug(city), form_in({"form": form})
    member = signed_in_member()
    if not member.may(PERMISSION, service=name):
        raise NotAllowed(_("Your role sees the queue, not its answers as a table."))
    with tenant_context(served.id):
        _require_form(served, member, name)
        return export_answers(name, _shown(), member.actor, current_time())


@blueprint.page(ONE, permission=PERMISSION)
def application(city: str, form: str, number: str) -> ResponseReturnValue:
    """One application: what was answered, what happened, and what can be done."""
    return application_page(city, form, number, {}, {})


@blueprint.page(f"{ONE}/print", permission=PERMISSION, told_as=_("opened it for printing"))
def printed(city: str, form: str, number: str) -> ResponseReturnValue:
    """One application on paper."""
    return application_page(city, form, number, {}, {}, template="desk_print.html")


@blueprint.page(f"{ONE}/files/<uuid:file_id>", permission=PERMISSION, told_as=_("opened a file"))
def file(city: str, form: str, number: str, file_id: uuid.UUID) -> ResponseReturnValue:
    """A file or photograph of an application."""
    with tenant_context(city_by_slug(city).id):
        row = desk_application(form_in({"form": form}), number)
        return file_response(file_of(row, file_id, current_time()))


@blueprint.page(f"{ONE}/paper.pdf", permission=PERMISSION, told_as=_("downloaded the paper"))
def paper(city: str, form: str, number: str) -> ResponseReturnValue:
    """The letter or certificate of an application."""
    with tenant_context(city_by_slug(city).id):
        row = desk_application(form_in({"form": form}), number)
        return file_response(paper_file(row, current_time()))


@blueprint.page(f"{ONE}/preview.pdf", permission=PERMISSION, told_as=_("looked at the paper to be"))
def paper_preview(city: str, form: str, number: str) -> ResponseReturnValue:
    """The letter or certificate as it would be issued now, marked as not valid."""
    with tenant_context(city_by_slug(city).id):
        row = desk_application(form_in({"form": form}), number)
        return file_response(preview_paper(row, current_time()))


def application_page(
    city: str,
    form: str,
    number: str,
    typed: Mapping[str, Any],
    errors: Mapping[str, Any],
    *,
    template: str = "desk_application.html",
) -> str:
    """The page of one application, with what was typed and what is wrong with it.

    Raises:
        NotFound: The desk has no such application.
    """
    served, now = city_by_slug(city), current_time()
    actor = signed_in_member().actor
    with tenant_context(served.id):
        row = desk_application(form_in({"form": form}), number)
        paper = paper_of(row)
        events = timeline_of(row, now)
        found = {
            "application": row,
            "form": form_of(row),
            "steps": answered(row),
            "askable": asked(form_of(row), answers_of(row, now)),
            "events": events,
            "has_part": has_part(row, actor),
            "paper": paper,
        }
    standing = standing_on(paper, today_in(served.timezone, now)) if paper else None
    return render_template(
        f"forms/{template}",
        **found,
        standing=standing,
        state_names=STATE_NAMES,
        event_names=EVENT_NAMES,
        account=staff_names([row.taken_by, *(one.account for one in events)]),
        is_mine=row.taken_by == actor.name,
        clock=_clock(row, served.timezone),
        typed=typed,
        errors=errors,
        queue_path=f"/cities/{city}/applications/{form}",
        files_at=f"/cities/{city}/applications/{form}/{number}",
    )


def staff_names(actors: Iterable[str | None]) -> Callable[[str | None], str]:
    """What people read for members of staff, such as ``staff:wu.min``: the name that the console knows,
    else the account.

    Args:
        actors: Whose names are looked up, outside any city.
    """
    names = names_of_staff(actor for actor in actors if actor is not None)

    def name_of(actor: str | None) -> str:
        account = (actor or "").partition(":")[2]
        return names.get(account) or account

    return name_of


def _queue(city: str, form: str | None) -> str:
    served, now, member = city_by_slug(city), current_time(), signed_in_member()
    show = _shown()
    with tenant_context(served.id):
        titles = forms_at_desk(served, member)
        chosen = form_in({"form": form}) if form else None
        if chosen is not None:
            _require_form(served, member, chosen)
        names = [chosen] if chosen else list(titles)
        found = read_queue(QueueFilter(names, show), member.actor.name, now)
        counts = states_in_queue(names)
    return render_template(
        "forms/desk.html",
        titles=titles,
        chosen=chosen,
        path=f"/cities/{city}/applications" + (f"/{form}" if form else ""),
        root=f"/cities/{city}/applications",
        show=show,
        shown=SHOWN,
        found=found,
        most=MOST_LISTED,
        counts=counts,
        state_names=STATE_NAMES,
        account=staff_names(one.taken_by for one in found),
        may_export=chosen is not None and member.may(PERMISSION, service=chosen),
    )


def _shown() -> str:
    show = request.args.get("show", OPEN)
    return show if show in SHOWN else OPEN


def _require_form(city: City, member: StaffMember, name: str) -> None:
    if name not in forms_at_desk(city, member):
        raise NotFound


def _clock(row: Application, zone: str) -> dict[str, Any]:
    """How an application's time stands: the working days left, and whether it is late."""
    today = today_in(zone, current_time())
    left, late = time_left(row.state, row.due_on, row.days_left, today)
    return {"left": left, "late": late}
