"""The service's pages on a city's site."""

from __future__ import annotations

import uuid
from typing import Any

from flask import redirect, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _

from smartcity_saas.catalog.benefits import resting_benefits
from smartcity_saas.clock import today_in
from smartcity_saas.errors import FieldErrors
from smartcity_saas.identity.authorization import current_resident, signed_in_resident
from smartcity_saas.images.photos import photo_response, sent_photos
from smartcity_saas.product import product
from smartcity_saas.ratings.submission import ActReference, RatingPrompt, rating_prompt
from smartcity_saas.services.city_credit import appeals, certificates, membership
from smartcity_saas.services.city_credit.consent import (
    choices_of,
    is_asked,
    present_version,
    settings_of_version,
)
from smartcity_saas.services.city_credit.entries import entries_of, own_entry, standing_of
from smartcity_saas.services.city_credit.figures import present_figures
from smartcity_saas.services.city_credit.models import APPEAL_STATES, CreditMembership
from smartcity_saas.services.city_credit.names import ROOT, SERVICE, TITLE
from smartcity_saas.services.city_credit.rateable import APPEAL
from smartcity_saas.services.city_credit.repair import ways
from smartcity_saas.services.city_credit.rule_changes import rule_changes
from smartcity_saas.services.city_credit.rules import credit_rules
from smartcity_saas.services.city_credit.sources import source_views, standing_without
from smartcity_saas.services.city_credit.standing import counts_on, last_day, reaches
from smartcity_saas.tenancy.current import current_time, request_city
from smartcity_saas.web.policy import FIGURES_LAST, Availability, CityBlueprint
from smartcity_saas.web.qr_codes import qr_code

MINE = f"{ROOT}/mine"

blueprint = CityBlueprint(SERVICE, __name__, service=SERVICE, template_folder="templates")


@blueprint.page(ROOT, who="everyone", kept=FIGURES_LAST)
def landing() -> ResponseReturnValue:
    """What city credit is and asks for; whoever takes part goes on to their own page."""
    resident = current_resident()
    if resident is not None and membership.membership_of(resident.id) is not None:
        return redirect(MINE)
    return _landing()


@blueprint.page(
    f"{ROOT}/rules",
    who="everyone",
    availability=Availability.EXISTING_BUSINESS,
    kept=FIGURES_LAST,
)
def rules() -> ResponseReturnValue:
    """The rules in words, for members too, whom the page above leads to their own."""
    version = present_version(request_city())
    return _render("rules_page.html", version=version, figures=present_figures())


@blueprint.page(f"{ROOT}/join", who="resident", methods=("POST",))
def join() -> ResponseReturnValue:
    """Agree to take part, with the sources that were ticked."""
    chosen = request.form.getlist("source")
    errors: dict[str, Any] = {}
    if not request.form.get("agree"):
        errors["agree"] = _("Tick the box to agree, or leave the page: nothing changes then.")
    try:
        if not errors:
            membership.join(signed_in_resident(), chosen, current_time())
    except FieldErrors as error:
        errors = error.fields
    if errors:
        return _landing(errors=errors, chosen=chosen), 422
    return redirect(MINE, 303)


@blueprint.page(MINE, who="resident", availability=Availability.EXISTING_BUSINESS)
def mine() -> ResponseReturnValue:
    """A resident's level, what it opens, and their appeals."""
    member = membership.membership_of(signed_in_resident().id)
    if member is None:
        return redirect(ROOT)
    version = present_version(request_city())
    return _render(
        "mine.html",
        member=member,
        resting={one.kind: one for one in resting_benefits(member.resident_id, current_time())},
        version=version,
        asked=is_asked(member, version),
        agreed_on=today_in(request_city().timezone, member.agreed_at),
        changes=_changes(member),
        sources=source_views(member.resident_id, credit_rules(request_city())),
        questions=certificates.questions_of(signed_in_resident()),
        benefits={one.name: one.title for one in credit_rules(request_city()).benefits},
        **_accounted(),
    )


@blueprint.page(
    f"{ROOT}/certificates",
    who="resident",
    methods=("POST",),
    availability=Availability.EXISTING_BUSINESS,
)
def certificate() -> ResponseReturnValue:
    """A new code for a benefit, shown once: a partner checks it within ten minutes."""
    now, name = current_time(), request.form.get("benefit", "")
    code = certificates.issue(signed_in_resident(), name, now)
    page = _render(
        "certificate.html",
        benefit=certificates.benefit_of(name),
        code=code,
        qr=qr_code(f"CREDIT:{code}"),
        until=now + certificates.VALID_FOR,
    )
    return page, 200, {"Cache-Control": "no-store"}


