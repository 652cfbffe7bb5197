"""Sample hospitals and a week of clinics for demo mode, plainly marked as sample."""

from __future__ import annotations

import csv
import io
from datetime import date, datetime, timedelta

from sqlalchemy import select, update

from smartcity_saas.audit import system
from smartcity_saas.catalog.benefits import pay_after_treatment
from smartcity_saas.catalog.service import ImportRequest
from smartcity_saas.clock import today_in
from smartcity_saas.configuration.city import City
from smartcity_saas.database import transaction
from smartcity_saas.identity.demo import sample_resident
from smartcity_saas.identity.residents.accounts import SignedInResident
from smartcity_saas.ratings.demo import sample_rating
from smartcity_saas.ratings.models import RatingLevel
from smartcity_saas.services.hospital_appointments.booking import book, keep
from smartcity_saas.services.hospital_appointments.csv_import import (
    OPTIONAL,
    REQUIRED,
    import_schedule,
)
from smartcity_saas.services.hospital_appointments.fee_models import PayWhen
from smartcity_saas.services.hospital_appointments.fees import keep_fee, note_visit
from smartcity_saas.services.hospital_appointments.models import (
    Appointment,
    AppointmentState,
    ClinicPlace,
    ClinicSession,
    Patient,
    PlaceState,
)
from smartcity_saas.services.hospital_appointments.names import SERVICE
from smartcity_saas.services.hospital_appointments.patients import add_patient
from smartcity_saas.services.hospital_appointments.rateable import VISIT
from smartcity_saas.services.hospital_appointments.rules import Rules
from smartcity_saas.services.hospital_appointments.schedule import (
    departments,
    next_with_places,
)
from smartcity_saas.tenancy.current import current_city

HOSPITALS = (
    ("h1", "第一医院（示例）", "First Hospital (sample)", "示例路 1 号", "1 Sample Road"),
    ("h2", "妇儿医院（示例）", "Women and Children (sample)", "示例路 8 号", "8 Sample Road"),
)
DEPARTMENTS = (
    ("h1", "cardio", "心内科", "Cardiology", "心脏 胸痛 胸闷 心慌 高血压 heart chest"),
    ("h1", "ortho", "骨科", "Orthopaedics", "腰痛 腿痛 骨折 关节 back bone joint"),
    ("h1", "eye", "眼科", "Eye clinic", "眼睛 视力 近视 红眼 eyes vision"),
    ("h2", "child", "儿科", "Paediatrics", "孩子 发烧 咳嗽 拉肚子 child fever cough"),
)
DOCTORS = (
    ("d1", "甲医生（示例）", "Doctor A (sample)", "主任医师", "Chief physician", "expert", "50.00"),
    (
        "d2",
        "乙医生（示例）",
        "Doctor B (sample)",
        "副主任医师",
        "Associate chief",
        "expert",
        "25.00",
    ),
    ("d3", "丙医生（示例）", "Doctor C (sample)", "主治医师", "Attending", "general", "10.00"),
)
PAST = timedelta(days=4)
"""How long ago the day of clinics was that is over: the booking rate is of it."""
LEFT_FREE = (4, 11, 19)
"""Numbers of places that nobody took on those days."""
SPECIALTIES = {
    "cardio": ("冠心病、高血压", "coronary disease, blood pressure"),
    "ortho": ("脊柱、关节", "spine, joints"),
    "eye": ("近视、白内障", "short sight, cataract"),
    "child": ("呼吸、消化", "airways, digestion"),
}


def fill(city: City, now: datetime) -> None:
    """Fill the current city with two sample hospitals, a week of clinics, a booking, two visits that
    can be rated, and paid for where one may pay after them, and one that was rated."""
    rules = Rules.of_city(city)
    today = rules.today(now)
    for first, days in ((today - PAST, -1), (today, rules.days_ahead)):
        data = sample_csv(first, days)
        import_schedule(ImportRequest(system("demo"), city, data, "sample.csv", now, sample=True))
    _fill_past(today)
    resident = sample_resident("household", now)
    me = add_patient(
        resident, {"name": "示例就诊人", "relation": "self", "phone": "13800000000"}, now
    )
    child = add_patient(
        resident, {"name": "示例孩子", "relation": "child", "phone": "13800000000"}, now
    )
    department = next(one for one in departments() if one.code == "eye")
    for view in next_with_places(department.id, rules, now + timedelta(days=1), 1):
        with transaction():
            made = book(resident, me.id, view.session.id, None, rules, now)
            _agree_to_pay_after(made, view.session, rules, now)
        for number, patient in enumerate((me, child), start=2):
            _visit(resident, patient, view.session, number, rules, now)
    past = now - timedelta(days=3)
    sample_rating("parents", SERVICE, VISIT, RatingLevel.VERY_SATISFIED, "", past)


