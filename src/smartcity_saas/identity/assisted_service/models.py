"""Who of the staff has seen or acted for which resident."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import Index
from sqlalchemy.orm import Mapped

from smartcity_saas.database import CityModel, city_foreign_key
from smartcity_saas.identity.personal_data.declaration import TRACE, WHEN, PersonalData


class ResidentAccess(CityModel):
    """A member of staff has seen a resident's data, or acted for them at the counter: on which page,
    and why. ``service`` is the page's, ``subject`` the number of the thing that the page was about;
    None for a page of no service, or about no single thing."""

    __tablename__ = "resident_access"
    personal_data = PersonalData(
        {"zh": "谁看过我的数据", "en": "Who looked at my data"},
        {
            "at": WHEN,
            "page": {"zh": "内容", "en": "What"},
            "actor": {"zh": "工作人员账号", "en": "Staff account"},
        },
        "keep",
        why=TRACE,
    )
    __table_args__ = (
        city_foreign_key("resident_id", "resident"),
        Index("ix_resident_access_city_id_resident_id_at", "city_id", "resident_id", "at"),
    )

    resident_id: Mapped[uuid.UUID]
    at: Mapped[datetime]
    actor: Mapped[str]
    page: Mapped[str]
    reason: Mapped[str]
    service: Mapped[str | None]
    subject: Mapped[str | None]
