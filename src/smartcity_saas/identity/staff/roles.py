"""Who may do what on the console: one table of roles, and the way from an account to an actor."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from flask_babel import gettext
from flask_babel import lazy_gettext as _

from smartcity_saas.audit import PLATFORM_REACH, Actor
from smartcity_saas.tenancy.city_services import city_service, city_shown
from smartcity_saas.texts import Text
from smartcity_saas.web.languages import local

Place = Literal["platform", "province", "city"]

PERMISSIONS: Mapping[str, Any] = {
    "own": _("manage your own account"),
    "city.see": _("see a city's catalog, configuration and changes"),
    "city.catalog": _("open, pause and close services, and undo these changes"),
    "city.announce": _("publish announcements"),
    "city.scorecard": _("enter figures for the scorecard"),
    "city.change": _("change the rest of a city's configuration"),
    "city.desk": _("work at a service's counter: imports, lists and answers"),
    "city.counter": _("act for a resident at the counter"),
    "city.finance": _("handle payments, refunds and daily closing"),
    "city.audit": _("read the audit log"),
    "city.secrets": _("set a city's secrets and API clients"),
    "city.staff": _("invite and disable a city's accounts"),
    "city.state": _("take a city live, suspend it"),
    "city.hosts": _("give a city its own domains"),
    "province.see": _("see a province's cities"),
    "province.change": _("add cities and services, and change the baseline"),
    "province.staff": _("invite and disable a province's accounts"),
    "platform.see": _("see the whole platform"),
    "platform.change": _("change the platform's configuration"),
    "platform.staff": _("invite and disable any account"),
}
"""Every permission there is, in words."""

NEED_SECOND_FACTOR = frozenset({"city.finance", "city.staff", "city.secrets", "province.staff"})
"""Moving money, handing out accounts and setting secrets are not done on a password's word."""
_OF_A_CITY = frozenset(name for name in PERMISSIONS if name.startswith("city."))


@dataclass(frozen=True)
class Role:
    """What somebody may do at one kind of place.

    ``reads_all`` may see every page of the place and change nothing. ``per_service`` roles are held
    for one service each.
    """

    name: str
    title: Text
    place: Place
    permissions: frozenset[str]
    reads_all: bool = False
    per_service: bool = False

    @property
    def second_factor(self) -> bool:
        """Whether one is needed to come in: what the role may do says so, not its name."""
        return bool(self.permissions & NEED_SECOND_FACTOR)

    def reads(self, permission: str) -> bool:
        """Whether a permission's pages may be seen because everything may be."""
        return self.reads_all and permission in _OF_A_CITY


OPERATOR, PROVINCE_ADMIN, CITY_ADMIN = "operator", "province_admin", "city_admin"
CATALOG_EDITOR, DESK, FINANCE, AUDITOR = "catalog_editor", "desk", "finance", "auditor"

ROLES: Mapping[str, Role] = {
    found.name: found
    for found in (
        Role(OPERATOR, _("Operator"), "platform", frozenset(PERMISSIONS)),
        Role(
            PROVINCE_ADMIN,
            _("Province admin"),
            "province",
            _OF_A_CITY - {"city.hosts"}
            | {"own", "province.see", "province.change", "province.staff"},
        ),
        Role(
            CITY_ADMIN, _("City admin"), "city", _OF_A_CITY - {"city.state", "city.hosts"} | {"own"}
        ),
        Role(
            CATALOG_EDITOR,
            _("Catalog editor"),
            "city",
            frozenset({"own", "city.see", "city.catalog", "city.announce", "city.scorecard"}),
        ),
        Role(
            DESK,
            _("Counter staff"),
            "city",
            frozenset({"own", "city.see", "city.desk", "city.counter"}),
            per_service=True,
        ),
        Role(
            FINANCE,
            _("Finance"),
            "city",
            frozenset({"own", "city.see", "city.finance"}),
        ),
        Role(
            AUDITOR,
            _("Auditor"),
            "city",
            frozenset({"own", "city.see", "city.audit"}),
            reads_all=True,
        ),
    )
}
"""One table of who may do what; docs/roles.md is made of it."""


def split(held: str) -> tuple[Role | None, str | None]:
    """A role as an account holds it (``finance``, ``desk:traffic_tickets``): the role, and the
    service it is for."""
    name, _colon, service = held.partition(":")
    return ROLES.get(name), service or None


@dataclass(frozen=True)
class StaffMember:
    """Someone signed in on the console. ``roles`` as they are held, all at one place."""

    id: Any
    username: str
    name: str
    roles: tuple[str, ...]
    province: str | None
    city: str | None
    demo: bool

    @property
    def place(self) -> Place:
        """At what kind of place the roles are held."""
        return "city" if self.city else "province" if self.province else "platform"

    @property
    def document(self) -> str:
        """The document of that place, in whose audit log acts on the account stand."""
        return document_at(self.province, self.city)

    @property
    def title(self) -> str:
        """The roles in words."""
        return title_of(self.roles)

    @property
    def reach(self) -> str:
        """How far the roles reach, as ``Actor.reach``."""
        where = {"city": self.city, "province": self.province}.get(self.place)
        return f"{self.place}:{where}" if where else PLATFORM_REACH

    @property
    def actor(self) -> Actor:
        """This person as an actor, with the reach of the roles."""
        held = frozenset(name for name in PERMISSIONS if self.may(name))
        return Actor(f"staff:{self.username}", self.name, self.reach, held)

    def may(self, permission: str, *, service: str | None = None, reading: bool = False) -> bool:
        """Whether a role holds a permission. An unknown permission is held by nobody.

        Args:
            permission: The permission.
            service: The service whose page it is; a role that is held per service must be held
                for this one.
            reading: Nothing is changed, which is enough for whoever reads all of a city.
        """
        if permission not in PERMISSIONS:
            return False
        for held in self.roles:
            role, only = split(held)
            if role is None:
                continue
            if reading and role.reads(permission):
                return True
            if permission in role.permissions and (
                not role.per_service or service is None or service == only
            ):
                return True
        return False

    def services_with(self, permission: str) -> frozenset[str] | None:
        """The services for which a permission is held; None for all of them."""
        held = [split(one) for one in self.roles]
        found = [(role, only) for role, only in held if role and permission in role.permissions]
        if any(not role.per_service for role, _only in found):
            return None
        return frozenset(only for _role, only in found if only)


def document_at(province: str | None, city: str | None) -> str:
    """The name of the document of a place where accounts are."""
    return city or (f"province:{province}" if province else PLATFORM_REACH)


def title_of(roles: Iterable[str]) -> str:
    """Roles in words, in the reader's language."""
    found = [(role, only) for role, only in map(split, roles) if role is not None]
    return " · ".join(_desk(only) if only else str(role.title) for role, only in found)


def _desk(name: str) -> str:
    service = city_service(city_shown(), name)
    return str(gettext("Counter: %(service)s", service=local(service.title) if service else name))


def needs_second_factor(roles: Iterable[str]) -> bool:
    """Whether one of some roles may only be used with a second factor."""
    return any(role is not None and role.second_factor for role, _only in map(split, roles))
