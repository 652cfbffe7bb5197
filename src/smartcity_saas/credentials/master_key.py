"""Which master key a database belongs to: its mark is kept, and another key is refused.

What one key has sealed no other opens, so a process with a stray key would seal what is lost with
it. While the key is being changed, the marks of those before stay too, until all that they have
sealed has been sealed anew.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, select

from smartcity_saas.configuration.models import Installation
from smartcity_saas.credentials.keyring import Keyring
from smartcity_saas.database import run, table_of, transaction
from smartcity_saas.errors import SettingsError
from smartcity_saas.tenancy.context import without_tenant

ANOTHER = (
    "This SMARTCITY_MASTER_KEY is not the one of this database, and would seal what is lost with it. "
    "Set the one that it is served with. To change it on purpose, set that one as "
    "SMARTCITY_OLD_MASTER_KEY beside the new one."
)
UNFINISHED = (
    "The change of the master key is not finished. Set the one before as SMARTCITY_OLD_MASTER_KEY as "
    "well, and run `smartcity secrets rotate-master`."
)

_installation = table_of(Installation)
_STORED = select(_installation.c.master_mark, _installation.c.older_marks).where(
    _installation.c.id == 1
)


def admit_master_key(keyring: Keyring) -> None:
    """Let a process start: the first key of a database becomes its own, and so does a new one beside
    the one before, which begins a change of keys. A process without any seals nothing.

    Raises:
        SettingsError: The key is another one's.
    """
    if not keyring.can_seal or _admitted(keyring, run(_STORED).one_or_none()) == keyring.mark:
        return
    with transaction() as session:
        row = session.get(Installation, 1, with_for_update=True)
        before = _admitted(keyring, row)
        if row is not None:
            known = keyring.marks & {*row.older_marks, *([before] if before else [])}
            row.older_marks = sorted(known - {keyring.mark})
            row.master_mark = keyring.mark


def refuse_stray_key(keyring: Keyring) -> None:
    """Stop before anything is sealed with a key that is not, or no longer, the database's.

    Raises:
        SettingsError: It is another one's.
    """
    with without_tenant():
        found = _admitted(keyring, run(_STORED).one_or_none())
    if found not in (None, keyring.mark):
        raise SettingsError(ANOTHER)


def finish_change_of_keys(keyring: Keyring) -> None:
    """Forget the keys before: nothing that they have sealed is left."""
    with transaction() as session:
        row = session.get(Installation, 1, with_for_update=True)
        if row is not None and row.master_mark == keyring.mark:
            row.older_marks = []


def _admitted(keyring: Keyring, row: Installation | Row[Any] | None) -> str | None:
    """The mark of the database's present key, None if it has none yet.

    Raises:
        SettingsError: The keyring does not open what the database holds. Before the first start only
            what an upgrade has found is known: one of those keys will do.
    """
    if row is None:
        return None
    if row.master_mark is None:
        if row.older_marks and keyring.marks.isdisjoint(row.older_marks):
            raise SettingsError(ANOTHER)
        return None
    if row.master_mark not in keyring.marks:
        raise SettingsError(ANOTHER)
    if not keyring.marks.issuperset(row.older_marks):
        raise SettingsError(UNFINISHED)
    return row.master_mark
