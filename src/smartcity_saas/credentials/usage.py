"""When a secret was last used: noted in memory, written once an hour at most, after the work."""

from __future__ import annotations

from datetime import datetime, timedelta
from threading import Lock

from sqlalchemy import update

from smartcity_saas.credentials.models import Credential
from smartcity_saas.database import transaction
from smartcity_saas.tenant_context import current_city_id

EVERY = timedelta(hours=1)

_used: set[tuple[int, str]] = set()
_written: dict[tuple[int, str], datetime] = {}
_lock = Lock()


def note_use(name: str) -> None:
    """Remember that a secret of the current city was read."""
    with _lock:
        _used.add((current_city_id(), name))


def write_uses(now: datetime) -> None:
    """Write what was used in the current city, unless it was written within the hour."""
    here = current_city_id()
    with _lock:
        mine = {key for key in _used if key[0] == here}
        _used.difference_update(mine)
        due = [
            name
            for city, name in mine
            if (city, name) not in _written or now - _written[city, name] >= EVERY
        ]
        _written.update({(here, name): now for name in due})
    if not due:
        return
    with transaction() as session:
        session.execute(update(Credential).where(Credential.name.in_(due)).values(used_at=now))


def forget_uses() -> None:
    """Forget what was noted and written, as a new process has."""
    with _lock:
        _used.clear()
        _written.clear()
