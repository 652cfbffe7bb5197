"""What the service gives away as open data: the places that are left, and what a visit costs.

Both are told by department. Who works there, and who has a place, stands in neither.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from sqlalchemy import Select, func, select

from smartcity_saas.catalog.datasets import (
    Column,
    ColumnType,
    Dataset,
    DatasetQuery,
    Frequency,
    Row,
    currency_column,
    localized_columns,
    sample_column,
)
from smartcity_saas.database import db
from smartcity_saas.services.hospital_appointments.models import (
    ClinicPlace,
    ClinicSession,
    Hospital,
    HospitalDepartment,
    PlaceState,
)
from smartcity_saas.services.hospital_appointments.names import CLINIC_FEES, CLINIC_PLACES
from smartcity_saas.services.hospital_appointments.rules import Rules
from smartcity_saas.web.money import decimals


def _places(query: DatasetQuery) -> Iterator[Row]:
    """A row for each half day on which a department sees patients."""
    rules = Rules.of_city(query.city)
    days = rules.days(query.now)
    keys = (ClinicSession.department_id, ClinicSession.day, ClinicSession.half)
    counted = (
        select(*keys, func.count(ClinicPlace.id))
        .join(ClinicPlace, ClinicPlace.session_id == ClinicSession.id)
        .where(
            ClinicSession.day.in_(days),
            ClinicSession.closed_at.is_(None),
            ClinicSession.ends_at > query.now,
        )
        .group_by(*keys)
    )
    free = dict(_counts(counted.where(*_FREE, ClinicPlace.starts_at > query.now)))
    named = _departments()
    for key, places in sorted(_counts(counted.where(_HELD)), key=_by_day):
        department, day, half = key
        left = free.get(key, 0)
        yield (day, half, *named[department], places, left, rules.is_released(day, query.now))


_FREE = (ClinicPlace.state == PlaceState.FREE,)
_HELD = ClinicPlace.state != PlaceState.SHUT


def _counts(statement: Select[*tuple[Any, ...]]) -> Iterator[tuple[tuple[Any, ...], int]]:
    for department, day, half, count in db.session.execute(statement):
        yield (department, day, half), int(count)


def _by_day(found: tuple[tuple[Any, ...], int]) -> tuple[Any, ...]:
    department, day, half = found[0]
    return day, half, department


def _fees(query: DatasetQuery) -> Iterator[Row]:
    """A row for each fee that a department takes on a day to come."""
    rules = Rules.of_city(query.city)
    rows = db.session.execute(
        select(
            ClinicSession.department_id,
            ClinicSession.clinic,
            ClinicSession.currency,
            ClinicSession.fee,
        )
        .where(ClinicSession.day >= rules.today(query.now), ClinicSession.closed_at.is_(None))
        .distinct()
    )
    named = _departments()
    for department, clinic, currency, fee in sorted(rows, key=tuple):
        yield (*named[department], clinic, Decimal(fee).scaleb(-decimals(currency)), currency)


def _departments() -> dict[Any, Row]:
    """Hospital and department by the department's key, as the columns of both say them."""
    rows = db.session.execute(
        select(
            HospitalDepartment.id,
            Hospital.code,
            Hospital.name,
            HospitalDepartment.code,
            HospitalDepartment.name,
            Hospital.sample,
        ).join(Hospital, Hospital.id == HospitalDepartment.hospital_id)
    )
    return {
        key: (code, name["zh"], name["en"], inner, part["zh"], part["en"], sample)
        for key, code, name, inner, part, sample in rows
    }


HALVES = {"am": {"zh": "上午", "en": "Morning"}, "pm": {"zh": "下午", "en": "Afternoon"}}
CLINICS = {
    "general": {"zh": "普通门诊", "en": "General clinic"},
    "expert": {"zh": "专家门诊", "en": "Expert clinic"},
    "special": {"zh": "特需门诊", "en": "Special clinic"},
}
_WHERE = (
    Column(
        "hospital",
        ColumnType.TEXT,
        {"zh": "医院代码", "en": "Hospital code"},
        {"zh": "医院自己的代码", "en": "The hospital's own code"},
        sources=(Hospital.code,),
    ),
    *localized_columns(
        "hospital",
        {"zh": "医院", "en": "Hospital"},
        {"zh": "医院的名称", "en": "The hospital's name"},
        (Hospital.name,),
    ),
    Column(
        "department",
        ColumnType.TEXT,
        {"zh": "科室代码", "en": "Department code"},
        {"zh": "科室在医院里的代码", "en": "The department's code within its hospital"},
        sources=(HospitalDepartment.code,),
    ),
    *localized_columns(
        "department",
        {"zh": "科室", "en": "Department"},
        {"zh": "科室的名称", "en": "The department's name"},
        (HospitalDepartment.name,),
    ),
    sample_column(Hospital.sample),
)

clinic_places = Dataset(
    name=CLINIC_PLACES,
    title={"zh": "门诊余号", "en": "Free clinic appointments"},
    description={
        "zh": "今天起可以约的每个半天，各医院各科室放了多少号，还剩多少。",
        "en": "For each half day from today that can be booked: how many appointments each department "
        "of each hospital has, and how many are left.",
    },
    columns=(
        Column(
            "day",
            ColumnType.DATE,
            {"zh": "日期", "en": "Day"},
            {"zh": "看病的日子", "en": "The day of the clinic"},
            sources=(ClinicSession.day,),
        ),
        Column(
            "half",
            ColumnType.TEXT,
            {"zh": "上午或下午", "en": "Half of the day"},
            {"zh": "上午还是下午", "en": "Morning or afternoon"},
            sources=(ClinicSession.half,),
            words=HALVES,
        ),
        *_WHERE,
        Column(
            "places",
            ColumnType.INTEGER,
            {"zh": "号数", "en": "Appointments"},
            {"zh": "这半天一共放的号", "en": "All appointments of that half day"},
            sources=(ClinicPlace.state,),
        ),
        Column(
            "free",
            ColumnType.INTEGER,
            {"zh": "余号", "en": "Left"},
            {
                "zh": "还能约的号，过了时间的不算",
                "en": "Appointments that are left, at times to come",
            },
            sources=(ClinicPlace.state, ClinicPlace.starts_at),
        ),
        Column(
            "bookable",
            ColumnType.BOOLEAN,
            {"zh": "已放号", "en": "Can be booked"},
            {"zh": "现在能不能约", "en": "Whether they can be booked yet"},
        ),
    ),
    key=("day", "half", "hospital", "department"),
    rows=_places,
    frequency=Frequency.CONTINUOUS,
)
clinic_fees = Dataset(
    name=CLINIC_FEES,
    title={"zh": "挂号费", "en": "Clinic fees"},
    description={
        "zh": "今天起排了班的门诊，各医院各科室的挂号费。",
        "en": "What a visit costs at each department of each hospital, for clinics from today on.",
    },
    columns=(
        *_WHERE,
        Column(
            "clinic",
            ColumnType.TEXT,
            {"zh": "门诊种类", "en": "Kind of clinic"},
            {"zh": "普通、专家或特需", "en": "General, expert or special"},
            sources=(ClinicSession.clinic,),
            words=CLINICS,
        ),
        Column(
            "fee",
            ColumnType.DECIMAL,
            {"zh": "挂号费", "en": "Fee"},
            {"zh": "看一次的挂号费", "en": "The fee of one visit"},
            sources=(ClinicSession.fee,),
        ),
        currency_column(ClinicSession.currency),
    ),
    key=("hospital", "department", "clinic", "fee", "currency"),
    rows=_fees,
    frequency=Frequency.CONTINUOUS,
)
