"""How staff of a province sign in by its own OpenID provider: switched on and off, tried, seen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import redirect, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _

from smartcity_saas.configuration.problems import MovedSecret, Path, Problem
from smartcity_saas.configuration.states import CONNECTION_STATES
from smartcity_saas.credentials import check_secret, province_secrets
from smartcity_saas.errors import Conflict, Invalid, SmartCityError
from smartcity_saas.identity.authorization import documents
from smartcity_saas.identity.staff.single_sign_on import (
    KEY,
    count_linked,
    probe,
    provider_of,
)
from smartcity_saas.portals.base_revision import base_revision
from smartcity_saas.portals.province.blueprint import ROOT, blueprint, shell
from smartcity_saas.portals.secret_entry import keep_entered
from smartcity_saas.tenancy.current import current_time
from smartcity_saas.texts import Text

PAGE = f"{ROOT}/single-sign-on"
SECRET = "single_sign_on"  # noqa: S105 -- a name


@blueprint.page(PAGE, permission="province.see")
def single_sign_on(province: str) -> ResponseReturnValue:
    """What is set, whether it works, how many use it; or how to begin."""
    return _page(province)


@blueprint.page(PAGE, permission="province.change", methods=("POST",))
def save_single_sign_on(province: str) -> ResponseReturnValue:
    """Write the provider into the province's document, and keep its secret."""
    typed = {name: request.form.get(name, "").strip() for name in ("issuer", "client_id")}
    secret, live = request.form.get("secret", "").strip(), documents().live(f"province:{province}")
    values: dict[str, Any] = {**live.values.get(KEY, {}), **typed, "state": "open"}
    if secret:
        values.setdefault("client_secret", {"credential": SECRET})
    name = values.get("client_secret", {}).get("credential")
    try:
        if secret:
            check_secret(name, secret)
        documents().change(
            live.name,
            base_revision(),
            "",
            _leaves(live.values, values),
            entered=[name] if secret else [],
        )
        if secret:
            keep_entered(live.name, {name: secret})
    except Invalid as error:
        errors = {_field_of(one): _told(one) for one in error.problems}
        return _page(province, typed=typed, errors=errors, error=error.detail), error.status
    return _try(province)


def _field_of(problem: Problem) -> str:
    """The field of the form at which a problem stands."""
    name = problem.pointer.rpartition("/")[2]
    return "secret" if name == "client_secret" else name


def _told(problem: Problem) -> Text:
    moved = isinstance(problem, MovedSecret)
    return (
        _("A new identity provider needs its own secret. Enter it.") if moved else problem.message
    )


@blueprint.page(f"{PAGE}/state", permission="province.change", methods=("POST",))
def switch_single_sign_on(province: str) -> ResponseReturnValue:
    """Switch it on or off; who has come in by it stays in until they leave."""
    state = request.form.get("state", "")
    if state not in CONNECTION_STATES:
        raise Invalid(_("Choose on or off."))
    live = documents().live(f"province:{province}")
    if KEY not in live.values:
        raise Conflict(_("Enter the identity provider first."))
    documents().change(live.name, base_revision(), "", {(KEY, "state"): state})
    return redirect(_address(province, "saved"))


@blueprint.page(f"{PAGE}/probe", permission="province.change", methods=("POST",))
def probe_single_sign_on(province: str) -> ResponseReturnValue:
    """Ask the provider whether it answers."""
    return _try(province)


def _try(province: str) -> ResponseReturnValue:
    provider = provider_of(documents().live(f"province:{province}"))
    try:
        if provider is not None:
            probe(provider, current_time())
    except SmartCityError:
        return redirect(_address(province, "silent"))
    return redirect(_address(province, "works"))


def _leaves(before: Mapping[str, Any], values: Mapping[str, Any]) -> dict[Path, Any]:
    if KEY not in before:
        return {(KEY,): dict(values)}
    return {(KEY, name): value for name, value in values.items()}


def _page(province: str, **values: Any) -> str:
    live = documents().live(f"province:{province}")
    settings = live.values.get(KEY)
    provider = provider_of(live)
    reference = (settings or {}).get("client_secret")
    back = f"{request.host_url}sign-in"
    defaults = {
        "typed": {"issuer": "", "client_id": "", **(settings or {})},
        "errors": {},
        "error": None,
    }
    return render_template(
        "province/single_sign_on.html",
        settings=settings,
        provider=provider,
        linked=count_linked(provider) if provider else 0,
        secret=next(
            (
                row
                for row in province_secrets(province)
                if reference and row.name == reference["credential"]
            ),
            None,
        ),
        needs_secret=bool(reference),
        back=f"{back}/with/{province}/callback",
        left=back,
        done=request.args.get("done"),
        **{**defaults, **values},
        **shell(province),
    )


def _address(province: str, done: str) -> str:
    return f"/provinces/{province}/single-sign-on?done={done}"
