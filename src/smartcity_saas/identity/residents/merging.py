"""Making one account of two, of the same person, who has just proved to be both."""

from __future__ import annotations

import uuid
from contextlib import suppress
from datetime import datetime

from flask_babel import lazy_gettext as _
from sqlalchemy import delete, inspect, select, update
from sqlalchemy.exc import IntegrityError

from smartcity_saas.audit import record
from smartcity_saas.database import CityModel, db, transaction
from smartcity_saas.database.models import Base
from smartcity_saas.errors import Conflict
from smartcity_saas.identity.residents.accounts import SignedInResident
from smartcity_saas.identity.residents.assurance import NAME_COLUMNS, blank_name, raise_level
from smartcity_saas.identity.residents.consents import MESSAGES, agrees, withdraw
from smartcity_saas.identity.residents.models import Resident, ResidentSession


def models_of_residents() -> list[type[CityModel]]:
    """Every kind of row that belongs to a resident: whatever has a ``resident_id``. A service
    that brings one need not say so."""
    return sorted(
        (
            mapper.class_
            for mapper in Base.registry.mappers
            if issubclass(mapper.class_, CityModel) and "resident_id" in mapper.columns
        ),
        key=lambda model: model.__tablename__,
    )


def merge(resident: SignedInResident, other_id: uuid.UUID, now: datetime) -> None:
    """Move everything of another account to a resident's, and close the other.

    A row that the resident has as well (the same account linked twice) goes; one that cannot go
    stays with the closed account, which counts as the resident's where they ask for their data.

    Raises:
        Conflict: One is closed by now, or they are two people's.
    """
    with transaction() as session:
        keys = sorted((resident.id, other_id))
        rows = {
            row.id: row
            for row in session.scalars(
                select(Resident)
                .where(Resident.id.in_(keys))
                .order_by(Resident.id)
                .with_for_update()
            )
        }
        mine, other = rows[resident.id], rows[other_id]
        if mine.closed_at is not None or other.closed_at is not None:
            raise Conflict(_("One of the two accounts has been closed."))
        if mine.number_index and other.number_index and mine.number_index != other.number_index:
            raise Conflict(
                _("These two accounts have different ID numbers, so they belong to two people.")
            )
        both_agree = agrees(mine.id, MESSAGES) and agrees(other.id, MESSAGES)
        session.execute(delete(ResidentSession).where(ResidentSession.resident_id == other_id))
        for model in models_of_residents():
            _move(model, other_id, resident.id)
        if mine.number_index is None and other.number_index is not None:
            taken = {name: getattr(other, name) for name in NAME_COLUMNS}
            blank_name(other)
            session.flush()  # the index is one account's at a time
            for name, value in taken.items():
                setattr(mine, name, value)
        blank_name(other)
        other.closed_at, other.merged_into, other.name = now, resident.id, ""
        if not both_agree:  # the stricter of the two stands
            withdraw(resident.id, MESSAGES, now)
        record(
            resident.actor,
            "resident.merge",
            f"resident:{resident.id}",
            {"other": str(other_id)},
            now,
        )
        session.flush()
        raise_level(resident.id)


def _move(model: type[CityModel], from_id: uuid.UUID, to_id: uuid.UUID) -> None:
    column = inspect(model).columns["resident_id"]
    keys = db.session.scalars(select(model.id).where(column == from_id)).all()
    for key in keys:
        try:
            with db.session.begin_nested():
                db.session.execute(
                    update(model).where(model.id == key).values({"resident_id": to_id})
                )
        except IntegrityError:  # the resident has the same already
            with suppress(IntegrityError), db.session.begin_nested():
                db.session.execute(delete(model).where(model.id == key))
