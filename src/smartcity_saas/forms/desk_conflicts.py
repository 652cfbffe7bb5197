"""Nobody decides their own: who of the staff has a part in an application, and so is refused it.

The product keeps no link between a resident's account and one of the staff's, and cannot tell that
they are one person. What it knows is what was done at the counter: every request that an account has
sent there as the resident is noted (``ResidentAccess``). Who has sent any since the application was
begun has filled it in with the resident, or could have.
"""

from __future__ import annotations

from flask_babel import lazy_gettext as _
from sqlalchemy import select

from smartcity_saas.audit import Actor
from smartcity_saas.database import db
from smartcity_saas.errors import NotAllowed
from smartcity_saas.forms.models import Application
from smartcity_saas.identity.assisted_service.access_log import SENT
from smartcity_saas.identity.assisted_service.models import ResidentAccess


def has_part(row: Application, actor: Actor) -> bool:
    """Whether a member of staff has acted for an application's resident at the counter since it was
    begun."""
    query = select(ResidentAccess.id).where(
        ResidentAccess.resident_id == row.resident_id,
        ResidentAccess.actor == actor.name,
        ResidentAccess.page.startswith(SENT),
        ResidentAccess.at >= row.created_at,
    )
    return db.session.scalars(query.limit(1)).first() is not None


def refuse_own(row: Application, actor: Actor) -> None:
    """Refuse whoever has a part in an application.

    Raises:
        NotAllowed: The actor has acted for its resident.
    """
    if has_part(row, actor):
        raise NotAllowed(
            _(
                "You have acted for this resident at the counter, so somebody else decides %(number)s. Ask a colleague.",
                number=row.number,
            )
        )
