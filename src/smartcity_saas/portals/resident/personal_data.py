"""What a resident may ask of the city about themselves: see, take along, take back, delete, know who
looked (PIPL, chapter IV)."""

from __future__ import annotations

import json
import uuid
from typing import Any

from flask import Response, redirect, render_template, request, session
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _

from smartcity_saas.errors import Conflict, NotFound
from smartcity_saas.identity.assisted_service.access_log import accesses_of
from smartcity_saas.identity.authorization import signed_in_resident
from smartcity_saas.identity.personal_data.declaration import PersonalData
from smartcity_saas.identity.personal_data.records import (
    as_json,
    erase,
    kept_when_leaving,
    personal_records,
)
from smartcity_saas.identity.residents import accounts
from smartcity_saas.identity.residents.accounts import SignedInResident
from smartcity_saas.identity.residents.assurance import forget_real_name
from smartcity_saas.identity.residents.consents import (
    MESSAGES,
    PRIVACY,
    PURPOSES,
    REAL_NAME,
    agrees,
    consents_of,
    give,
    withdraw,
)
from smartcity_saas.payments.repository import unfinished as unfinished_payments
from smartcity_saas.portals.change_labels import access_label
from smartcity_saas.portals.resident.blueprint import blueprint
from smartcity_saas.portals.resident.personal_data_labels import rows_in_words
from smartcity_saas.product import product
from smartcity_saas.tenancy.current import current_time, request_city
from smartcity_saas.web.languages import local
from smartcity_saas.web.paths import safe_next
from smartcity_saas.web.policy import Availability

ROOT = "/me/data"
MOST_SHOWN = 50
"""How many rows of a kind are shown; the download has all."""
DELETE_WORD = {"zh": "删除", "en": "delete"}


@blueprint.page(
    ROOT, who="resident", availability=Availability.EXISTING_BUSINESS, before_consent=True
)
def my_data() -> ResponseReturnValue:
    """Everything held of the resident, with what is personal in it masked."""
    now = current_time()
    found = [
        (one, rows_in_words(one, now, MOST_SHOWN)) for one in personal_records(signed_in_resident())
    ]
    return render_template("resident/data.html", found=found, most=MOST_SHOWN, tab="me")


@blueprint.page(
    f"{ROOT}/download",
    who="resident",
    methods=("POST",),
    availability=Availability.EXISTING_BUSINESS,
    before_consent=True,
)
def download_data() -> ResponseReturnValue:
    """The same to take along, whole, as JSON."""
    resident, now, city = signed_in_resident(), current_time(), request_city()
    body = {
        "city": city.slug,
        "at": now.isoformat(),
        "held": as_json(personal_records(resident), now),
    }
    return Response(
        json.dumps(body, ensure_ascii=False, indent=2),
        content_type="application/json; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{city.slug}-my-data.json"'},
    )


@blueprint.page(
    f"{ROOT}/access",
    who="resident",
    availability=Availability.EXISTING_BUSINESS,
    before_consent=True,
)
def who_looked() -> ResponseReturnValue:
    """Every time that staff saw something of the resident's, and why."""
    found, older = accesses_of(signed_in_resident(), request.args.get("before", None, uuid.UUID))
    return render_template(
        "resident/access.html",
        found=found,
        older=older,
        access_label=access_label,
        tab="me",
    )


@blueprint.page(
    f"{ROOT}/consents",
    who="resident",
    availability=Availability.EXISTING_BUSINESS,
    before_consent=True,
)
def consents() -> ResponseReturnValue:
    """What the resident agreed to, each to be taken back as easily."""
    resident = signed_in_resident()
    history = consents_of(resident.id)
    return render_template(
        "resident/consents.html",
        purposes=[(found, agrees(resident.id, found.name)) for found in PURPOSES.values()],
        purposes_by_name=PURPOSES,
        history=history,
        taken_back=next((one.withdrawn_at for one in history if one.purpose == PRIVACY), None),
        tab="me",
    )


@blueprint.page(
    f"{ROOT}/consents/<purpose>",
    who="resident",
    methods=("POST",),
    availability=Availability.EXISTING_BUSINESS,
    before_consent=True,
)
def change_consent(purpose: str) -> ResponseReturnValue:
    """Give or take back one, by one press either way, and go on to where it was asked for. Without the first the account rests: one's
    data and the way out stay open."""
    resident, now = signed_in_resident(), current_time()
    if purpose in (PRIVACY, MESSAGES) and "give" in request.form:
        give(resident.id, purpose, now)
    elif purpose in PURPOSES:
        withdraw(resident.id, purpose, now)
        if purpose == PRIVACY:  # nobody is written to who has no account that they agree to
            withdraw(resident.id, MESSAGES, now)
        if purpose == REAL_NAME:
            forget_real_name(resident, now)
    else:
        raise NotFound
    return redirect(safe_next(request.form.get("next"), f"{ROOT}/consents"))


@blueprint.page(
    "/me/sessions", who="resident", availability=Availability.EXISTING_BUSINESS, before_consent=True
)
def sessions() -> ResponseReturnValue:
    """Where the resident is signed in."""
    resident = signed_in_resident()
    return render_template(
        "resident/sessions.html",
        found=accounts.sessions_of(resident, current_time()),
        here=resident.session_hash,
        channels=product().channels,
        tab="me",
    )


@blueprint.page(
    "/me/sessions/<uuid:session_id>/end",
    who="resident",
    methods=("POST",),
    availability=Availability.EXISTING_BUSINESS,
    before_consent=True,
)
def end_session(session_id: uuid.UUID) -> ResponseReturnValue:
    """End one, there and at once."""
    accounts.end_session(signed_in_resident(), session_id, current_time())
    return redirect("/me/sessions")


@blueprint.page(
    f"{ROOT}/delete",
    who="resident",
    availability=Availability.EXISTING_BUSINESS,
    before_consent=True,
)
def delete_question() -> ResponseReturnValue:
    """What goes, what stays and why, what is to be ended first."""
    return _delete_page()


@blueprint.page(
    f"{ROOT}/delete",
    who="resident",
    methods=("POST",),
    availability=Availability.EXISTING_BUSINESS,
    before_consent=True,
)
def delete_account() -> ResponseReturnValue:
    """Delete the account, once the word has been typed."""
    resident = signed_in_resident()
    if request.form.get("word", "").strip().lower() not in DELETE_WORD.values():
        return _delete_page(
            _("Enter the word “%(word)s” to continue.", word=local(DELETE_WORD))
        ), 422
    if _unfinished(resident):
        raise Conflict(
            _("Something is not finished yet. Finish it first, then delete your account.")
        )
    erase(resident, current_time())
    session.clear()
    return render_template("resident/deleted.html", resident=None)


def _delete_page(error: Any = None) -> str:
    resident = signed_in_resident()
    return render_template(
        "resident/delete.html",
        unfinished=_unfinished(resident),
        kept=_by_reason(kept_when_leaving()),
        word=DELETE_WORD,
        error=error,
        tab="me",
    )


def _by_reason(kept: list[PersonalData]) -> list[tuple[list[Any], Any]]:
    """What stays, with what is kept for the same reason on one line."""
    found: dict[str, tuple[list[Any], Any]] = {}
    for held in kept:
        if held.why is not None:
            found.setdefault(held.why["en"], ([], held.why))[0].append(held.title)
    return [*found.values()]


def _unfinished(resident: SignedInResident) -> list[tuple[Any, str]]:
    found = list(unfinished_payments(resident))
    for service in product().parts:
        found += service.unfinished(resident)
    return found
