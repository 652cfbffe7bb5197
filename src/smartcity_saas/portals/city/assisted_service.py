"""Assisted service: acting for a resident at the counter, with a reason."""

from __future__ import annotations

from typing import Any

from flask import render_template, request, session
from flask.typing import ResponseReturnValue

from smartcity_saas.errors import FieldErrors
from smartcity_saas.identity.assisted_service.sessions import begin_assisted_session
from smartcity_saas.identity.authorization import STAFF, signed_in_member
from smartcity_saas.identity.personal_data.records import opened
from smartcity_saas.identity.rate_limits import count_attempt
from smartcity_saas.identity.residents.models import Resident
from smartcity_saas.identity.staff.models import StaffAttempt
from smartcity_saas.notifications import notify
from smartcity_saas.portals.city.blueprint import ROOT, blueprint, shell
from smartcity_saas.request.site import site_address
from smartcity_saas.tenancy.context import tenant_context
from smartcity_saas.tenancy.current import city_by_slug, current_time

MOST_TRIES = 30


@blueprint.page(f"{ROOT}/counter", permission="city.counter")
def counter(city: str) -> ResponseReturnValue:
    """The form."""
    return _page(city)


@blueprint.page(f"{ROOT}/counter", permission="city.counter", methods=("POST",))
def act_for(city: str) -> ResponseReturnValue:
    """Find the resident and make the link; tell them."""
    member, served, now = signed_in_member(), city_by_slug(city), current_time()
    count_attempt(StaffAttempt, f"counter:{member.username}", MOST_TRIES, now)
    typed = {name: request.form.get(name, "") for name in ("number", "reason")}
    try:
        with tenant_context(served.id):
            token, resident = begin_assisted_session(
                member.actor, session[STAFF], served, typed["number"], typed["reason"], now
            )
            notify(
                resident.id,
                f"counter:{now.isoformat()}",
                {
                    "zh": "窗口工作人员进入了你的账户",
                    "en": "Counter staff have opened your account",
                },
                {
                    "zh": f"原因：{typed['reason'].strip()}。在“我的数据”里可以看到是谁、做了什么。",
                    "en": f"Why: {typed['reason'].strip()}. Who, and what, stands under “My data”.",
                },
                "/me/data/access",
                now,
            )
            shown = {"name": resident.name, **opened(Resident, resident, now, masked=True)}
    except FieldErrors as error:
        return _page(city, typed=typed, errors=error.fields), 422
    return _page(city, link=f"{site_address(city)}/counter/{token}", shown=shown)


def _page(city: str, **values: Any) -> str:
    values = {"typed": {}, "errors": {}, "link": None, "shown": {}, **values}
    return render_template("city/counter.html", **values, **shell(city))
