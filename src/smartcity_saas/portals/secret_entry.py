"""Secrets that are entered anew on the page whose revision sends them elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from flask import request

from smartcity_saas.configuration.problems import MovedSecret, Problem
from smartcity_saas.credentials import check_secret, store_credential, store_province_secret
from smartcity_saas.identity.authorization import documents, signed_in_member
from smartcity_saas.product import product
from smartcity_saas.tenancy.context import tenant_context
from smartcity_saas.tenancy.current import current_time

PREFIX = "secret_"


def entered_secrets() -> dict[str, str]:
    """The secrets that the form brings, by name; empty fields are none.

    Raises:
        Invalid: One has an odd name or value.
    """
    typed = {
        key.removeprefix(PREFIX): value.strip()
        for key, value in request.form.items()
        if key.startswith(PREFIX) and value.strip()
    }
    for name, value in typed.items():
        check_secret(name, value)
    return typed


def keep_entered(document: str, typed: Mapping[str, str]) -> None:
    """Keep what was entered with a revision that is live by now, for the uses that it makes."""
    if not typed:
        return
    keyring, actor, now = (
        product().keyring,
        signed_in_member().actor,
        current_time(),
    )
    live, uses = documents().live(document), documents().secret_uses(document)
    for name, value in typed.items():
        if live.kind == "province":
            store_province_secret(keyring, actor, live.province or "", name, value, now, uses)
            continue
        with tenant_context(live.id):
            store_credential(keyring, actor, name, value, now, uses=uses)


def to_enter(problems: Sequence[Problem], document: str) -> dict[str, MovedSecret]:
    """The secrets of a document's own that would have to be entered anew, each with its problem."""
    moved = [one for one in problems if isinstance(one, MovedSecret) and one.owner == document]
    return {one.secret: one for one in moved}
