"""The service's pages on a city's site."""

from __future__ import annotations

import uuid
from typing import Any

from flask import redirect, render_template, request, session
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _

from smartcity_saas.catalog.checkout import begin_checkout
from smartcity_saas.configuration.city import CatalogEntry
from smartcity_saas.errors import FieldErrors, Invalid, NotFound
from smartcity_saas.identity.authorization import current_resident, signed_in_resident
from smartcity_saas.images.photos import photo_response, sent_photos
from smartcity_saas.notifications import reach_of
from smartcity_saas.payments.repository import on_their_way, own_payment
from smartcity_saas.payments.terms import PayTerms, open_terms
from smartcity_saas.ratings.submission import ActReference, RatingPrompt, rating_prompt
from smartcity_saas.services.traffic_tickets import disputes
from smartcity_saas.services.traffic_tickets import tickets as domain
from smartcity_saas.services.traffic_tickets.back_office import bring_up_to_date
from smartcity_saas.services.traffic_tickets.models import SHOWN_NAMES, Violation
from smartcity_saas.services.traffic_tickets.names import ROOT, SERVICE
from smartcity_saas.services.traffic_tickets.payable import needs_licence
from smartcity_saas.services.traffic_tickets.rateable import DISPUTE
from smartcity_saas.tenancy.current import current_time, request_city
from smartcity_saas.web.plates import shown
from smartcity_saas.web.policy import UNTIL_CHANGED, Availability, Caller, CityBlueprint

LOOKED_UP = "looked_up_vehicle"
"""In the browser's session: which vehicle it has looked up, and when."""
LOOKED_UP_SECONDS = 600

blueprint = CityBlueprint(SERVICE, __name__, service=SERVICE, template_folder="templates")


@blueprint.page(ROOT, who="everyone", kept=UNTIL_CHANGED)
def landing() -> ResponseReturnValue:
    """What the service is and a look-up; or the resident's vehicles, licence and tickets."""
    resident = current_resident()
    if resident is None:
        return _look_up_page({}, {})
    linked = domain.vehicle_links(resident)
    fresh = all(bring_up_to_date(_entry(), link.vehicle, current_time()) for link in linked)
    # A plate that is on another vehicle by now is linked no longer.
    links, licence = domain.vehicle_links(resident), domain.licence_link(resident)
    if not links and licence is None:
        return _render("empty.html")
    found = domain.own_violations(resident)
    owed = [one for one in found if one.due]
    coming = on_their_way(SERVICE, [str(one.id) for one in owed])
    due = [one for one in owed if str(one.id) not in coming]
    payable = [one for one in due if licence is not None or not needs_licence([one])]
    city = request_city()
    return _render(
        "mine.html",
        links=links,
        licence=licence.licence if licence else None,
        points=domain.points_of(licence.licence, city.timezone, current_time())
        if licence
        else None,
        violations=found,
        due=due,
        coming=[(one, coming[str(one.id)]) for one in owed if str(one.id) in coming],
        payable=payable,
        paying=_paying(payable),
        fresh=fresh,
        as_of=min((link.vehicle.updated_at for link in links), default=None),
    )


@blueprint.page(f"{ROOT}/look-up", who="everyone", methods=("POST",), caller=Caller.STRANGER)
def look_up() -> ResponseReturnValue:
    """Look a vehicle up without signing in; what is found has a page of its own."""
    if not _entry().settings.get("look_up", True):
        raise NotFound
    typed = {name: request.form.get(name, "")[:40] for name in ("plate", "tail")}
    try:
        vehicle = domain.look_up(
            _entry(), **typed, address=request.remote_addr or "", now=current_time()
        )
    except FieldErrors as error:
        return _look_up_page(typed, error.fields), 422
    session[LOOKED_UP] = [vehicle.id.hex, current_time().timestamp()]
    return redirect(f"{ROOT}/look-up", 303)


@blueprint.page(f"{ROOT}/look-up", who="everyone")
def looked_up() -> ResponseReturnValue:
    """The open tickets of the vehicle that this browser has just looked up."""
    key, at = session.get(LOOKED_UP, ("", 0.0))
    if not key or not 0 <= current_time().timestamp() - at < LOOKED_UP_SECONDS:
        return redirect(ROOT)
    vehicle, found = domain.open_tickets_of(uuid.UUID(key))
    return _render("found.html", vehicle=vehicle, violations=found)


@blueprint.page(f"{ROOT}/vehicles", who="resident")
def link_form() -> ResponseReturnValue:
    """The form that links a vehicle."""
    return _render("link.html", typed={}, errors={})


@blueprint.page(f"{ROOT}/vehicles", who="resident", methods=("POST",))
def link() -> ResponseReturnValue:
    """Link a vehicle."""
    typed = {name: request.form.get(name, "")[:40] for name in ("plate", "tail")}
    try:
        domain.link_vehicle(signed_in_resident(), _entry(), **typed, now=current_time())
    except FieldErrors as error:
        return _render("link.html", typed=typed, errors=error.fields), 422
    return redirect(ROOT)