@blueprint.page(f"{ROOT}/certificates", who="resident", availability=Availability.EXISTING_BUSINESS)
def certificate_again() -> ResponseReturnValue:
    """A code is shown once: whoever opens its page again finds the button on their own."""
    return redirect(MINE)


@blueprint.page(f"{ROOT}/entries", who="resident", availability=Availability.EXISTING_BUSINESS)
def entries() -> ResponseReturnValue:
    """Why the level is what it is, to the last entry."""
    if membership.membership_of(signed_in_resident().id) is None:
        return redirect(ROOT)
    return _render("entries.html", **_accounted())


@blueprint.page(
    f"{ROOT}/entries/<uuid:entry_id>/appeal",
    who="resident",
    availability=Availability.EXISTING_BUSINESS,
)
def appeal_form(entry_id: uuid.UUID) -> ResponseReturnValue:
    """The form of an appeal against an entry."""
    appeals.require_appealable(own_entry(signed_in_resident(), entry_id), current_time())
    return _appeal_page(entry_id, "", {})


@blueprint.page(
    f"{ROOT}/entries/<uuid:entry_id>/appeal",
    who="resident",
    methods=("POST",),
    availability=Availability.EXISTING_BUSINESS,
)
def appeal(entry_id: uuid.UUID) -> ResponseReturnValue:
    """Appeal against an entry."""
    reason, claimed = request.form.get("reason", ""), request.form.get("claimed", "").strip()
    number = (
        int(claimed) if claimed.isascii() and claimed.isdecimal() and len(claimed) < 9 else None
    )
    photos = sent_photos()
    try:
        appeals.appeal(signed_in_resident(), entry_id, reason, photos, current_time(), number)
    except FieldErrors as error:
        return _appeal_page(entry_id, reason, error.fields, claimed), 422
    return redirect(f"{MINE}#appeals", 303)


@blueprint.page(
    f"{ROOT}/appeals/<uuid:appeal_id>/withdraw",
    who="resident",
    methods=("POST",),
    availability=Availability.EXISTING_BUSINESS,
)
def withdraw_appeal(appeal_id: uuid.UUID) -> ResponseReturnValue:
    """Take an appeal back."""
    appeals.withdraw_appeal(signed_in_resident(), appeal_id, current_time())
    return redirect(MINE, 303)


@blueprint.page(
    f"{ROOT}/photos/<uuid:photo_id>", who="resident", availability=Availability.EXISTING_BUSINESS
)
def photo(photo_id: uuid.UUID) -> ResponseReturnValue:
    """A photograph that the resident sent."""
    return photo_response(appeals.photo(photo_id, signed_in_resident()))


@blueprint.page(f"{ROOT}/sources", who="resident", availability=Availability.EXISTING_BUSINESS)
def sources() -> ResponseReturnValue:
    """A switch for each source."""
    member = membership.membership_of(signed_in_resident().id)
    if member is None:
        return redirect(ROOT)
    return _sources_page(member)


@blueprint.page(
    f"{ROOT}/sources",
    who="resident",
    methods=("POST",),
    availability=Availability.EXISTING_BUSINESS,
)
def choose_sources() -> ResponseReturnValue:
    """Let the ticked sources count; before anything is erased, say what."""
    resident, city = signed_in_resident(), request_city()
    credit, chosen = credit_rules(city), request.form.getlist("source")
    shown = source_views(resident.id, credit)
    erased = [one for one in shown if one.entries and one.rule.source not in chosen]
    if erased and "confirmed" not in request.form:
        today = today_in(city.timezone, current_time())
        off = {one.rule.source for one in erased}
        return _render(
            "sources_confirm.html",
            chosen=chosen,
            erased=erased,
            before=standing_without(resident.id, (), city, today),
            after=standing_without(resident.id, off, city, today),
        )
    membership.choose_sources(resident, chosen, current_time())
    return redirect(f"{ROOT}/sources?saved=1", 303)


