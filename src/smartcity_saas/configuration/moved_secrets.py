"""Refusing a document that would send a stored secret where it was not entered for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from smartcity_saas.configuration.extensions import BoundTo
from smartcity_saas.configuration.problems import MovedSecret, Path, path_of, some
from smartcity_saas.configuration.secret_uses import SecretUse
from smartcity_saas.configuration.yaml_source import Source
from smartcity_saas.texts import lazy_gettext as _


def payment_secret_problems(uses: Sequence[SecretUse]) -> list[tuple[Path, Any, Any]]:
    """Path, message and hint of every place that names a payment account's secret and takes no
    payments, stored or not."""
    paying = {use.name for use in uses if use.pays}
    return [
        (
            path_of(use.path),
            _(
                "“%(name)s” is a payments secret. It cannot be used for anything else.",
                name=use.name,
            ),
            _("Use a separate secret here."),
        )
        for use in uses
        if use.name in paying and not use.pays
    ]


def moved_secrets(
    source: Source,
    owner: str,
    new: Collection[SecretUse],
    bound: Callable[[], Mapping[str, BoundTo]],
    entered: Collection[str],
) -> list[MovedSecret]:
    """Every new use of a secret that is stored and was entered for others.

    Args:
        source: The document that makes the uses.
        owner: The city, or the province, whose secrets they are.
        new: The uses that it adds or alters.
        bound: Tells what its stored secrets were entered for; asked only where that matters.
        entered: Those that are entered anew with it.
    """
    asked = [use for use in sorted(new) if use.name not in entered]
    stored = bound() if asked else {}
    return [
        _moved(source, owner, use, stored[use.name])
        for use in asked
        if use.name in stored and (use.path, use.destination) not in stored[use.name]
    ]


def told_once(moved: Iterable[MovedSecret]) -> list[MovedSecret]:
    """What a baseline does to many cities' secrets, one problem for each use of it."""
    alike: dict[tuple[str, str], list[MovedSecret]] = defaultdict(list)
    for found in moved:
        alike[found.pointer, found.secret].append(found)
    return [_of_cities(each) for each in alike.values()]


def _moved(source: Source, owner: str, use: SecretUse, before: BoundTo) -> MovedSecret:
    said = ", ".join(str(SecretUse(use.name, *place)) for place in sorted(before))
    place = source.problem(path_of(use.path), "")
    goes = f" --to '{use.destination}'" if use.destination else ""
    return MovedSecret(
        place.path,
        place.line,
        place.column,
        place.pointer,
        _(
            "This would send the secret “%(name)s” to %(here)s. It was entered for %(before)s.",
            name=use.name,
            here=str(use),
            before=said or "—",
        ),
        _(
            "To use it here, enter it again: on the configuration page, or by running %(command)s.",
            command=f"smartcity secrets set {owner} {use.name} --for {use.path}{goes}",
        ),
        use.name,
        owner,
    )


def _of_cities(found: Sequence[MovedSecret]) -> MovedSecret:
    shown = some([one.owner for one in found])
    return replace(
        found[0],
        message=_("%(cities)s: %(message)s", cities=shown, message=found[0].message),
        hint=_(
            "Use a name that no city has a secret for yet. Each city then enters its own secret under that name."
        ),
        owner="",
    )