@blueprint.page(
    f"{ROOT}/vehicles/<uuid:link_id>/unlink",
    who="resident",
    methods=("POST",),
    availability=Availability.EXISTING_BUSINESS,
)
def unlink(link_id: uuid.UUID) -> ResponseReturnValue:
    """Take a vehicle off the page."""
    domain.unlink_vehicle(signed_in_resident(), link_id, current_time())
    return redirect("/me")


@blueprint.page(f"{ROOT}/licence", who="resident")
def licence_form() -> ResponseReturnValue:
    """The form that links the resident's licence."""
    return _render("licence.html", typed={}, errors={})


@blueprint.page(f"{ROOT}/licence", who="resident", methods=("POST",))
def licence() -> ResponseReturnValue:
    """Link the licence."""
    typed = {name: request.form.get(name, "")[:40] for name in ("number", "file_tail")}
    try:
        domain.link_licence(signed_in_resident(), **typed, now=current_time())
    except FieldErrors as error:
        return _render("licence.html", typed=typed, errors=error.fields), 422
    return redirect(ROOT)


@blueprint.page(f"{ROOT}/pay", who="resident", methods=("POST",))
def pay() -> ResponseReturnValue:
    """Go and pay the chosen tickets."""
    chosen = request.form.getlist("ticket")
    if not chosen:
        raise Invalid(_("Choose at least one ticket."))
    return redirect(begin_checkout(SERVICE, chosen).page, 303)


@blueprint.page(
    f"{ROOT}/<uuid:violation_id>", who="resident", availability=Availability.EXISTING_BUSINESS
)
def ticket(violation_id: uuid.UUID) -> ResponseReturnValue:
    """One ticket, with its dispute if there is one."""
    return _ticket_page(domain.own_violation(signed_in_resident(), violation_id), {}, {})


@blueprint.page(f"{ROOT}/<uuid:violation_id>/dispute", who="resident", methods=("POST",))
def dispute(violation_id: uuid.UUID) -> ResponseReturnValue:
    """Object to a ticket."""
    typed = {"reason": request.form.get("reason", "")}
    photos = sent_photos()
    try:
        disputes.dispute(
            signed_in_resident(), violation_id, typed["reason"], photos, current_time()
        )
    except FieldErrors as error:
        found = domain.own_violation(signed_in_resident(), violation_id)
        return _ticket_page(found, typed, error.fields), 422
    return redirect(f"{ROOT}/{violation_id}")


@blueprint.page(
    f"{ROOT}/photos/<uuid:photo_id>", who="resident", availability=Availability.EXISTING_BUSINESS
)
def photo(photo_id: uuid.UUID) -> ResponseReturnValue:
    """A photograph that the resident sent."""
    return photo_response(disputes.photo(photo_id, signed_in_resident()))


def _ticket_page(found: Violation, typed: dict[str, str], errors: dict[str, Any]) -> str:
    objection = disputes.dispute_of(found.id)
    mine = objection is not None and objection.resident_id == signed_in_resident().id
    return _render(
        "ticket.html",
        ticket=found,
        vehicle=found.vehicle,
        dispute=objection if mine else None,
        photos=disputes.photos_of(objection.id) if mine and objection else [],
        can_dispute=objection is None and disputes.can_dispute(found, current_time()),
        own_payment=_own_payment(found),
        paying=_paying([found]) if _can_pay(found) else None,
        reach=reach_of(signed_in_resident()),
        rating=_rating(found),
        typed=typed,
        errors=errors,
    )


def _rating(found: Violation) -> RatingPrompt | None:
    """The question how a dispute was answered. Paying is rated on the payment's own page."""
    of = ActReference(SERVICE, DISPUTE, found.id)
    return rating_prompt(signed_in_resident(), of, current_time())


def _paying(payable: list[Violation]) -> PayTerms | None:
    """How one can pay here; None where nothing is to be paid, or one cannot."""
    return open_terms(request_city(), payable, current_time()) if _entry().is_open else None


def _can_pay(found: Violation) -> bool:
    if not found.due:
        return False
    return domain.licence_link(signed_in_resident()) is not None or not needs_licence([found])


def _own_payment(found: Violation) -> uuid.UUID | None:
    if found.payment_id is None:
        return None
    try:
        return own_payment(signed_in_resident(), found.payment_id).id
    except NotFound:
        return None


def _look_up_page(typed: dict[str, str], errors: dict[str, Any]) -> str:
    return _render("about.html", typed=typed, errors=errors)


def _render(template: str, **values: Any) -> str:
    return render_template(
        f"traffic_tickets/{template}",
        root=ROOT,
        status_names=SHOWN_NAMES,
        plate=shown,
        settings=_entry().settings,
        entry=_entry(),
        tab="services",
        **values,
    )


def _entry() -> CatalogEntry:
    return request_city().catalog[SERVICE]
