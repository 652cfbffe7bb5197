"""A city's secrets: which are there, what they are for, whether they work. Never a value."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import redirect, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _

from smartcity_saas.credentials import (
    CredentialError,
    credentials,
    remove_credential,
    store_credential,
    usable_secrets,
)
from smartcity_saas.errors import Conflict, Invalid
from smartcity_saas.identity.authorization import documents, signed_in_member
from smartcity_saas.payments.probes import Use, probe, uses_of
from smartcity_saas.portals.city.blueprint import ROOT, blueprint, shell
from smartcity_saas.product import product
from smartcity_saas.tenancy.context import tenant_context
from smartcity_saas.tenancy.current import city_by_slug, current_time

SECRETS = f"{ROOT}/secrets"
OVERLAPS = (0, 1, 24, 72)


@blueprint.page(SECRETS, permission="city.secrets")
def secrets(city: str) -> ResponseReturnValue:
    """Every secret with what it is for, and those that a document names and nobody has set."""
    return _page(city)


@blueprint.page(SECRETS, permission="city.secrets", methods=("POST",))
def set_secret(city: str) -> ResponseReturnValue:
    """Keep a secret, in place of the one of that name; try it at once where that is possible."""
    served, now = city_by_slug(city), current_time()
    name, value = (request.form.get(key, "").strip() for key in ("name", "secret"))
    hours, actor = request.form.get("overlap", 0, int), signed_in_member().actor
    overlap = hours if hours in OVERLAPS else 0
    try:
        with tenant_context(served.id):
            store_credential(
                product().keyring,
                actor,
                name,
                value,
                now,
                overlap=timedelta(hours=overlap),
            )
            probe(served, name, now)
        documents().touch_content(city)  # whether fees are paid ahead stands on pages for everyone
    except Invalid as error:
        return _page(city, name=name, overlap=overlap, errors=error.by_field("name")), 422
    except CredentialError as error:
        return _page(city, name=name, overlap=overlap, errors={"": error.detail}), 422
    return redirect(f"/cities/{city}/secrets?done={name}")


@blueprint.page(f"{SECRETS}/<name>/probe", permission="city.secrets", methods=("POST",))
def probe_secret(city: str, name: str) -> ResponseReturnValue:
    """Ask the other side whether it works."""
    served = city_by_slug(city)
    with tenant_context(served.id):
        probe(served, name, current_time())
    return redirect(f"/cities/{city}/secrets")


@blueprint.page(f"{SECRETS}/<name>/remove", permission="city.secrets", methods=("POST",))
def remove_secret(city: str, name: str) -> ResponseReturnValue:
    """Forget a secret that no document names."""
    served = city_by_slug(city)
    if any(use.name == name for use in uses_of(served)):
        raise Conflict(_("A configuration still uses this secret. Remove it there first."))
    actor = signed_in_member().actor
    with tenant_context(served.id):
        remove_credential(actor, name, current_time())
    return redirect(f"/cities/{city}/secrets")


def _page(city: str, **values: Any) -> str:
    values = {"name": "", "overlap": 0, "errors": {}, **values}
    served = city_by_slug(city)
    uses: dict[str, list[Use]] = {}
    for use in uses_of(served):
        uses.setdefault(use.name, []).append(use)
    with tenant_context(served.id):
        rows, usable = credentials(), usable_secrets()
    return render_template(
        "city/secrets.html",
        rows=rows,
        uses=uses,
        usable=usable,
        missing=sorted(set(uses) - {row.name for row in rows}),
        overlaps=OVERLAPS,
        done=request.args.get("done"),
        now=current_time(),
        **values,
        **shell(city),
    )
