"""The service's part of a document: when places open, what one person may hold, what it costs
to stay away, how fees are paid."""

from __future__ import annotations

from marshmallow import Schema, fields

from smartcity_saas.configuration.fields import Choice, Pattern, WholeNumber
from smartcity_saas.configuration.schema import ServiceSettings
from smartcity_saas.services.hospital_appointments.names import AHEAD, AT_HOSPITAL
from smartcity_saas.texts import lazy_gettext as _


def _number(least: int, most: int, default: int, words: str) -> WholeNumber:
    return WholeNumber(least, most, load_default=default, metadata={"description": words})


def _clock(default: str, words: str) -> Pattern:
    return Pattern(
        r"(?:[01][0-9]|2[0-3]):[0-5][0-9]",
        _('Write a time in quotes: "07:00".'),
        load_default=default,
        metadata={"description": words},
    )


class CancelSchema(Schema):
    """Until when residents can cancel."""

    days_before = _number(0, 14, 1, "How many days before the appointment's day the deadline is.")
    time = _clock("18:00", "The time of the deadline on that day.")


class LimitsSchema(Schema):
    """How much one patient may hold at once."""

    per_department = _number(
        1, 10, 1, "How many open appointments a patient may have in one department."
    )
    per_patient = _number(1, 50, 5, "How many open appointments a patient may have in all.")


class NoShowsSchema(Schema):
    """What it costs to stay away, and when it is forgiven."""

    most = _number(0, 20, 3, "How many missed appointments stop booking; 0 for no limit.")
    within_days = _number(1, 730, 180, "For how many days a missed appointment counts.")
    blocked_days = _number(1, 365, 30, "For how many days booking stops after the last one.")


class HospitalAppointmentsSettings(ServiceSettings):
    """Settings of the service."""

    days_ahead = _number(1, 60, 7, "How many days ahead places can be booked.")
    release_time = _clock("07:00", "When the next day's places open, every day.")
    cancel = fields.Nested(
        CancelSchema, metadata={"description": "Until when residents can cancel."}
    )
    limits = fields.Nested(LimitsSchema, metadata={"description": "Limits for one patient."})
    no_shows = fields.Nested(NoShowsSchema, metadata={"description": "Missed appointments."})
    payment = Choice(
        (AT_HOSPITAL, AHEAD),
        load_default=AT_HOSPITAL,
        metadata={
            "description": "How fees are paid: `at_hospital`, or `ahead` when one books, where the "
            "city takes payments."
        },
    )
    pay_minutes = _number(
        10, 24 * 60, 30, "For how many minutes a place that is to be paid ahead is held unpaid."
    )
    offer_minutes = _number(
        5, 24 * 60, 15, "For how many minutes a freed place is kept for the next in line."
    )
    most_waiting = _number(0, 500, 30, "How many may wait for one session; 0 for no waiting list.")
    slot_minutes = _number(5, 120, 30, "The length of a slot, in which several places begin.")
