"""Withdrawing a city that was set up by mistake, or a province's baseline: its slug, code and
hosts are free again, as if it had never been, but for the audit log."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _
from flask_babel import lazy_ngettext
from sqlalchemy import delete, func, select

from smartcity_saas.configuration.city import LiveDocument
from smartcity_saas.configuration.documents import Documents
from smartcity_saas.configuration.schema import CITY, PROVINCE
from smartcity_saas.credentials.models import ProvinceSecret
from smartcity_saas.database import db, transaction
from smartcity_saas.database.models import CityModel
from smartcity_saas.database.row_level_security import APPEND_ONLY
from smartcity_saas.errors import Conflict
from smartcity_saas.identity.residents.models import Resident
from smartcity_saas.identity.staff.models import PreviewLink, Staff, StaffInvitation
from smartcity_saas.measures import CityHour, CityMeasure, CityMeasureDay, MeasureEvent
from smartcity_saas.outbox.models import CityDue
from smartcity_saas.scorecard.models import CityScore
from smartcity_saas.tenancy.context import tenant_context
from smartcity_saas.tenancy.quota_use import QuotaUse

_COUNTED = (CityDue, MeasureEvent, CityMeasure, CityMeasureDay, CityHour, CityScore, QuotaUse)
"""The platform's rows of one city, which go with it."""


def withdraw(
    documents: Documents, name: str, based_on: int, message: str = "", *, now: datetime
) -> None:
    """Withdraw a city that has never had a resident, or a province with no city beneath it.

    What the city holds (imported rows, pictures, secrets) is deleted; its acts stay in the audit log.
    Its surrogate key is never used again.

    Args:
        documents: As whoever withdraws it.
        name: The document.
        based_on: The revision that it was decided on.
        message: Why.
        now: The time.

    Raises:
        NotFound: There is none, or it is beyond the actor's reach.
        NotAllowed: The actor may not change a city's state.
        StaleEdit: It has been changed since.
        Conflict: It has had a resident, a city stands beneath it, or somebody of the staff has an
            account there.
    """
    live = documents.live(name)
    documents.admit_withdrawal(live, based_on)
    _refuse_staff(live, now)
    if live.kind == CITY:
        _empty(live)
    with transaction() as session:
        if live.kind == CITY:
            for model in _COUNTED:
                session.execute(delete(model).where(model.city_id == live.id))
            session.execute(delete(PreviewLink).where(PreviewLink.document_id == live.id))
        if live.kind == PROVINCE:
            own = ProvinceSecret.province == live.province
            session.execute(delete(ProvinceSecret).where(own))
        documents.withdraw(live, based_on, message)


def rows_held(live: LiveDocument) -> dict[str, int]:
    """How many rows a withdrawal would delete, by table; of a baseline, its secrets alone."""
    if live.kind != CITY:
        own = ProvinceSecret.province == live.province
        counts = {ProvinceSecret.__tablename__: _count(ProvinceSecret, own)}
    else:
        with tenant_context(live.id):
            counts = {model.__tablename__: _count(model) for model in _models()}
    return {table: count for table, count in sorted(counts.items()) if count}


def _count(model: Any, *where: Any) -> int:
    return db.session.scalar(select(func.count()).select_from(model).where(*where)) or 0


def _refuse_staff(live: LiveDocument, now: datetime) -> None:
    place: Any = {
        model: model.city == live.name
        if live.kind == CITY
        else (model.province == live.province) & model.city.is_(None)
        for model in (Staff, StaffInvitation)
    }
    accounts = db.session.scalar(
        select(func.count()).where(place[Staff], Staff.disabled_at.is_(None))
    )
    invited = db.session.scalar(
        select(func.count()).where(
            place[StaffInvitation],
            StaffInvitation.ended_at.is_(None),
            StaffInvitation.expires_at > now,
        )
    )
    if accounts or invited:
        raise Conflict(
            lazy_ngettext(
                "%(num)s staff account or invitation belongs to it. Disable the account or revoke the invitation first.",
                "%(num)s staff accounts or invitations belong to it. Disable the accounts and revoke the invitations first.",
                (accounts or 0) + (invited or 0),
            ),
            title=_("You cannot remove this"),
        )


def _empty(live: LiveDocument) -> None:
    """Delete every row of a city that no resident has ever been in, children before parents.

    Raises:
        Conflict: It has had a resident, who may have left since.
    """
    with tenant_context(live.id), transaction() as session:
        if session.scalar(select(func.count()).select_from(Resident)):
            raise Conflict(
                _(
                    "%(city)s has had residents, so you cannot remove it. Suspend it instead.",
                    city=live.name,
                ),
                title=_("You cannot remove this"),
            )
        for model in _models():
            session.execute(delete(model))


def _models() -> list[type[CityModel]]:
    """Every model of a city whose rows may be deleted, children before parents."""
    found = {mapper.local_table: mapper.class_ for mapper in CityModel.registry.mappers}
    tables = [table for table in reversed(CityModel.metadata.sorted_tables) if table in found]
    return [
        found[table]
        for table in tables
        if issubclass(found[table], CityModel) and table.name not in APPEND_ONLY
    ]
