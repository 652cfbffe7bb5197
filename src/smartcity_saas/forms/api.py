"""Applications as JSON, under ``/api/v1/applications``."""

from __future__ import annotations

import base64
import binascii
import uuid
from collections.abc import Mapping
from typing import Any

import marshmallow as ma
from flask_babel import lazy_gettext as _
from marshmallow import fields, validate

from smartcity_saas.catalog.checkout import PaymentBegunSchema, begin_checkout, begun
from smartcity_saas.configuration.counties import counties_of
from smartcity_saas.errors import FieldErrors, Invalid, NotFound
from smartcity_saas.forms import applications as domain
from smartcity_saas.forms import drafts, supplying
from smartcity_saas.forms.answers import Given
from smartcity_saas.forms.applications import LONGEST_WORDS, NotComplete
from smartcity_saas.forms.definition import definition_of
from smartcity_saas.forms.fees import fee_comes_back
from smartcity_saas.forms.fields import Faults
from smartcity_saas.forms.fields.places import cities_by_code
from smartcity_saas.forms.files import LONGEST_NAME, Upload, file_of
from smartcity_saas.forms.models import Application, ApplicationState
from smartcity_saas.forms.own import own_application, own_applications
from smartcity_saas.forms.stored_forms import answers_of, form_of
from smartcity_saas.forms.supplying import supply
from smartcity_saas.forms.timeline import timeline_of
from smartcity_saas.forms.uploads import Sent
from smartcity_saas.forms.views import form_name, service_in
from smartcity_saas.identity.authorization import signed_in_resident
from smartcity_saas.images.photos import LARGEST_BYTES
from smartcity_saas.tenancy.current import current_time, request_city
from smartcity_saas.web.api import ROOT as API
from smartcity_saas.web.api import (
    Answer,
    ApiBlueprint,
    Body,
    BodyProblem,
    Cell,
    TextSchema,
    moment,
    money,
)
from smartcity_saas.web.policy import Availability

ROOT = f"{API}/applications"
ONE = f"{ROOT}/<number>"
LONGEST_FILE = LARGEST_BYTES * 4 // 3 + 4
"""Of base64 (RFC 4648, section 4)."""

blueprint = ApiBlueprint(
    "applications_api", __name__, service=service_in, description="Applications by forms."
)


class ApplicationEventSchema(ma.Schema):
    """Something that happened to an application."""

    kind = fields.String()
    at = fields.String()
    words = fields.String()
    by_city = fields.Boolean()
    fields_ = fields.List(fields.String(), data_key="fields", attribute="fields")


class ApplicationSchema(ma.Schema):
    """An application. ``decided_by`` is the last day on which the city decides, ``supply_by`` that for what
    is missing, ``kept_until`` the last on which it is kept; null where there is none."""

    number = fields.String()
    service = fields.String()
    title = fields.Nested(TextSchema)
    state = fields.String()
    step = fields.Integer()
    amount = fields.Integer()
    currency = fields.String()
    paid = fields.Boolean()
    created_at = fields.String()
    saved_at = fields.String()
    received_at = fields.String(allow_none=True)
    decided_at = fields.String(allow_none=True)
    decided_by = fields.Date(allow_none=True)
    supply_by = fields.Date(allow_none=True)
    kept_until = fields.Date(allow_none=True)


class WholeApplicationSchema(ApplicationSchema):
    """An application with its answers by field, and what happened to it. ``fee_comes_back`` says whether
    a fee that was paid goes back by itself: if it is withdrawn now, or because it was."""

    fee_comes_back = fields.Boolean()
    answers = fields.Dict(keys=fields.String())
    events = fields.List(fields.Nested(ApplicationEventSchema))


class ApplicationListSchema(ma.Schema):
    """The resident's applications."""

    applications = fields.List(fields.Nested(ApplicationSchema))


class FormDefinitionSchema(ma.Schema):
    """A form as the city's document defines it (docs/configuration.md)."""

    service = fields.String()
    definition = fields.Dict(keys=fields.String())


class SentApplicationSchema(ma.Schema):
    """An application that was sent; or the payment with which it will be."""

    application = fields.Nested(ApplicationSchema)
    payment = fields.Nested(PaymentBegunSchema, allow_none=True)


class StoredFileSchema(ma.Schema):
    """A file of an answer."""

    id = fields.String()
    name = fields.String()


class FileContentSchema(StoredFileSchema):
    """A file with what is in it, as base64."""

    media_type = fields.String()
    content = fields.String()


class CountySchema(ma.Schema):
    """A district, county, banner or city at county level: its code (GB/T 2260) and its name."""

    code = fields.String()
    name = fields.Nested(TextSchema)


class CountiesSchema(ma.Schema):
    """What the district of an address in a city is one of; empty where words are taken."""

    city = fields.String()
    counties = fields.List(fields.Nested(CountySchema))


class AnswersBody(Body):
    """Answers by the names of fields; null takes one out."""

    answers = fields.Dict(keys=fields.String(), required=True)


class SupplyBody(Body):
    """What was asked for anew, by the names of fields, and words."""

    answers = fields.Dict(keys=fields.String(), load_default=dict)
    words = fields.String(load_default="", validate=validate.Length(max=LONGEST_WORDS))


