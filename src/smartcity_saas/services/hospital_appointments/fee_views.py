"""The pages of a city's site on which residents pay fees."""

from __future__ import annotations

from flask import redirect, request
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _

from smartcity_saas.errors import Invalid
from smartcity_saas.identity.authorization import signed_in_resident
from smartcity_saas.services.hospital_appointments.fee_display import (
    begin_fee_checkout,
    due_fees_of,
)
from smartcity_saas.services.hospital_appointments.fees import FEES
from smartcity_saas.services.hospital_appointments.names import ROOT
from smartcity_saas.services.hospital_appointments.views import blueprint, render
from smartcity_saas.tenancy.current import current_time
from smartcity_saas.web.policy import Availability

__all__ = ["blueprint", "fees", "pay"]


@blueprint.page(FEES, who="resident", availability=Availability.EXISTING_BUSINESS)
def fees() -> ResponseReturnValue:
    """What is to be paid after visits."""
    return render("fees.html", owed=due_fees_of(signed_in_resident(), current_time()))


@blueprint.page(
    f"{ROOT}/pay",
    who="resident",
    methods=("POST",),
    availability=Availability.EXISTING_BUSINESS,
)
def pay() -> ResponseReturnValue:
    """Go and pay the chosen fees."""
    chosen = request.form.getlist("appointment")
    if not chosen:
        raise Invalid(_("Choose at least one fee."))
    return redirect(begin_fee_checkout(chosen).page, 303)
