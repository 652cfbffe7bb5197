"""Branding: colour and logo, with the check of contrast and the site as it would be."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from flask import redirect, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from smartcity_saas.configuration.colors import (
    contrast,
    is_color,
    nearest_readable,
    palette,
    text_on,
)
from smartcity_saas.configuration.problems import Path
from smartcity_saas.errors import Invalid
from smartcity_saas.identity.authorization import documents
from smartcity_saas.images.logos import sanitised
from smartcity_saas.portals.base_revision import base_revision
from smartcity_saas.portals.city.blueprint import ROOT, blueprint, shell
from smartcity_saas.portals.preview import imagined, preview_page
from smartcity_saas.portals.resident.assets import serve_asset
from smartcity_saas.product import product
from smartcity_saas.tenancy.assets import names_left_out, store_asset
from smartcity_saas.tenancy.context import tenant_context
from smartcity_saas.tenancy.current import current_time


@blueprint.page(f"{ROOT}/branding", permission="city.see")
def branding(city: str) -> ResponseReturnValue:
    """The form, what it would look like, and whether it can be read."""
    typed = request.args.get("color", "")
    return _page(city, typed if is_color(typed) else None, {})


@blueprint.page(f"{ROOT}/branding", permission="city.change", methods=("POST",))
def save_branding(city: str) -> ResponseReturnValue:
    """Save colour and logo."""
    color = request.form.get("color", "").strip().lower()
    upload = request.files.get("logo")
    values: dict[Path, Any] = {}
    files: dict[str, str] = {}
    left_out: tuple[str, ...] = ()
    try:
        if "color" in request.form and color != _served_color(city):
            values["branding", "color"] = color
        if upload and upload.filename:
            data = upload.read()
            left_out = sanitised(data).left_out
            values["branding", "logo"], files = _kept_logo(city, data)
        made = documents().change(
            city,
            base_revision(),
            request.form.get("message", ""),
            values,
            files=files,
        )
    except Invalid as error:
        message = error.problems[0].message if error.problems else error.detail
        at_logo = not error.problems or error.problems[0].pointer.endswith("/logo")
        field = "logo" if at_logo else "color"
        return _page(city, color, {field: message}), 422
    said = {"left_out": ",".join(left_out)} if left_out else {}
    done = urlencode({"done": made.number if made else 0, **said})
    return redirect(f"/cities/{city}/branding?{done}")


@blueprint.page(f"{ROOT}/preview", permission="city.see")
def site_preview(city: str) -> ResponseReturnValue:
    """The resident's first page with a colour that is not saved."""
    document = documents().live(city)
    color = request.args.get("color", "")
    values: dict[str, Any] = {**document.values}
    if is_color(color):
        values["branding"] = {**values.get("branding", {}), "color": color}
    return preview_page(imagined(values, document))


@blueprint.page(f"{ROOT}/assets/<address>", permission="city.see")
def asset(city: str, address: str) -> ResponseReturnValue:
    """A picture of the city's, on the console."""
    with tenant_context(documents().live(city).id):
        return serve_asset(address)


def contrast_check(color: str) -> dict[str, Any]:
    """Whether a colour can be used, and each contrast that counts (WCAG 2.2)."""
    if not is_color(color) or text_on(color) is None:
        shades = nearest_readable(color) if is_color(color) else ()
        return {"fits": False, "rows": [], "shades": shades}
    roles = palette(color)
    on_brand = _("White text on buttons") if roles.on == "#ffffff" else _("Dark text on buttons")
    return {
        "fits": True,
        "rows": [
            (on_brand, contrast(roles.on, roles.brand), 4.5),
            (_("Links on white"), contrast(roles.ink, "#ffffff"), 4.5),
            (_("Icons and words on the tint"), contrast(roles.ink, roles.tint2), 4.5),
            (_("Edge of buttons on white"), contrast(roles.edge, "#ffffff"), 3.0),
        ],
    }


def _page(city: str, color: str | None, errors: dict[str, Any]) -> str:
    shown = color or _served_color(city)
    return render_template(
        "city/branding.html",
        color=shown,
        contrast=contrast_check(shown),
        errors=errors,
        done=request.args.get("done", type=int),
        left_out=names_left_out(request.args),
        **shell(city),
    )


def _served_color(city: str) -> str:
    served = product().registry.snapshot.cities.get(city)
    return served.color if served else "#1f5f99"


def _kept_logo(city: str, data: bytes) -> tuple[str, dict[str, str]]:
    """Keep an uploaded logo; returns its name in the document and its address."""
    ending = sanitised(data).ending
    with tenant_context(documents().live(city).id):
        address = store_asset(data, current_time())
    name = f"{city}/logo.{ending}"
    return name, {name: address}