class MessageBody(Body):
    """Words to the city."""

    words = fields.String(required=True, validate=validate.Length(1, LONGEST_WORDS))


class WithdrawalBody(Body):
    """What the resident was told of the fee (``fee_comes_back`` of the application): where it is no
    longer so, nothing is withdrawn (409)."""

    fee_comes_back = fields.Boolean(load_default=None)


class ReopeningBody(Body):
    """Why the decision is wrong."""

    reason = fields.String(required=True, validate=validate.Length(1, LONGEST_WORDS))


class ApplicationFileBody(Body):
    """A file to add to the answer of a field, as base64."""

    field = Cell(40, required=True)
    name = Cell(LONGEST_NAME, required=True)
    content = fields.String(required=True, validate=validate.Length(1, LONGEST_FILE))


@blueprint.operation(
    ROOT, who="resident", availability=Availability.EXISTING_BUSINESS, across_services=True
)
@blueprint.response(200, ApplicationListSchema)
def api_own_applications() -> Answer:
    """The resident's applications, what was saved last first: at most 100."""
    found = own_applications(signed_in_resident(), list(ApplicationState))
    return {"applications": [_listed(one) for one in found]}


@blueprint.operation(f"{ROOT}/forms/<form>", who="everyone")
@blueprint.response(200, FormDefinitionSchema)
def api_form(form: str) -> Answer:
    """A form as it is now: what it needs, costs, takes and asks."""
    name = form_name(form)
    values = definition_of(request_city().catalog[name]).values
    return {"service": name, "definition": dict(values)}


@blueprint.operation(
    f"{ROOT}/counties/<city>",
    who="everyone",
    availability=Availability.EXISTING_BUSINESS,
    across_services=True,
)
@blueprint.response(200, CountiesSchema)
def api_counties(city: str) -> Answer:
    """The districts of a city, by its code of six digits (GB/T 2260)."""
    if city not in cities_by_code():
        raise NotFound
    found = [{"code": one.code, "name": {"zh": one.zh, "en": one.en}} for one in counties_of(city)]
    return {"city": city, "counties": found}


@blueprint.operation(f"{ROOT}/forms/<form>", who="resident", method="POST")
@blueprint.response(201, WholeApplicationSchema)
def api_begin_application(form: str) -> Answer:
    """Begin an application, or go on with the one that was begun and not sent."""
    entry = request_city().catalog[form_name(form)]
    return _whole(drafts.begin(signed_in_resident(), entry, current_time()))


@blueprint.operation(ONE, who="resident", availability=Availability.EXISTING_BUSINESS)
@blueprint.response(200, WholeApplicationSchema)
def api_application(number: str) -> Answer:
    """One application of the resident's."""
    return _whole(own_application(signed_in_resident(), number))


@blueprint.operation(
    ONE, who="resident", method="PATCH", availability=Availability.EXISTING_BUSINESS
)
@blueprint.arguments(AnswersBody)
@blueprint.response(200, WholeApplicationSchema)
def api_set_answers(body: dict[str, Any], number: str) -> Answer:
    """Set answers of any steps: all of them or, where one does not fit, none."""
    row, faults = drafts.set_answers(signed_in_resident(), number, body["answers"], current_time())
    _refuse(faults)
    return _whole(row)


@blueprint.operation(
    f"{ONE}/submit",
    who="resident",
    method="POST",
    availability=Availability.EXISTING_BUSINESS,
)
@blueprint.response(200, SentApplicationSchema)
def api_submit_application(number: str) -> Answer:
    """Send an application; one with a fee is sent once that is paid, on the page that is answered."""
    resident = signed_in_resident()
    row = own_application(resident, number)
    try:
        if row.is_draft and not row.is_paid:
            payment = begun(begin_checkout(row.service, [row.id]))
            return {"application": _listed(row), "payment": payment}
        row = domain.submit(resident, number, current_time())
    except NotComplete as error:
        _refuse({one.field.name: one.faults for one in error.open_fields})
    return {"application": _listed(row), "payment": None}


@blueprint.operation(
    f"{ONE}/supply",
    who="resident",
    method="POST",
    availability=Availability.EXISTING_BUSINESS,
)
@blueprint.arguments(SupplyBody)
@blueprint.response(200, WholeApplicationSchema)
def api_supply(body: dict[str, Any], number: str) -> Answer:
    """Send what the city asked for anew; answers that it did not ask for stand as they were sent."""
    sent = Sent(Given(body["answers"]))
    done = supply(signed_in_resident(), number, sent, body["words"], current_time())
    unseen = {name: {"": _("This is needed as well.")} for name in done.result.unseen}
    _refuse({**unseen, **done.result.faults})
    if done.words is not None:
        raise Invalid(_("Some fields are not valid."), [BodyProblem("/words", done.words)])
    return _whole(done.application)


