"""Onboarding a city: one page in five parts, the site live beside it, the same as a file."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from flask import redirect, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext

from smartcity_saas.configuration.colors import is_color
from smartcity_saas.configuration.divisions import Division, division, find_divisions
from smartcity_saas.configuration.document_files import sha256
from smartcity_saas.configuration.problems import Problem
from smartcity_saas.configuration.states import CityState, ServiceState
from smartcity_saas.configuration.validation import Candidate
from smartcity_saas.configuration.yaml_edit import write
from smartcity_saas.configuration.yaml_source import parse
from smartcity_saas.errors import FieldErrors, Invalid
from smartcity_saas.identity.authorization import documents
from smartcity_saas.images.logos import Picture, sanitised
from smartcity_saas.portals.city.branding import contrast_check
from smartcity_saas.portals.locks import locks_over
from smartcity_saas.portals.preview import imagined, preview_page
from smartcity_saas.portals.province.blueprint import ROOT, blueprint, shell
from smartcity_saas.portals.readiness_list import Check, secret_checks, site_checks
from smartcity_saas.product import product
from smartcity_saas.tenancy.assets import store_asset
from smartcity_saas.tenancy.context import tenant_context
from smartcity_saas.tenancy.current import current_time

FIELDS = {
    "/name/zh": "zh",
    "/name/en": "en",
    "/site/icp": "icp",
    "/branding/color": "color",
    "/branding/logo": "logo",
}
"""The form's fields, by where what they hold stands in the document."""


@blueprint.page(f"{ROOT}/onboard", permission="province.change")
def onboard(province: str) -> ResponseReturnValue:
    """The form; with ``code`` in the address a city is chosen already."""
    return _page(province, request.args.to_dict())


@blueprint.page(f"{ROOT}/onboard/check", permission="province.change", methods=("POST",))
def check(province: str) -> ResponseReturnValue:
    """The page again for what is typed so far, nothing stored."""
    return _page(province, request.form.to_dict())


@blueprint.page(f"{ROOT}/onboard", permission="province.change", methods=("POST",))
def go_live(province: str) -> ResponseReturnValue:
    """Store the city, live or as a draft."""
    typed = request.form.to_dict()
    state = "draft" if "draft" in typed else "live"
    upload = request.files.get("logo")
    data = upload.read() if upload and upload.filename else b""
    values = _values(province, typed, state)
    files: dict[str, str] = {}
    left_out: tuple[str, ...] = ()
    try:
        if data:
            picture = _picture(data)
            left_out = picture.left_out
            name = f"{values['city']}/logo.{picture.ending}"
            values.setdefault("branding", {})["logo"] = name
            files = {name: sha256(data)}
        candidate = Candidate(parse(write(values), str(values["city"])), files)
        problems = documents().problems([candidate])
        blocked = [
            found
            for found in _readiness(province, values, problems)
            if not found.fits and found.blocks
        ]
        if problems or (blocked and state == CityState.LIVE):
            return _page(province, typed, problems), 422
        if data:
            with tenant_context(documents().reserve(candidate)):
                store_asset(data, current_time())
        documents().save(candidate, 0, _("Added on the console"), "console")
    except FieldErrors as error:
        return _page(province, typed, errors=error.fields), 422
    except Invalid as error:
        return _page(province, typed, error.problems, str(error.detail)), 422
    said = {"left_out": ",".join(left_out)} if left_out else {}
    return redirect(f"/provinces/{province}?{urlencode({'made': values['city'], **said})}")


@blueprint.page(f"{ROOT}/onboard/preview", permission="province.change")
def onboard_preview(province: str) -> ResponseReturnValue:
    """The resident's first page for what is typed so far."""
    return preview_page(imagined(_values(province, request.args.to_dict(), "live")))


