"""Tasks that were given up and wait for staff."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import func, select

from smartcity_saas.attention import Attention, Urgency
from smartcity_saas.database import CITY, run, table_of
from smartcity_saas.outbox.models import OutboxTask
from smartcity_saas.texts import lazy_gettext as _
from smartcity_saas.texts import lazy_ngettext

_task = table_of(OutboxTask)
_FAILED = select(func.count(), func.min(_task.c.failed_at)).where(
    _task.c.city_id == CITY, _task.c.failed_at.is_not(None)
)


def failed_attention(now: datetime) -> Iterator[Attention]:
    """The tasks of the current city that were given up, in one row."""
    number, since = run(_FAILED).one()
    if number:
        yield Attention(
            kind="outbox.failed",
            title=lazy_ngettext("%(num)s task failed", "%(num)s tasks failed", number),
            detail=_("Messages, payments or reports that did not go through. Try them again."),
            icon="alert-triangle",
            page="payments",
            permission="city.finance",
            urgency=Urgency.FAILED,
            number=number,
            since=since,
        )
