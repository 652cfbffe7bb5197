"""The catalog: opening, pausing and closing services, each one press."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import abort, redirect, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from smartcity_saas.catalog.service import Service
from smartcity_saas.clock import COMMON_ZONE, has_passed
from smartcity_saas.configuration.changes import text_diff
from smartcity_saas.configuration.merge import get
from smartcity_saas.configuration.problems import Path
from smartcity_saas.configuration.states import ServiceState
from smartcity_saas.configuration.yaml_edit import edit
from smartcity_saas.errors import Invalid
from smartcity_saas.identity.authorization import documents
from smartcity_saas.portals.base_revision import base_revision
from smartcity_saas.portals.city.blueprint import ROOT, blueprint, shell
from smartcity_saas.portals.live_checks import host_checks, serving_checks, worker_check
from smartcity_saas.portals.readiness_list import Check, secret_checks, site_checks
from smartcity_saas.tenancy.city_services import city_service
from smartcity_saas.tenancy.current import current_time

RECENT = 5
LONGEST_NOTICE = {"zh": 120, "en": 240}


@blueprint.page(ROOT, permission="city.see")
def catalog(city: str) -> ResponseReturnValue:
    """Every service with its state, and the latest changes."""
    around = shell(city)
    return render_template(
        "city/catalog.html",
        revisions=documents().history_of(around["console_city"], RECENT),
        done=request.args.get("done", type=int),
        added=_added(city),
        checks=_checks(city),
        **around,
    )


def _added(city: str) -> str:
    """The service of the city's document that has just been added, if residents can open it."""
    name = request.args.get("added", "")
    state = get(documents().live(city).values, ("services", name, "state")) if name else None
    return name if state == ServiceState.OPEN else ""


@blueprint.page(f"{ROOT}/services/<service>/open", permission="city.catalog", methods=("POST",))
def open_service(city: str, service: str) -> ResponseReturnValue:
    """Open a service."""
    return _switch(city, service, "open")


@blueprint.page(f"{ROOT}/services/<service>/close", permission="city.catalog", methods=("POST",))
def close_service(city: str, service: str) -> ResponseReturnValue:
    """Close a service."""
    return _switch(city, service, "closed")


@blueprint.page(f"{ROOT}/services/<service>/pause", permission="city.catalog")
def pause_form(city: str, service: str) -> ResponseReturnValue:
    """The form that asks for the notice, with what residents will see and what changes."""
    found = _service(city, service)
    entry = shell(city)["served"]
    typed = {"revision": str(documents().live(city).number), "zh": "", "en": "", "until": ""}
    if entry is not None and (old := entry.catalog[found.name]).is_paused:
        typed |= {**(old.notice or {}), "until": old.until or ""}
    return _pause_page(city, found, {**typed, **request.args.to_dict()})


@blueprint.page(f"{ROOT}/services/<service>/pause", permission="city.catalog", methods=("POST",))
def pause_service(city: str, service: str) -> ResponseReturnValue:
    """Pause a service, with a notice in both languages; or show again how it would look."""
    found, typed = _service(city, service), request.form.to_dict()
    errors = _notice_errors(typed, _zone(city))
    if errors or "preview" in typed:
        return _pause_page(city, found, typed, errors), 200 if "preview" in typed else 422
    try:
        made = documents().change(
            city,
            base_revision(),
            typed.get("message", ""),
            _paused(found.name, typed),
            [] if typed.get("until") else [("services", found.name, "until")],
        )
    except Invalid as error:
        errors = {_field_of(one.pointer): one.message for one in error.problems}
        return _pause_page(city, found, typed, errors), 422
    return redirect(f"/cities/{city}?done={made.number if made else 0}")


def _field_of(pointer: str) -> str:
    """The field of the form at which a fault of the document stands."""
    return {"until": "until", "en": "en"}.get(pointer.rpartition("/")[2], "zh")


def _checks(city: str) -> list[Check]:
    """The readiness list of a city that is served."""
    served = shell(city)["served"]
    if served is None:
        return []
    return [
        *site_checks(served),
        *serving_checks(served),
        *host_checks(served),
        worker_check(current_time()),
        *secret_checks(served),
    ]


def _switch(city: str, service: str, state: str) -> ResponseReturnValue:
    name = _service(city, service).name
    made = documents().change(
        city,
        base_revision(),
        request.form.get("message", ""),
        {("services", name, "state"): state},
        [("services", name, "notice"), ("services", name, "until")],
    )
    return redirect(f"/cities/{city}?done={made.number if made else 0}")


def _pause_page(
    city: str, service: Service, typed: dict[str, str], errors: dict[str, Any] | None = None
) -> str:
    live = documents().live_revision(city)
    shown = {language: typed.get(language) or "…" for language in ("zh", "en")}
    after = edit(live.text, _paused(service.name, {**typed, **shown}))
    return render_template(
        "city/pause.html",
        service=service,
        typed=typed,
        errors=errors or {},
        longest=LONGEST_NOTICE,
        now=current_time(),
        diff=text_diff(live.text, after, f"{city}.yaml"),
        **shell(city),
    )


def _paused(name: str, typed: dict[str, str]) -> dict[Path, Any]:
    values: dict[Path, Any] = {
        ("services", name, "state"): "paused",
        ("services", name, "notice"): {"zh": typed["zh"].strip(), "en": typed["en"].strip()},
    }
    if typed.get("until"):
        values["services", name, "until"] = typed["until"]
    return values


def _zone(city: str) -> str:
    served = shell(city)["served"]
    return served.timezone if served else COMMON_ZONE


def _notice_errors(typed: dict[str, str], zone: str) -> dict[str, Any]:
    errors = {}
    for language, most in LONGEST_NOTICE.items():
        length = len(typed.get(language, "").strip())
        if not length:
            errors[language] = _("Enter the reason, and when you expect it back if you know.")
        elif length > most:
            errors[language] = _("At most %(most)s characters.", most=most)
    if typed.get("until"):
        try:
            datetime.strptime(typed["until"], "%Y-%m-%dT%H:%M")
        except ValueError:
            errors["until"] = _("Choose a date and a time.")
        if has_passed(typed["until"], zone, current_time()):
            errors["until"] = _(
                "%(when)s is in the past. Enter when you expect it back, or leave this empty.",
                when=typed["until"].replace("T", " "),
            )
    return errors


def _service(city: str, name: str) -> Service:
    served = shell(city)["served"]
    found = city_service(served, name.replace("-", "_"))
    return found or abort(404)
