"""The readiness list: what a city's site needs before residents come, each with its answer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

from flask_babel import lazy_gettext as _

from smartcity_saas.configuration.city import City
from smartcity_saas.configuration.secret_uses import SecretUse
from smartcity_saas.credentials import credentials
from smartcity_saas.tenancy.context import tenant_context
from smartcity_saas.texts import Text


@dataclass(frozen=True)
class Check:
    """One line of the list; ``blocks`` what must be put right before going live. ``text`` says
    what is fine, or what is wrong: no words stand for both."""

    fits: bool
    text: Text
    blocks: bool = True

    @classmethod
    def of(cls, fits: bool, fine: Text, wrong: Text, *, blocks: bool = True) -> Self:
        """A line with the words of its answer: ``fine`` or ``wrong``."""
        return cls(fits, fine if fits else wrong, blocks)


def site_checks(city: City | None) -> list[Check]:
    """What any site needs, as it is served or as it would be; None where it cannot be yet."""
    if city is None:  # nothing can be said of it before the rest is put right
        return []
    opened = any(entry.is_open for entry in city.catalog.values())
    return [
        Check.of(
            opened,
            _("At least one service is open"),
            _("No service is open: open one under Services"),
        ),
        Check.of(
            "hotline" in city.site,
            _("Hotline and privacy page"),
            _("No hotline: enter it under site.hotline. The privacy page needs it"),
        ),
        Check.of(
            bool(city.site.get("icp")),
            _("ICP filing number"),
            _("No ICP filing number: enter it under site.icp"),
            blocks=False,
        ),
    ]


def secret_checks(city: City, *, stored: bool = True) -> Iterator[Check]:
    """Every secret that the city's documents name: set, and found to work where that could be
    asked. Without ``stored`` the city is still to be made, and none is set."""
    rows = {}
    if stored:
        with tenant_context(city.id):
            rows = {row.name: row for row in credentials()}
    usable = {SecretUse(row.name, *place) for row in rows.values() for place in row.bound_to}
    paying = {use.name for use in city.secret_uses if use.pays}
    for name in sorted({use.name for use in city.secret_uses}):
        row = rows.get(name)
        if row is None and name in paying:
            missing = _("Secret “%(name)s” is not set: nobody can pay online yet", name=name)
            yield Check(False, missing, blocks=False)
        elif row is None:
            yield Check(False, _("Secret “%(name)s” is not set", name=name), blocks=False)
        elif any(use.name == name and use not in usable for use in city.secret_uses):
            elsewhere = _(
                "Secret “%(name)s” was entered for another use: enter it again", name=name
            )
            yield Check(False, elsewhere, blocks=False)
        elif row.probe_ok is None:
            yield Check(True, _("Secret “%(name)s” is set but not tested", name=name), blocks=False)
        elif row.probe_ok:
            yield Check(True, _("Secret “%(name)s” works", name=name), blocks=False)
        else:
            yield Check(False, _("Secret “%(name)s” does not work", name=name), blocks=False)
