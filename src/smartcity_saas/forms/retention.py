"""How long applications are kept: drafts for a while after they were saved last, what is finished as
long as its form says."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, select

from smartcity_saas.audit import record, system
from smartcity_saas.clock import today_in
from smartcity_saas.database import transaction
from smartcity_saas.forms.models import (
    Application,
    ApplicationEvent,
    ApplicationFile,
    ApplicationPaper,
)
from smartcity_saas.forms.names import APPLICATIONS
from smartcity_saas.tenancy.current import current_city

MOST_AT_ONCE = 500


def erase_expired(now: datetime) -> None:
    """Erase applications that are not kept any longer: a task of the day. A draft whose fee was paid
    stays until it is sent."""
    today = today_in(current_city().timezone, now)
    query = (
        select(Application.id)
        .where(Application.erase_on < today)
        .order_by(Application.id)
        .limit(MOST_AT_ONCE)
        .with_for_update()
    )
    left = True
    while left:
        with transaction() as session:
            keys = list(session.scalars(query))
            forget(keys)
            if left := bool(keys):
                erased = {"count": len(keys)}
                record(system(APPLICATIONS), f"{APPLICATIONS}.erase", APPLICATIONS, erased, now)


def forget(keys: Sequence[uuid.UUID]) -> None:
    """Delete applications with all that belongs to them, in the caller's transaction."""
    with transaction() as session:
        for model in (ApplicationEvent, ApplicationFile, ApplicationPaper):
            session.execute(delete(model).where(model.application_id.in_(keys)))
        session.execute(delete(Application).where(Application.id.in_(keys)))
