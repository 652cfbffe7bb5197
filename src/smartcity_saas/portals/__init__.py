"""The four portals, and the services' pages beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from flask import Flask

from smartcity_saas.catalog.service import Service
from smartcity_saas.identity.staff.roles import StaffMember
from smartcity_saas.portals.audit_details import detail_words
from smartcity_saas.portals.change_labels import (
    DIFFERENCES,
    METHOD_NAMES,
    PAYMENT_STATES,
    act_label,
    actor_label,
    brand_of,
    change_label,
    change_value,
    ledger_label,
    shown_changes,
)
from smartcity_saas.portals.city import blueprint as city
from smartcity_saas.portals.console import blueprint as console
from smartcity_saas.portals.index import blueprint as index
from smartcity_saas.portals.offered_forms import offered
from smartcity_saas.portals.operator import blueprint as operator
from smartcity_saas.portals.province import blueprint as province
from smartcity_saas.portals.resident import blueprint as resident
from smartcity_saas.product import product
from smartcity_saas.ratings.models import LEVEL_NAMES
from smartcity_saas.web.form_errors import named_faults
from smartcity_saas.web.stacked_tables import labelled


def register_portals(app: Flask, parts: Sequence[Service]) -> None:
    """Register every page of the product."""
    for blueprint in (resident, console, city, province, operator, index):
        app.register_blueprint(blueprint)
    app.jinja_env.filters.update(labelled=labelled, named_faults=named_faults, offered=offered)
    app.jinja_env.filters["method_name"] = lambda name: METHOD_NAMES.get(name, name)
    app.jinja_env.filters["ledger_label"] = ledger_label
    app.jinja_env.globals.update(
        act_label=act_label,
        actor_label=actor_label,
        brand_of=brand_of,
        change_label=change_label,
        change_value=change_value,
        shown_changes=shown_changes,
        detail_words=detail_words,
        payment_states=PAYMENT_STATES,
        rating_levels=LEVEL_NAMES,
        differences=DIFFERENCES,
        desks=desks,
        shared_desks=shared_desks,
    )
    for part in parts:
        for pages in (part.resident, *part.protocols):
            app.register_blueprint(pages)
        if part.desk is not None:
            app.register_blueprint(part.desk)


def desks(services: Mapping[str, Service]) -> list[Service]:
    """The services that have a desk, of some by name."""
    return [service for service in services.values() if service.desk is not None]


def shared_desks(services: Mapping[str, Service], member: StaffMember) -> list[Service]:
    """What the services of a kind share whose desks are one room, wherever some services have one of the
    kind at whose desk a member of staff may be."""
    return [
        kind.shared
        for kind in product().kinds.values()
        if kind.shared.desk is not None
        and any(
            one.resident is kind.shared.resident
            and member.may("city.desk", service=one.name, reading=True)
            for one in services.values()
        )
    ]
