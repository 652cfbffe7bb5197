"""A city's API clients: its back offices, with what each may do. A secret is shown once."""

from __future__ import annotations

from typing import Any

from flask import redirect, render_template, request
from flask.typing import ResponseReturnValue

from smartcity_saas.errors import Invalid
from smartcity_saas.identity.api_clients import clients as domain
from smartcity_saas.identity.authorization import signed_in_member
from smartcity_saas.portals.city.blueprint import ROOT, blueprint, shell
from smartcity_saas.tenancy.context import tenant_context
from smartcity_saas.tenancy.current import city_by_slug, current_time

CLIENTS = f"{ROOT}/clients"


@blueprint.page(CLIENTS, permission="city.secrets")
def clients(city: str) -> ResponseReturnValue:
    """Every client, and the form for a new one."""
    return _page(city)


@blueprint.page(CLIENTS, permission="city.secrets", methods=("POST",))
def create_client(city: str) -> ResponseReturnValue:
    """Make a client; its secret is on this page and never again."""
    actor, scopes = signed_in_member().actor, request.form.getlist("scopes")
    name = request.form.get("name", "")
    try:
        with tenant_context(city_by_slug(city).id):
            made = domain.create_client(actor, name, scopes, current_time())
    except Invalid as error:
        return _page(city, name=name, chosen=scopes, errors=error.by_field()), 422
    return _page(city, made=made)


@blueprint.page(f"{CLIENTS}/<client_id>/rotate", permission="city.secrets", methods=("POST",))
def rotate_client(city: str, client_id: str) -> ResponseReturnValue:
    """A new secret; the one before is good for another day."""
    actor = signed_in_member().actor
    with tenant_context(city_by_slug(city).id):
        made = domain.rotate_secret(actor, client_id, current_time())
    return _page(city, made=made)


@blueprint.page(f"{CLIENTS}/<client_id>/revoke", permission="city.secrets", methods=("POST",))
def revoke_client(city: str, client_id: str) -> ResponseReturnValue:
    """Close a client, at once."""
    actor = signed_in_member().actor
    with tenant_context(city_by_slug(city).id):
        domain.revoke_client(actor, client_id, current_time())
    return redirect(f"/cities/{city}/clients")


def _page(city: str, **values: Any) -> str:
    values = {"made": None, "name": "", "chosen": [], "errors": {}, **values}
    with tenant_context(city_by_slug(city).id):
        rows = domain.clients()
    return render_template(
        "city/clients.html",
        rows=rows,
        scopes=domain.known_scopes(),
        **values,
        **shell(city),
    )
