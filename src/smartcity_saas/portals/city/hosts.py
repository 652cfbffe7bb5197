"""A city's own domains: which of them are in use, and the record that each still needs."""

from __future__ import annotations

from urllib.parse import urlencode

from flask import redirect, render_template, request
from flask.typing import ResponseReturnValue

from smartcity_saas.clock import COMMON_ZONE
from smartcity_saas.configuration.host_ownership import own_hosts
from smartcity_saas.errors import NotFound
from smartcity_saas.identity.authorization import documents, signed_in_member
from smartcity_saas.portals.city.blueprint import ROOT, blueprint, shell
from smartcity_saas.portals.host_words import holder_within, host_row
from smartcity_saas.tenancy.current import current_time
from smartcity_saas.tenancy.host_checks import check_host


@blueprint.page(f"{ROOT}/hosts", permission="city.see")
def hosts(city: str) -> ResponseReturnValue:
    """Each host with its state and its record."""
    around = shell(city)
    zone = around["served"].timezone if around["served"] else COMMON_ZONE
    found = own_hosts([documents().live(city).id])
    rows = [host_row(one, zone, holder_within(documents())) for one in found]
    return render_template(
        "city/hosts.html",
        rows=sorted(rows, key=lambda row: row.order),
        checked=next((row for row in rows if row.host.host == request.args.get("checked")), None),
        **around,
    )


@blueprint.page(f"{ROOT}/hosts/check", permission="city.change", methods=("POST",))
def check(city: str) -> ResponseReturnValue:
    """Look for the record of a host now; DNS has five seconds."""
    host, actor = request.form.get("host", ""), signed_in_member().actor
    if check_host((documents().live(city).id, host), actor, current_time()) is None:
        raise NotFound
    return redirect(f"/cities/{city}/hosts?{urlencode({'checked': host})}")