def _page(
    province: str,
    typed: dict[str, str],
    problems: list[Problem] | None = None,
    refusal: str = "",
    errors: dict[str, Any] | None = None,
) -> str:
    chosen = _division(province, typed.get("code", ""))
    if chosen is not None:
        typed.setdefault("zh", chosen.name_zh)
        typed.setdefault("en", chosen.name_en)
    live = {found.name: found for found in documents().all()}
    values = _values(province, typed, "live")
    text = write(values)
    if problems is None and chosen is not None:
        problems = documents().problems([Candidate(parse(text, str(values["city"])))])
    color = typed.get("color") or _inherited_color(province)
    return render_template(
        "province/onboard.html",
        typed=typed,
        chosen=chosen,
        found=_found(province, typed.get("find", "")),
        live=live,
        color=color,
        contrast=contrast_check(color),
        services=product().services,
        inherited=imagined(_values(province, {**typed, **_no_services()}, "live")),
        values=values,
        document_text=text,
        readiness=_readiness(province, values, problems or []) if chosen else [],
        problems=problems or [],
        refusal=refusal,
        errors=errors if errors is not None else _at_fields(problems or []),
        at_fields=FIELDS,
        locks=locks_over(province),
        **shell(province),
    )


def _picture(data: bytes) -> Picture:
    """The logo, cleaned.

    Raises:
        FieldErrors: It is none that can be kept.
    """
    try:
        return sanitised(data)
    except Invalid as error:
        raise FieldErrors({"logo": error.detail}) from None


def _at_fields(problems: list[Problem]) -> dict[str, Any]:
    """The faults of the document that stand at a field of the form."""
    return {FIELDS[one.pointer]: one.message for one in problems if one.pointer in FIELDS}


def _values(province: str, typed: dict[str, str], state: str) -> dict[str, Any]:
    """The document that the form makes: only what differs from the baseline."""
    chosen = _division(province, typed.get("code", ""))
    values: dict[str, Any] = {
        "city": chosen.slug if chosen else "",
        "province": province,
        "division_code": chosen.division_code if chosen else "",
        "name": {
            "zh": typed.get("zh", chosen.name_zh if chosen else "").strip(),
            "en": typed.get("en", chosen.name_en if chosen else "").strip(),
        },
        "state": state,
    }
    color = typed.get("color", "").strip().lower()
    if color and color != _inherited_color(province):
        values["branding"] = {"color": color}
    if typed.get("icp", "").strip():
        values["site"] = {"icp": typed["icp"].strip()}
    services = {
        name: {"state": typed[f"service_{name}"]}
        for name in product().services
        if typed.get(f"service_{name}") in (ServiceState.OPEN, ServiceState.CLOSED)
    }
    return {**values, **({"services": services} if services else {})}


def _no_services() -> dict[str, str]:
    return {f"service_{name}": "" for name in product().services}


def _readiness(province: str, values: dict[str, Any], problems: list[Problem]) -> list[Check]:
    """What a site needs before residents come, each with its answer."""
    city = imagined(values)
    faults = {found.pointer.split("/")[1] if found.pointer else "" for found in problems}
    color = values.get("branding", {}).get("color") or _inherited_color(province)
    return [
        Check.of(
            all(values["name"].values()) and "name" not in faults,
            _("Name in Chinese and English"),
            _("The name is missing in Chinese or English, or has an error"),
        ),
        Check.of(
            bool(values["city"]) and not faults & {"city", "hosts"},
            _("Address not used by another city"),
            _("The address is missing, has an error, or belongs to another city"),
        ),
        Check.of(
            "division_code" not in faults,
            _("Division code is in this province and not in use"),
            _("The division code is missing, in use, or of another province"),
        ),
        Check.of(
            contrast_check(color)["fits"] and "branding" not in faults,
            _("Colour is readable"),
            _("Text cannot be read on this colour"),
        ),
        *site_checks(city),
        *(secret_checks(city, stored=False) if city else ()),
        Check.of(
            not problems,
            _("No errors in the configuration"),
            ngettext(
                "%(num)s error in the configuration",
                "%(num)s errors in the configuration",
                len(problems),
            ),
        ),
    ]


def _inherited_color(province: str) -> str:
    known = product().registry.snapshot.baselines
    for name in (f"province:{province}", "platform"):
        color = known[name].values.get("branding", {}).get("color") if name in known else None
        if color and is_color(color):
            return str(color)
    return ""


def _division(province: str, code: str) -> Division | None:
    found = division(code)
    return found if found is not None and found.province_slug == province else None


def _found(province: str, query: str) -> list[Division]:
    return find_divisions(query, province)
