"""What differs between two versions of a city's rules, in sentences for its residents."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from flask_babel import lazy_gettext as _
from flask_babel import lazy_ngettext

from smartcity_saas.configuration.city import Localized
from smartcity_saas.web.languages import local

Settings = Mapping[str, Any]


def rule_changes(before: Settings, after: Settings, kinds: Mapping[str, Localized]) -> list[Any]:
    """Each difference as a sentence, in the order of the newer rules, then what is gone.

    Args:
        before: Settings of the service as the older rules had them; empty where nobody knows them.
        after: As the newer have them.
        kinds: The names of events.
    """
    if not before:
        return []
    return [
        *_source_changes(before, after, kinds),
        *_named_changes(before, after),
        *_appeal_changes(before, after),
    ]


def _source_changes(
    before: Settings, after: Settings, kinds: Mapping[str, Localized]
) -> Iterator[Any]:
    old, new = _sources(before), _sources(after)
    for key, one in new.items():
        name = local(_title(key, one, kinds))
        was = old.get(key)
        if was is None:
            yield _("New: %(source)s. Nothing of it counts until you agree.", source=name)
            continue
        if _title(key, was, kinds) != _title(key, one, kinds):
            yield _(
                "“%(before)s” is now “%(source)s”. Nothing new of it counts until you agree.",
                before=local(_title(key, was, kinds)),
                source=name,
            )
        if was["expires"] != one["expires"]:
            yield lazy_ngettext(
                "%(source)s: an entry is now kept for %(num)s month. Nothing new of it counts until "
                "you agree.",
                "%(source)s: an entry is now kept for %(num)s months. Nothing new of it counts until "
                "you agree.",
                one["expires"],
                source=name,
            )
        if [was.get(one_key, 1) for one_key in ("adds", "per", "cap")] != [
            one.get(one_key, 1) for one_key in ("adds", "per", "cap")
        ]:
            yield _("%(source)s: what it adds has changed.", source=name)
    for key, was in old.items():
        if key not in new:
            yield _("%(source)s counts no longer.", source=local(_title(key, was, kinds)))


def _named_changes(before: Settings, after: Settings) -> Iterator[Any]:
    old, new = _by(before, "levels", "level"), _by(after, "levels", "level")
    for key, one in new.items():
        was = old.get(key)
        if was is None or was["at_least"] != one["at_least"]:
            yield lazy_ngettext(
                "The level “%(level)s” now begins at %(num)s point.",
                "The level “%(level)s” now begins at %(num)s points.",
                one["at_least"],
                level=local(one["name"]),
            )
    for key, was in old.items():
        if key not in new:
            yield _("There is no level “%(level)s” any more.", level=local(was["name"]))
    yield from _benefit_changes(before, after, new)


def _benefit_changes(before: Settings, after: Settings, levels: Settings) -> Iterator[Any]:
    old, new = _by(before, "benefits", "benefit"), _by(after, "benefits", "benefit")
    for key, one in new.items():
        if key not in old or old[key]["level"] != one["level"]:
            yield _(
                "“%(benefit)s” now holds from the level “%(level)s”.",
                benefit=local(one["name"]),
                level=local(levels[one["level"]]["name"]),
            )
        elif any(old[key].get(term) != one.get(term) for term in ("kind", "days", "limit")):
            yield _("“%(benefit)s”: its terms have changed.", benefit=local(one["name"]))
    for key, was in old.items():
        if key not in new:
            yield _("“%(benefit)s” is no longer offered.", benefit=local(was["name"]))


def _appeal_changes(before: Settings, after: Settings) -> Iterator[Any]:
    if before.get("appeal_days") != after.get("appeal_days"):
        yield lazy_ngettext(
            "An appeal is now answered within %(num)s working day.",
            "An appeal is now answered within %(num)s working days.",
            after["appeal_days"],
        )


def _sources(settings: Settings) -> dict[str, Any]:
    return {one.get("event") or one["imported"]: one for one in settings.get("sources", ())}


def _by(settings: Settings, part: str, key: str) -> dict[str, Any]:
    return {one[key]: one for one in settings.get(part, ())}


def _title(key: str, one: Mapping[str, Any], kinds: Mapping[str, Localized]) -> Localized:
    return one.get("name") or kinds.get(key) or {"zh": key, "en": key}