def _agree_to_pay_after(
    made: Appointment, session: ClinicSession, rules: Rules, now: datetime
) -> None:
    """Let the fee be paid after the visit, where the resident may: the demo's payments are connected
    once it is filled, so booking has left it to the hospital."""
    terms = pay_after_treatment(made.resident_id, now)
    if terms is not None:
        keep_fee(made, session, (PayWhen.AFTER, terms.days), rules, now)


def _visit(
    resident: SignedInResident,
    patient: Patient,
    like: ClinicSession,
    days: int,
    rules: Rules,
    now: datetime,
) -> None:
    """A visit of some days ago, which can be rated, at the doctor of a clinic that is to come."""
    back = timedelta(days=(like.day - today_in(current_city().timezone, now)).days + days)
    with transaction() as session:
        past = ClinicSession(
            doctor_id=like.doctor_id,
            department_id=like.department_id,
            day=like.day - back,
            half=like.half,
            clinic=like.clinic,
            fee=like.fee,
            currency=like.currency,
            starts_at=like.starts_at - back,
            ends_at=like.ends_at - back,
            capacity=1,
        )
        session.add(past)
        session.flush()
        place = ClinicPlace(
            session_id=past.id, number=1, starts_at=past.starts_at, state=PlaceState.FREE
        )
        session.add(place)
        session.flush()
        visit = keep(
            system("demo"), resident.id, patient, past, place.take(), past.starts_at - back
        )
        _agree_to_pay_after(visit, past, rules, now)
        visit.mark(AppointmentState.ATTENDED, past.ends_at)
        note_visit(visit, rules, past.ends_at)


def _fill_past(today: date) -> None:
    """Let most places of the days that are over have been booked, by nobody in particular."""
    with transaction() as session:
        over = session.scalars(select(ClinicSession.id).where(ClinicSession.day < today)).all()
        session.execute(
            update(ClinicPlace)
            .where(ClinicPlace.session_id.in_(over), ClinicPlace.number.not_in(LEFT_FREE))
            .values(state=PlaceState.TAKEN)
        )


def sample_csv(today: date, days: int) -> bytes:
    """A week of clinics as a hospital would send them: some small, some shut at weekends."""
    out = io.StringIO()
    writer = csv.DictWriter(out, [*REQUIRED, *OPTIONAL])
    writer.writeheader()
    for ahead in range(days + 2):
        day = today + timedelta(days=ahead)
        for place, department in enumerate(DEPARTMENTS):
            for rank, doctor in enumerate(DOCTORS):
                for half in ("am", "pm"):
                    if _holds(day, rank, half, place):
                        writer.writerow(_row(day, half, department, doctor, rank))
    return out.getvalue().encode()


def _holds(day: date, rank: int, half: str, place: int) -> bool:
    if day.weekday() > 4:
        return rank == 2 and half == "am"
    return rank == 2 or (day.toordinal() + rank + place + (half == "pm")) % 2 == 0


def _row(
    day: date, half: str, department: tuple[str, ...], doctor: tuple[str, ...], rank: int
) -> dict[str, str]:
    hospital_code, code, zh, en, keywords = department
    hospital = next(one for one in HOSPITALS if one[0] == hospital_code)
    starts, ends = ("08:00", "11:30") if half == "am" else ("13:30", "16:30")
    return {
        "hospital_code": hospital_code,
        "hospital_zh": hospital[1],
        "hospital_en": hospital[2],
        "address_zh": hospital[3],
        "address_en": hospital[4],
        "phone": "12345",
        "department_code": code,
        "department_zh": zh,
        "department_en": en,
        "keywords": keywords,
        "doctor_code": doctor[0],
        "doctor_zh": doctor[1],
        "doctor_en": doctor[2],
        "title_zh": doctor[3],
        "title_en": doctor[4],
        "specialty_zh": SPECIALTIES[code][0],
        "specialty_en": SPECIALTIES[code][1],
        "day": day.isoformat(),
        "half": half,
        "clinic": doctor[5],
        "fee": doctor[6],
        "starts": starts,
        "ends": ends,
        "capacity": str((4, 8, 24)[rank]),
    }
