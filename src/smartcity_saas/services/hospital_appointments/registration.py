"""The service, put together."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _

from smartcity_saas.catalog.measured import Measured
from smartcity_saas.catalog.service import DashboardItem, Service, Task
from smartcity_saas.identity.residents.accounts import SignedInResident
from smartcity_saas.services.hospital_appointments import api, demo
from smartcity_saas.services.hospital_appointments.back_office import send_report
from smartcity_saas.services.hospital_appointments.booking import (
    coming_appointments,
)
from smartcity_saas.services.hospital_appointments.cancellation import end_taken
from smartcity_saas.services.hospital_appointments.csv_import import import_schedule
from smartcity_saas.services.hospital_appointments.dashboard import dashboard
from smartcity_saas.services.hospital_appointments.datasets import clinic_fees, clinic_places
from smartcity_saas.services.hospital_appointments.desk import blueprint as desk
from smartcity_saas.services.hospital_appointments.document import extension
from smartcity_saas.services.hospital_appointments.fee_notifications import remind_of_fees
from smartcity_saas.services.hospital_appointments.fee_tasks import lapse_unpaid, settle
from smartcity_saas.services.hospital_appointments.fee_views import blueprint as resident
from smartcity_saas.services.hospital_appointments.fees import (
    LAPSE_UNPAID,
    SETTLE,
    due_fees,
    resting_benefits,
)
from smartcity_saas.services.hospital_appointments.fhir_attention import (
    fhir_attention,
    fhir_remarks,
    probe_fhir,
)
from smartcity_saas.services.hospital_appointments.fhir_settings import FHIR
from smartcity_saas.services.hospital_appointments.fhir_sync import SYNC, keep_in_step, sync
from smartcity_saas.services.hospital_appointments.models import (
    OFFER,
)
from smartcity_saas.services.hospital_appointments.names import (
    ATTENDED,
    REPORT,
    ROOT,
    SERVICE,
    SLOT_TAKEN,
)
from smartcity_saas.services.hospital_appointments.notifications import remind
from smartcity_saas.services.hospital_appointments.payable import payable
from smartcity_saas.services.hospital_appointments.rateable import acts as rateable
from smartcity_saas.services.hospital_appointments.schedule import places_between, search
from smartcity_saas.services.hospital_appointments.waiting_list import (
    LAPSE,
    entries_of,
    lapse,
    offer_free,
)
from smartcity_saas.tenancy.current import current_time
from smartcity_saas.web.languages import local
from smartcity_saas.web.money import format_money

MOST_SUGGESTED = 5


def _search(query: str) -> list[DashboardItem]:
    return [
        DashboardItem(
            title=local(one.department.name),
            detail=" · ".join(
                [local(one.hospital.name), *(local(d.name) for d in one.doctors[:3])]
            ),
            url=f"{ROOT}/departments/{one.department.id}",
            icon="stethoscope",
        )
        for one in search(query)[:MOST_SUGGESTED]
    ]


def _unfinished(person: SignedInResident) -> list[tuple[Any, str]]:
    now = current_time()
    return [
        *(
            (_("You have an upcoming appointment."), f"{ROOT}/appointments/{one.id}")
            for one in coming_appointments(person, now)
        ),
        *((_("You are on a waiting list."), ROOT) for _entry in entries_of(person)),
        *(
            (
                _("%(amount)s is due for a visit.", amount=format_money(fee.amount, fee.currency)),
                f"{ROOT}/appointments/{fee.appointment_id}",
            )
            for fee in due_fees(person.id)
        ),
    ]


def _daily(now: datetime) -> None:
    remind(now)
    remind_of_fees(now)
    keep_in_step(now)


service = Service(
    name=SERVICE,
    title={"zh": "预约挂号", "en": "Hospital appointments"},
    help={"zh": "选医生和时间", "en": "Choose a doctor and a time"},
    icon="stethoscope",
    category="health",
    assurance=extension.assurance,
    resident=resident,
    api=api.blueprint,
    scopes={
        api.READ: _("read all clinic schedules in the city"),
        api.WRITE: _("push clinic schedules"),
    },
    landing="hospital_appointments.landing",
    desk=desk,
    desk_landing="hospital_appointments_desk.desk",
    measured=Measured(
        acts={"zh": "个号约成", "en": "booked appointments"},
        wait={"zh": "从约到看", "en": "from booking to the visit"},
        in_time={"zh": "没有停诊，按约的时间看", "en": "the clinic took place as booked"},
    ),
    settings=extension.settings,
    places=places_between,
    events=extension.events,
    unmet={ATTENDED: {"zh": "约了没去", "en": "the appointment was missed"}},
    datasets=(clinic_places, clinic_fees),
    connectors=extension.connectors,
    while_paused={
        "zh": "已约的号照常可看、可取消。",
        "en": "What is booked can still be seen and cancelled.",
    },
    keywords=(
        *("挂号", "看病", "看医生", "医院", "医生", "门诊", "预约", "专家号", "体检", "不舒服"),
        *("发烧", "发热", "感冒", "咳嗽", "头痛", "头疼", "头晕", "胸痛", "肚子疼"),
        *("牙疼", "牙痛", "看牙", "孩子", "小孩", "儿科", "产检", "孕检", "候补", "取消预约"),
        *("hospital", "doctor", "clinic", "appointment", "sick", "fever", "pain", "child"),
        *("headache", "toothache", "dentist", "pregnancy", "waiting list"),
    ),
    tasks=(
        Task(
            title={"zh": "找科室", "en": "Find a department"},
            icon="building-hospital",
            endpoint="hospital_appointments.landing",
            keywords=("科室", "症状", "symptom"),
        ),
        Task(
            title={"zh": "就诊人", "en": "Patients"},
            icon="users",
            endpoint="hospital_appointments.patients",
            keywords=("家人", "家属", "老人", "父母", "family"),
        ),
    ),
    dashboard=dashboard,
    search=_search,
    demo=demo.fill,
    attention=fhir_attention,
    probes={FHIR: probe_fhir},
    remarks=fhir_remarks,
    payable=payable,
    work={
        LAPSE: lapse,
        LAPSE_UNPAID: lapse_unpaid,
        OFFER: offer_free,
        REPORT: send_report,
        SETTLE: settle,
        SLOT_TAKEN: end_taken,
        SYNC: sync,
    },
    resting_benefits=resting_benefits,
    daily=_daily,
    unfinished=_unfinished,
    rateable=rateable,
    importer=import_schedule,
    acts={
        "hospital_appointments.book": _("Booked an appointment"),
        "hospital_appointments.cancel": _("Cancelled an appointment"),
        "hospital_appointments.lapse": _("Gave back a slot that was not paid for"),
        "hospital_appointments.paid_there": _("Noted a fee as paid at the hospital"),
        "hospital_appointments.wait": _("Joined a waiting list"),
        "hospital_appointments.patient": _("Changed a patient"),
        "hospital_appointments.close": _("Cancelled a clinic"),
        "hospital_appointments.taken": _("Ended a booking that the hospital could not take"),
        "hospital_appointments.reopen": _("Reinstated a clinic"),
        "hospital_appointments.attended": _("Marked as attended"),
        "hospital_appointments.no_show": _("Marked as missed"),
        "hospital_appointments.booked": _("Undid an attendance mark"),
        "hospital_appointments.import": _("Imported a schedule"),
    },
    keeps={
        "zh": "就诊人的姓名、电话和关系，直到你移除；预约会告诉医院。",
        "en": "Name, telephone and relation of those you book for, until you remove them. The "
        "hospital is told of each appointment.",
    },
)
