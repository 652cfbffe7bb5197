"""An appointment as a calendar's event (RFC 5545)."""

from __future__ import annotations

from datetime import datetime, timedelta

from flask_babel import gettext as _

from smartcity_saas.services.hospital_appointments.models import (
    Appointment,
    Doctor,
    Hospital,
    HospitalDepartment,
)
from smartcity_saas.web.languages import local

LENGTH = timedelta(minutes=30)


def calendar_of(
    appointment: Appointment,
    hospital: Hospital,
    department: HospitalDepartment,
    doctor: Doctor,
    now: datetime,
) -> bytes:
    """The file: when, where, the number; cancelled where it was given back or called off (RFC 5545,
    3.8.1.11), so that a visit that took place stays one; then without its alarm. It names no patient."""
    from icalendar import Alarm, Calendar, Event  # 10 MB that most processes never need

    event = Event()
    event.add("uid", f"{appointment.id}@smartcity")
    event.add("dtstamp", now)
    event.add("dtstart", appointment.starts_at)
    event.add("dtend", appointment.starts_at + LENGTH)
    event.add("summary", f"{local(department.name)} · {local(doctor.name)}")
    event.add("location", f"{local(hospital.name)} {local(hospital.address)}".strip())
    event.add("description", _("Number %(number)s.", number=appointment.number))
    cancelled = appointment.is_off
    event.add("status", "CANCELLED" if cancelled else "CONFIRMED")
    event.add("sequence", 1 if cancelled else 0)
    if not cancelled:  # a telephone rings for whatever has an alarm
        alarm = Alarm()
        alarm.add("action", "DISPLAY")
        alarm.add("trigger", -timedelta(hours=2))
        alarm.add("description", local(hospital.name))
        event.add_component(alarm)
    made = Calendar()
    made.add("prodid", "-//smartcity_saas//appointments//")
    made.add("version", "2.0")
    made.add_component(event)
    return bytes(made.to_ical())
