"""Who may do what on the console: one table, and the way from an account to an actor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _

from smartcity_saas.audit import PLATFORM_REACH, Actor

OPERATOR, PROVINCE_ADMIN, CITY_STAFF = "operator", "province_admin", "city_staff"

ROLE_NAMES: dict[str, Any] = {
    OPERATOR: _("Operator"),
    PROVINCE_ADMIN: _("Province admin"),
    CITY_STAFF: _("City staff"),
}

PERMISSIONS: dict[str, frozenset[str]] = {
    "city.audit": frozenset({OPERATOR, PROVINCE_ADMIN, CITY_STAFF}),
    "city.see": frozenset({OPERATOR, PROVINCE_ADMIN, CITY_STAFF}),
    "city.change": frozenset({OPERATOR, PROVINCE_ADMIN, CITY_STAFF}),
    "city.announce": frozenset({OPERATOR, PROVINCE_ADMIN, CITY_STAFF}),
    "city.desk": frozenset({OPERATOR, PROVINCE_ADMIN, CITY_STAFF}),
    "city.finance": frozenset({OPERATOR, PROVINCE_ADMIN, CITY_STAFF}),
    "city.state": frozenset({OPERATOR, PROVINCE_ADMIN}),
    "city.hosts": frozenset({OPERATOR}),
    "province.see": frozenset({OPERATOR, PROVINCE_ADMIN}),
    "province.change": frozenset({OPERATOR, PROVINCE_ADMIN}),
    "platform.see": frozenset({OPERATOR}),
    "platform.change": frozenset({OPERATOR}),
    "staff.manage": frozenset({OPERATOR}),
}
"""Permission → the roles that hold it. How far a role reaches is the actor's ``reach``."""


@dataclass(frozen=True)
class StaffMember:
    """Someone signed in on the console."""

    id: Any
    username: str
    name: str
    role: str
    province: str | None
    city: str | None
    demo: bool

    @property
    def actor(self) -> Actor:
        """This person as an actor, with the reach of the role."""
        reach = {
            OPERATOR: PLATFORM_REACH,
            PROVINCE_ADMIN: f"province:{self.province}",
            CITY_STAFF: f"city:{self.city}",
        }[self.role]
        held = frozenset(name for name, roles in PERMISSIONS.items() if self.role in roles)
        return Actor(f"staff:{self.username}", self.name, reach, held)

    def may(self, permission: str) -> bool:
        """Whether the role holds a permission. An unknown permission is held by nobody."""
        return self.role in PERMISSIONS.get(permission, frozenset())