@blueprint.page(
    f"{ROOT}/sources/unchanged",
    who="resident",
    methods=("POST",),
    availability=Availability.EXISTING_BUSINESS,
)
def leave_as_it_was() -> ResponseReturnValue:
    """Agree to nothing new after the rules or the text have changed."""
    membership.leave_as_it_was(signed_in_resident(), current_time())
    return redirect(MINE, 303)


@blueprint.page(f"{ROOT}/leave", who="resident", availability=Availability.EXISTING_BUSINESS)
def leave_form() -> ResponseReturnValue:
    """What leaving does, and the button."""
    if membership.membership_of(signed_in_resident().id) is None:
        return redirect(ROOT)
    return _render("leave.html")


@blueprint.page(
    f"{ROOT}/leave",
    who="resident",
    methods=("POST",),
    availability=Availability.EXISTING_BUSINESS,
)
def leave() -> ResponseReturnValue:
    """Leave, and have one's entries erased."""
    membership.leave(signed_in_resident(), current_time())
    return redirect(f"{ROOT}/left", 303)


@blueprint.page(f"{ROOT}/left", who="resident", availability=Availability.EXISTING_BUSINESS)
def left() -> ResponseReturnValue:
    """That it is done."""
    if membership.membership_of(signed_in_resident().id) is not None:
        return redirect(MINE)
    return _render("left.html")


def _landing(**values: Any) -> str:
    return _render("landing.html", figures=present_figures(), **values)


def _sources_page(member: CreditMembership) -> str:
    city = request_city()
    version = present_version(city)
    return _render(
        "sources.html",
        sources=source_views(member.resident_id, credit_rules(city)),
        asked=is_asked(member, version),
        changes=_changes(member),
        saved="saved" in request.args,
    )


def _changes(member: CreditMembership) -> list[Any]:
    """What has changed since the rules that a member agreed to, in sentences."""
    return rule_changes(
        settings_of_version(member.rules_version),
        present_version(request_city()).settings,
        product().registry.extensions.event_kinds,
    )


def _accounted() -> dict[str, Any]:
    """A resident's entries with the sum that they make, for the pages that show them."""
    city, now = request_city(), current_time()
    today = today_in(city.timezone, now)
    found = entries_of(signed_in_resident().id)
    rules = credit_rules(city)
    standing = standing_of(found, city, today)
    appealed = [one.appeal for one in found if one.appeal is not None]
    return {
        "today": today,
        "entries": found,
        "standing": standing,
        "tellers": {
            kind: service.title
            for service in product().services.values()
            for kind in service.events
        },
        "unmet": {
            kind: why
            for service in product().services.values()
            for kind, why in service.unmet.items()
        },
        "ways": ways([one.record for one in found], standing, rules.rules, today),
        "off": {
            name for name, one in choices_of(signed_in_resident().id).items() if not one.counts
        },
        "holding": [one for one in rules.benefits if reaches(standing, one.level, rules.rules)],
        "appeals": [
            (one, appeals.clock_of(one, now), appeals.photos_of(one.id)) for one in appealed
        ],
        "ratings": {one.id: _rating(one.id) for one in appealed},
        "counting": sum(
            bool(one.quantity) and counts_on(one.record, rules.rules, today) for one in found
        ),
        "unruled": [one for one in found if one.entry.source not in rules.rules.sources],
        "expires": {
            one.entry.id: last_day(one.entry.day, rules.rules.sources[one.entry.source].months)
            for one in found
            if one.entry.source in rules.rules.sources
        },
    }


def _rating(appeal_id: uuid.UUID) -> RatingPrompt | None:
    of = ActReference(SERVICE, APPEAL, appeal_id)
    return rating_prompt(signed_in_resident(), of, current_time())


def _appeal_page(
    entry_id: uuid.UUID, reason: str, errors: dict[str, Any], claimed: str = ""
) -> str:
    entry = own_entry(signed_in_resident(), entry_id)
    return _render(
        "appeal.html",
        entry=entry,
        reason=reason,
        errors=errors,
        claimed=claimed,
        answer_days=appeals.appeal_days(entry_id),
    )


def _render(template: str, **values: Any) -> str:
    return render_template(
        f"city_credit/{template}",
        title=TITLE,
        root=ROOT,
        tab="services",
        credit=credit_rules(request_city()),
        appeal_states=APPEAL_STATES,
        **{"errors": {}, "chosen": (), **values},
    )
