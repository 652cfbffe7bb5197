"""A message to somebody."""

from __future__ import annotations

from sqlalchemy import delete, select

from smartcity_saas.credentials.personal_encryption import seal_personal
from smartcity_saas.database import db, transaction
from smartcity_saas.identity.residents.consents import MESSAGES, give
from smartcity_saas.identity.residents.models import Resident, ResidentContact
from smartcity_saas.notifications import notify
from tests.support.world import World

TITLE = {"zh": "已缴 ¥1.00", "en": "Paid ¥1.00"}
BODY = {"zh": "收据可以查看了。", "en": "Your receipt is ready."}


def say(world: World, key: str = "k", **contacts: str) -> bool:
    world.resident()
    with world.inside("hangzhou"):
        resident = db.session.scalars(select(Resident)).one()
        with transaction() as session:
            session.execute(delete(ResidentContact))  # the sample resident's own
            for kind, address in contacts.items():
                session.add(
                    ResidentContact(
                        resident_id=resident.id,
                        kind=kind,
                        sealed=seal_personal(kind, address, world.clock()),
                        shown="x",
                        language="zh",
                        verified_at=None if address.startswith("no") else world.clock(),
                    )
                )
        give(resident.id, MESSAGES, world.clock())
        return notify(resident.id, key, TITLE, BODY, "/me", world.clock())