@blueprint.operation(
    f"{ONE}/messages",
    who="resident",
    method="POST",
    availability=Availability.EXISTING_BUSINESS,
)
@blueprint.arguments(MessageBody)
@blueprint.response(200, WholeApplicationSchema)
def api_send_message(body: dict[str, Any], number: str) -> Answer:
    """Write to the city about an application that is under way."""
    resident = signed_in_resident()
    _fields_of(lambda: domain.send_message(resident, number, body["words"], current_time()))
    return _whole(own_application(resident, number))


@blueprint.operation(
    f"{ONE}/withdraw",
    who="resident",
    method="POST",
    availability=Availability.EXISTING_BUSINESS,
)
@blueprint.arguments(WithdrawalBody, required=False)
@blueprint.response(204)
def api_withdraw_application(body: dict[str, Any], number: str) -> Answer:
    """Withdraw an application; a draft is erased at once. The fee goes back by itself where no member of
    staff has taken it over yet."""
    domain.withdraw(signed_in_resident(), number, current_time(), told=body["fee_comes_back"])
    return {}


@blueprint.operation(
    f"{ONE}/reopen",
    who="resident",
    method="POST",
    availability=Availability.EXISTING_BUSINESS,
)
@blueprint.arguments(ReopeningBody)
@blueprint.response(200, WholeApplicationSchema)
def api_reopen_application(body: dict[str, Any], number: str) -> Answer:
    """Have an application that was refused looked at once more."""
    resident = signed_in_resident()
    _fields_of(lambda: domain.reopen(resident, number, body["reason"], current_time()))
    return _whole(own_application(resident, number))


@blueprint.operation(
    f"{ONE}/files",
    who="resident",
    method="POST",
    availability=Availability.EXISTING_BUSINESS,
)
@blueprint.arguments(ApplicationFileBody)
@blueprint.response(201, StoredFileSchema)
def api_add_file(body: dict[str, Any], number: str) -> Answer:
    """Add a file to an answer: a PDF, or a photograph, which is made anew. It is taken out by setting
    the answer to the ids of the others. What the city asks for anew is added so, then supplied."""
    try:
        data = base64.b64decode(body["content"], validate=True)
        upload = Upload(body["name"], data)
        kept = _add_file(number, body["field"], upload)
    except (binascii.Error, ValueError):
        raise _wrong("content", _("Send the file as base64.")) from None
    except Invalid as error:
        raise _wrong("content", error.detail) from None
    ((key, name),) = kept.items()
    return {"id": key, "name": name}


@blueprint.operation(
    f"{ONE}/files/<uuid:file_id>", who="resident", availability=Availability.EXISTING_BUSINESS
)
@blueprint.response(200, FileContentSchema)
def api_application_file(number: str, file_id: uuid.UUID) -> Answer:
    """A file of an application with what is in it."""
    row = own_application(signed_in_resident(), number)
    found = file_of(row, file_id, current_time())
    return {
        "id": str(file_id),
        "name": found.name,
        "media_type": found.media_type,
        "content": base64.b64encode(found.content).decode(),
    }


def _add_file(number: str, field: str, upload: Upload) -> dict[str, str]:
    resident, now = signed_in_resident(), current_time()
    if own_application(resident, number).waits_for_resident:
        return supplying.add_file(resident, number, field, upload, now)
    return drafts.add_file(resident, number, field, upload, now)[1]


def _whole(row: Application) -> Answer:
    now = current_time()
    events = timeline_of(row, now)
    return {
        **_listed(row),
        "fee_comes_back": fee_comes_back(row, {one.kind for one in events}),
        "answers": answers_of(row, now),
        "events": [
            {
                "kind": one.kind.value,
                "at": moment(one.at),
                "words": one.words,
                "by_city": one.by_staff,
                "fields": list(one.fields),
            }
            for one in events
        ],
    }


def _listed(row: Application) -> dict[str, Any]:
    return {
        "number": row.number,
        "service": row.service,
        "title": form_of(row).title,
        "state": row.state.value,
        "step": row.step + 1,
        **money(row.fee, row.currency),
        "paid": row.is_paid,
        "created_at": moment(row.created_at),
        "saved_at": moment(row.saved_at),
        "received_at": moment(row.received_at),
        "decided_at": moment(row.decided_at),
        "decided_by": row.due_on if row.is_at_desk else None,
        "supply_by": row.supply_by,
        "kept_until": row.erase_on,
    }


def _refuse(faults: Mapping[str, Faults]) -> None:
    """Tell what is wrong with answers, each at its place in the body.

    Raises:
        Invalid: There is something.
    """
    problems = [
        BodyProblem(f"/answers/{name}" + (f"/{part}" if part else ""), message)
        for name, parts in faults.items()
        for part, message in parts.items()
    ]
    if problems:
        raise Invalid(_("Some fields are not valid."), problems)


def _wrong(field: str, message: Any) -> Invalid:
    return Invalid(_("Some fields are not valid."), [BodyProblem(f"/{field}", message)])


def _fields_of(act: Any) -> None:
    """Do something, and tell what is wrong at its field of the body."""
    try:
        act()
    except FieldErrors as error:
        problems = [BodyProblem(f"/{name}", said) for name, said in error.fields.items()]
        raise Invalid(_("Some fields are not valid."), problems) from None
