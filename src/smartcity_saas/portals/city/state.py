"""A city's state, and its draft's preview."""

from __future__ import annotations

from flask import redirect, render_template, request
from flask.typing import ResponseReturnValue

from smartcity_saas.city_withdrawal import withdraw
from smartcity_saas.configuration.states import CityState
from smartcity_saas.errors import Invalid
from smartcity_saas.identity.authorization import documents, signed_in_member
from smartcity_saas.identity.staff.preview_links import create_preview_link
from smartcity_saas.portals.base_revision import base_revision
from smartcity_saas.portals.city.blueprint import ROOT, blueprint, shell
from smartcity_saas.request.site import site_address
from smartcity_saas.tenancy.current import current_time


@blueprint.page(f"{ROOT}/state", permission="city.state", methods=("POST",))
def change_state(city: str) -> ResponseReturnValue:
    """Take a city live, suspend it, or resume it."""
    state = request.form.get("state", "")
    if state not in (CityState.LIVE, CityState.SUSPENDED):
        raise Invalid
    made = documents().change(
        city,
        base_revision(),
        request.form.get("message", ""),
        {("state",): state},
    )
    return redirect(f"/cities/{city}?done={made.number if made else 0}")


@blueprint.page(f"{ROOT}/withdraw", permission="city.state")
def ask_withdrawal(city: str) -> ResponseReturnValue:
    """What withdrawing a city means, before it is done."""
    return render_template("city/withdraw.html", **shell(city))


@blueprint.page(f"{ROOT}/withdraw", permission="city.state", methods=("POST",))
def withdraw_city(city: str) -> ResponseReturnValue:
    """Withdraw a city that has never had a resident."""
    province = documents().live(city).province
    withdraw(
        documents(), city, base_revision(), request.form.get("message", ""), now=current_time()
    )
    return redirect(f"/provinces/{province}?withdrawn={city}")


@blueprint.page(f"{ROOT}/preview-link", permission="city.see", methods=("POST",))
def open_preview(city: str) -> ResponseReturnValue:
    """Go to the draft's own host by a single-use link."""
    member = signed_in_member()
    token = create_preview_link(member.actor, documents().live(city), current_time())
    return render_template(
        "city/preview_link.html", address=f"{site_address(city)}/preview/{token}", **shell(city)
    )
