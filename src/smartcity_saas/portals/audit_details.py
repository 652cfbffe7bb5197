"""What stands beside an act of an audit log, in words that staff read in their language."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _

from smartcity_saas.audit import AuditEvent, CityAuditEvent
from smartcity_saas.configuration.merge import is_text
from smartcity_saas.identity.staff.roles import title_of
from smartcity_saas.portals.change_labels import HELD_REASONS, REFUND_FAILURES
from smartcity_saas.tenancy.city_services import city_service, city_shown
from smartcity_saas.web.languages import local
from smartcity_saas.web.money import format_money

DETAILS: dict[str, Any] = {
    "added": _("Added"),
    "amount": _("Amount"),
    "appointments": _("Appointments"),
    "by": _("By"),
    "category": _("Category"),
    "changed": _("Changed"),
    "city": _("City"),
    "count": _("Number"),
    "department": _("Department"),
    "differences": _("Differences"),
    "edition": _("Standard"),
    "faults": _("Errors"),
    "holders_changed": _("Holders changed"),
    "host": _("Domain"),
    "into": _("Merged into"),
    "message": _("Why"),
    "name": _("Name"),
    "photos": _("Photographs"),
    "number": _("Number"),
    "other": _("Other account"),
    "overlap": _("The value before stays good for a while"),
    "paid_differs": _("Differs from what was paid"),
    "reason": _("Why"),
    "renew": _("For an account that is there already"),
    "revision": _("Revision"),
    "roles": _("Roles"),
    "rules": _("Version of the rules"),
    "scopes": _("Permissions"),
    "service": _("Service"),
    "title": _("Title"),
}
UNSAID = ("currency", "holds", "sha256")
"""The one stands with its amount; the other is the document's mark, for a check of the chain."""
_PARTS: dict[str, Any] = {
    "name": _("Name"),
    "relation": _("Relation"),
    "phone": _("Phone"),
}


def detail_words(event: AuditEvent | CityAuditEvent) -> list[tuple[str, str]]:
    """Each detail of an act with its value; empty for one that its label says already. A key that
    has no words stands as it is."""
    return [
        (str(DETAILS.get(key, key)), _value(key, value, event.detail))
        for key, value in event.detail.items()
        if value and key not in UNSAID
    ]


def _value(key: str, value: Any, detail: dict[str, Any]) -> str:
    if value is True:
        return ""
    if is_text(value):
        return local(value)
    if isinstance(value, list):
        return title_of(value) if key == "roles" else ", ".join(map(_part, value))
    if key == "amount" and "currency" in detail:
        return format_money(value, detail["currency"])
    if key == "service":
        service = city_service(city_shown(), value)
        return local(service.title) if service else str(value)
    if key == "reason":
        return str(HELD_REASONS.get(value) or REFUND_FAILURES.get(value) or value)
    return str(value)


def _part(name: Any) -> str:
    return str(_PARTS.get(name, name))
