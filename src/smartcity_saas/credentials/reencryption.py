"""Re-encryption: with the present master key, of what an older one has encrypted."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from cryptography.exceptions import InvalidTag
from sqlalchemy import inspect, update

from smartcity_saas.credentials.keyring import Keyring
from smartcity_saas.database import transaction


def reencrypt_rows(
    keyring: Keyring,
    model: type[Any],
    column: str,
    rows: Iterable[tuple[Any, str, str, bytes]],
    *,
    only_try: bool = False,
) -> tuple[int, list[str]]:
    """Seal a column of the platform's rows anew; a value that was set meanwhile stays. Safe to be
    stopped and run again.

    Args:
        keyring: With the present master key, and older ones.
        model: Whose rows.
        column: The sealed column.
        rows: Of each its primary key, the place it is sealed for, what to call it, what is sealed.
        only_try: Write nothing; only find out.

    Returns:
        How many that is, and what those are called that no master key that we have opens.
    """
    count, failed, kept = 0, [], getattr(model, column)
    primary = inspect(model).primary_key[0]
    for key, place, called, before in rows:
        try:
            sealed = keyring.reencrypt_platform(place, before)
        except InvalidTag:
            failed.append(called)
            continue
        if sealed is None:
            continue
        count += 1
        if only_try:
            continue
        with transaction() as session:
            session.execute(
                update(model).where(primary == key, kept == before).values({column: sealed})
            )
    return count, failed
