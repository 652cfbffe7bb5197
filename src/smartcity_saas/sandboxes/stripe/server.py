"""The sandbox's addresses: Stripe's API, the pay page, and levers for tests."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable

from flask import Flask, jsonify, redirect, render_template, request
from flask.typing import ResponseReturnValue

from smartcity_saas.payments.stripe_amounts import from_stripe
from smartcity_saas.sandboxes.stripe import money
from smartcity_saas.sandboxes.stripe.objects import Object, account_id, parse_form, signing_secret
from smartcity_saas.sandboxes.stripe.state import Account, Behaviour, Refusal, Sandbox
from smartcity_saas.web.money import format_money


def create_sandbox(sandbox: Sandbox, base: str) -> Flask:
    """The sandbox as an application; ``base`` is where it is reached."""
    app = Flask(__name__)
    app.register_error_handler(Refusal, lambda error: (jsonify(error.body), error.status))
    _add_api(app, sandbox, base)
    _add_pay_page(app, sandbox)
    _add_levers(app, sandbox)
    return app


def _add_api(app: Flask, sandbox: Sandbox, base: str) -> None:
    def sessions(account: Account, form: Object) -> Object:
        return money.open_session(sandbox, account, form, base)

    @app.post("/v1/checkout/sessions")
    def create_session() -> ResponseReturnValue:
        return _write(sandbox, sessions)

    @app.post("/v1/checkout/sessions/<object_id>/expire")
    def expire_session(object_id: str) -> ResponseReturnValue:
        def act(account: Account, form: Object) -> Object:
            session = account.get("checkout.session", object_id)
            money.expire(sandbox, account, session)
            return session

        return _write(sandbox, act)

    @app.post("/v1/refunds")
    def create_refund() -> ResponseReturnValue:
        return _write(sandbox, lambda account, form: money.refund(sandbox, account, form))

    @app.get("/v1/account")
    def account() -> ResponseReturnValue:
        found = _account(sandbox)
        return jsonify({"id": found.id, "object": "account", "charges_enabled": True})

    _add_endpoints(app, sandbox)
    for path, kind in (
        ("checkout/sessions", "checkout.session"),
        ("payment_intents", "payment_intent"),
        ("charges", "charge"),
        ("refunds", "refund"),
        ("disputes", "dispute"),
        ("balance_transactions", "balance_transaction"),
        ("events", "event"),
        ("webhook_endpoints", "webhook_endpoint"),
    ):
        _add_reading(app, sandbox, path, kind)


def _add_endpoints(app: Flask, sandbox: Sandbox) -> None:
    @app.post("/v1/webhook_endpoints")
    def create_endpoint() -> ResponseReturnValue:
        def act(account: Account, form: Object) -> Object:
            for one in account.all("webhook_endpoint"):
                if one["url"] == form["url"]:
                    return {**one, "secret": signing_secret(account.id, one["url"])}
            made = account.add(
                "webhook_endpoint",
                url=form["url"],
                enabled_events=form.get("enabled_events") or ["*"],
            )
            return {**made, "secret": signing_secret(account.id, form["url"])}

        return _write(sandbox, act)

    @app.delete("/v1/webhook_endpoints/<object_id>")
    def delete_endpoint(object_id: str) -> ResponseReturnValue:
        with sandbox.lock:
            account = _account(sandbox)
            account.get("webhook_endpoint", object_id)
            del account.objects[object_id]
            return jsonify({"id": object_id, "object": "webhook_endpoint", "deleted": True})


def _add_reading(app: Flask, sandbox: Sandbox, path: str, kind: str) -> None:
    def one(object_id: str) -> ResponseReturnValue:
        with sandbox.lock:
            account = _account(sandbox)
            found = account.get(kind, object_id)
            if kind == "checkout.session":
                money.lapse(sandbox, account, found)
            return jsonify(money.shown(account, found, _expand()))

    def several() -> ResponseReturnValue:
        with sandbox.lock:
            account = _account(sandbox)
            found = [one for one in account.all(kind) if _wanted(one)]
            after = request.args.get("starting_after")
            if after:
                places = [place for place, one in enumerate(found) if one["id"] == after]
                found = found[places[0] + 1 :] if places else []
            limit = request.args.get("limit", 10, int)
            expand = [path.removeprefix("data.") for path in _expand()]
            data = [money.shown(account, one, expand) for one in found[:limit]]
            return jsonify(
                {"object": "list", "data": data, "has_more": len(found) > limit,
                 "url": f"/v1/{path}"}
            )  # fmt: skip

    app.add_url_rule(f"/v1/{path}/<object_id>", f"one_{kind}", one, methods=["GET"])
    app.add_url_rule(f"/v1/{path}", f"several_{kind}", several, methods=["GET"])


def _add_pay_page(app: Flask, sandbox: Sandbox) -> None:
    @app.get("/c/pay/<object_id>")
    def pay_page(object_id: str) -> ResponseReturnValue:
        with sandbox.lock:
            account, session = _session(sandbox, object_id)
            money.lapse(sandbox, account, session)
            currency = session["currency"].upper()
            return render_template(
                "pay.html",
                session=session,
                zh=session["locale"] == "zh",
                total=format_money(from_stripe(session["amount_total"], currency), currency),
                lines=[
                    (name, format_money(from_stripe(amount, currency), currency))
                    for name, amount in session["_lines"]
                ],
            )

    @app.post("/c/pay/<object_id>")
    def pay(object_id: str) -> ResponseReturnValue:
        with sandbox.lock:
            account, session = _session(sandbox, object_id)
            money.lapse(sandbox, account, session)
            act = request.form.get("act", "")
            if session["status"] != "open" or act == "cancel":
                return redirect(session["cancel_url"])
            if act == "decline":
                return redirect(f"/c/pay/{object_id}?declined=1")
            method = request.form.get("method", "card")
            if method not in session["payment_method_types"]:
                raise Refusal(400, "This session does not take that method.")
            money.pay(sandbox, account, session, method, later=act == "later")
            sandbox.keep()
            return redirect(session["success_url"])


def _add_levers(app: Flask, sandbox: Sandbox) -> None:
    """What tests pull. Stripe has none of it."""

    @app.post("/sandbox/sessions/<object_id>/<act>")
    def session_act(object_id: str, act: str) -> ResponseReturnValue:
        body = request.get_json(silent=True) or {}
        with sandbox.lock:
            account, session = _session(sandbox, object_id)
            if act in ("pay", "pay-later"):
                money.pay(
                    sandbox, account, session, body.get("method", "card"), later=act == "pay-later",
                    amount=body.get("amount"), currency=body.get("currency"),
                )  # fmt: skip
            elif act in ("succeed", "fail"):
                money.settle(sandbox, account, session, succeeds=act == "succeed")
            elif act in ("dispute", "inquire"):
                money.dispute(sandbox, account, session, inquiry=act == "inquire")
            elif act == "expire":
                money.expire(sandbox, account, session)
            sandbox.keep()
            return jsonify(money.shown(account, session, []))

    @app.post("/sandbox/refunds/<object_id>/<act>")
    def refund_act(object_id: str, act: str) -> ResponseReturnValue:
        with sandbox.lock:
            account, found = _owner(sandbox, "refund", object_id)
            money.settle_refund(sandbox, account, found, succeeds=act == "succeed")
            return jsonify(found)

    @app.post("/sandbox/disputes/<object_id>/<act>")
    def dispute_act(object_id: str, act: str) -> ResponseReturnValue:
        with sandbox.lock:
            account, found = _owner(sandbox, "dispute", object_id)
            money.close_dispute(sandbox, account, found, won=act == "win")
            sandbox.keep()
            return jsonify(found)

    @app.post("/sandbox/events/<object_id>/send")
    def send(object_id: str) -> ResponseReturnValue:
        with sandbox.lock:
            account, event = _owner(sandbox, "event", object_id)
            sandbox.send(account, event, request.args.get("copies", 1, int))
            return jsonify(sent=True)

    @app.post("/sandbox/behaviour")
    def behave() -> ResponseReturnValue:
        with sandbox.lock:
            account = _account(sandbox)
            account.behaviour = Behaviour(**(request.get_json(silent=True) or {}))
            return jsonify(vars(account.behaviour))


def _write(sandbox: Sandbox, act: Callable[[Account, Object], Object]) -> ResponseReturnValue:
    """Do a POST of the API once for each idempotency key."""
    form = parse_form(list(request.form.items(multi=True)))
    expand = form.pop("expand", [])
    key = request.headers.get("Idempotency-Key", "")
    mark = hashlib.sha256(json.dumps([request.path, form], sort_keys=True).encode()).hexdigest()
    with sandbox.lock:
        account = _account(sandbox)
        if key in account.idempotent:
            before, status, body = account.idempotent[key]
            if before != mark:
                raise Refusal(
                    400,
                    "Keys for idempotent requests can only be used with the same parameters.",
                    kind="idempotency_error",
                )
            return jsonify(body), status, {"Idempotent-Replayed": "true"}
        if key and account.behaviour.failing:
            fault = Refusal(500, "The sandbox was told to fail", kind="api_error")
            account.idempotent[key] = (mark, fault.status, fault.body)
            raise fault
        made = act(account, form)
        shown = money.shown(account, made, expand)
        if key:
            account.idempotent[key] = (mark, 200, shown)
        sandbox.keep()
        return jsonify(shown), 200


def _account(sandbox: Sandbox) -> Account:
    sent = request.authorization
    key = (sent.token if sent and sent.type == "bearer" else None) or (
        sent.username if sent and sent.type == "basic" else None
    )
    if not key or not key.startswith("sk_test_"):
        raise Refusal(401, "Invalid API Key provided", kind="invalid_request_error")
    account = sandbox.account(account_id(key))
    if account.behaviour.down and request.path.startswith("/v1/"):
        raise Refusal(500, "The sandbox was told to be down", kind="api_error")
    return account


def _owner(sandbox: Sandbox, kind: str, object_id: str) -> tuple[Account, Object]:
    for account in sandbox.accounts.values():
        if object_id in account.objects:
            return account, account.get(kind, object_id)
    raise Refusal(404, f"No such {kind}: '{object_id}'", code="resource_missing")


def _session(sandbox: Sandbox, object_id: str) -> tuple[Account, Object]:
    return _owner(sandbox, "checkout.session", object_id)


def _expand() -> list[str]:
    return [value for name, value in request.args.items(multi=True) if name.startswith("expand")]


def _wanted(found: Object) -> bool:
    created = found.get("created", 0)
    for name, value in request.args.items():
        if name == "created[gte]" and created < int(value):
            return False
        if name == "created[lt]" and created >= int(value):
            return False
        if name in ("charge", "payment_intent", "type") and found.get(name) != value:
            return False
    return True
