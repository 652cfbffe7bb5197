"""Errors as branded pages for people and as problem details (RFC 9457) for programs."""

from __future__ import annotations

from typing import Any

from flask import (
    Response,
    jsonify,
    make_response,
    render_template,
    request,
)
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException, InternalServerError

from smartcity_saas.catalog.availability import CitySuspended, ServicePaused
from smartcity_saas.catalog.entries import CatalogItem
from smartcity_saas.configuration.effects import EffectsUntold
from smartcity_saas.configuration.revisions import StaleEdit, UndoConflict
from smartcity_saas.configuration.secrets import masked, names_secret
from smartcity_saas.errors import (
    FieldErrors,
    Invalid,
    OverQuota,
    SmartCityError,
)
from smartcity_saas.logs import get_logger
from smartcity_saas.product import product, request_site
from smartcity_saas.request.template_context import resident_or_none
from smartcity_saas.tenancy.answer_life import answer_life
from smartcity_saas.tenancy.city_services import city_services
from smartcity_saas.tenancy.current import request_city
from smartcity_saas.tenancy.faults import note_fault, told_reference
from smartcity_saas.tenancy.flask_app import SiteFlask, address_rule
from smartcity_saas.tenancy.hosts import CITY_HOST, CONSOLE_HOST, INDEX_HOST, UNREADY_HOST
from smartcity_saas.web.api import BodyProblem, field_problems
from smartcity_saas.web.paths import page_before

log = get_logger(__name__)

CSRF_FIELD = "csrf_token"
"""The form's own token: each page makes another."""


_TITLES: dict[int, Any] = {
    400: _("We could not read this request"),
    401: _("Sign in first"),
    403: _("You don't have access"),
    404: _("We cannot find this page"),
    405: _("You cannot do that on this page"),
    409: _("You cannot do this right now"),
    413: _("This is too large to send"),
    415: _("Send JSON"),
    422: _("Check what you entered"),
    429: _("Too many attempts"),
    500: _("Something went wrong here"),
    503: _("This is not available at the moment"),
}
_DETAILS: dict[int, Any] = {
    400: _("Go back, reload the page and try again."),
    401: _("Sign in on this site and send the session cookie."),
    403: _("Ask the person who gave you this account."),
    404: _("Check the address, or go to the homepage."),
    405: _("Go back and use the buttons on the page."),
    413: _("Choose a smaller file."),
    415: _("Set the header Content-Type: application/json."),
    500: _("This is our fault. The error has been logged. Try again in a few minutes."),
    503: _("Try again in a minute."),
}


def init_error_pages(app: SiteFlask) -> None:
    """Render every error once: a branded page for people, problem details (RFC 9457) for programs."""
    app.register_error_handler(SmartCityError, _render_error)
    app.register_error_handler(HTTPException, _render_http_error)
    app.register_error_handler(OperationalError, _render_busy)
    app.register_error_handler(PoolTimeout, _render_busy)
    app.register_error_handler(InternalServerError, _render_late_fault)
    app.register_error_handler(Exception, _render_fault)


def error_answer(error: SmartCityError) -> Response:
    """What an error is answered with in the present request, whole."""
    return make_response(_render_error(error))


def _render_error(error: SmartCityError) -> ResponseReturnValue:
    if isinstance(error, ServicePaused) and not _wants_json():
        return _paused_page(error), error.status
    if isinstance(error, CitySuspended) and not _wants_json():
        return render_template("resident/suspended.html"), error.status
    if isinstance(error, (StaleEdit, UndoConflict)) and request_site().kind == CONSOLE_HOST:
        return _conflict_page(error), error.status
    if isinstance(error, EffectsUntold) and request_site().kind == CONSOLE_HOST:
        return _effects_page(error), error.status
    if isinstance(error, OverQuota):
        return _over_quota()
    title = error.title if error.title != SmartCityError.title else _TITLES.get(error.status)
    own = "" if isinstance(error, FieldErrors) else error.detail
    detail = own or _DETAILS.get(error.status, "")
    problems = error.problems if isinstance(error, Invalid) else []
    if isinstance(error, FieldErrors):
        problems = [BodyProblem(f"/{name}", said) for name, said in error.fields.items()]
    response = _error_response(error.status, str(title), str(detail), problems, error.see)
    if error.status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    if error.retry_after is not None:
        response.headers["Retry-After"] = str(error.retry_after)
    return response


def _over_quota() -> Response:
    return _error_response(
        OverQuota.status,
        gettext("The site is very busy"),
        gettext("Nothing was sent or changed. Wait a few seconds, then try again."),
        [],
    )


def _render_http_error(error: HTTPException) -> ResponseReturnValue:
    status = error.code or 500
    if status < 400:
        return error
    if isinstance(error, CSRFError):
        title, detail = (
            _("This page has expired"),
            _("Nothing was saved. Go back, reload the page and send it again."),
        )
        return _error_response(400, str(title), str(detail), [])
    if request_site().kind == UNREADY_HOST:
        status = 503
    title = _TITLES.get(status, error.name)
    problems = field_problems(error)
    detail = _("Some fields are not valid.") if problems else _DETAILS.get(status, "")
    response = _error_response(status, str(title), str(detail), problems)
    if status == 405:
        response.headers["Allow"] = ", ".join(sorted(getattr(error, "valid_methods", None) or []))
    return response


def _render_busy(error: OperationalError | PoolTimeout) -> ResponseReturnValue:
    """The database is locked for longer than we wait, or gone: nothing was stored, try again."""
    reference = note_fault()
    log.error(
        "database_unavailable",
        reference=reference,
        rule=address_rule(),
        error=type(getattr(error, "orig", None) or error).__name__,
    )
    detail = gettext(
        "The error has been logged (%(reference)s). Try again in a minute.",
        reference=told_reference(reference),
    )
    response = _error_response(503, str(_TITLES[503]), detail, [])
    response.headers["Retry-After"] = "10"
    return response


def _render_fault(error: Exception) -> ResponseReturnValue:
    reference = note_fault()
    log.error("fault", reference=reference, rule=address_rule(), exc_info=error)
    detail = gettext(
        "This is our fault. The error has been logged (%(reference)s). Try again in a few minutes.",
        reference=told_reference(reference),
    )
    return _error_response(500, str(_TITLES[500]), detail, [])


def _render_late_fault(error: InternalServerError) -> ResponseReturnValue:
    """What an error page, or what runs after a view, has raised."""
    cause = error.original_exception
    if isinstance(cause, (OperationalError, PoolTimeout)):
        return _render_busy(cause)
    return _render_fault(cause if isinstance(cause, Exception) else error)


def _error_response(
    status: int, title: str, detail: str, problems: list[Any], see: str | None = None
) -> Response:
    if _wants_json():
        response = jsonify(
            type="about:blank",
            title=title,
            status=status,
            detail=detail,
            **({"problems": [found.as_dict() for found in problems]} if problems else {}),
            **({"see": see} if see else {}),
        )
        response.mimetype = "application/problem+json"
    else:
        template = {
            CITY_HOST: "resident/error.html",
            CONSOLE_HOST: "console/error.html",
            INDEX_HOST: "index/error.html",
        }.get(request_site().kind, "index/unknown.html")
        response = make_response(
            render_template(
                template,
                status=status,
                title=title,
                detail=detail,
                problems=problems,
                see=see,
                back=page_before(),
            )
        )
    response.status_code = status
    return response


def _wants_json() -> bool:
    best = request.accept_mimetypes.best_match(["text/html", "application/json"], "text/html")
    return request.path.startswith("/api/") or best == "application/json"


def _conflict_page(error: StaleEdit | UndoConflict) -> str:
    """What the other person changed, and what was sent, ready to be sent again."""
    since, live = (
        (error.since, error.live) if isinstance(error, StaleEdit) else (error.clashes, None)
    )
    return render_template(
        "console/conflict.html",
        title=error.title,
        detail=error.detail,
        since=since,
        live=live,
        **_sent_again(),
    )


def _effects_page(error: EffectsUntold) -> str:
    """What would change for residents, and what was sent, ready to be sent again."""
    return render_template(
        "console/effects.html",
        title=error.title,
        detail=error.detail,
        effects=error.effects,
        mark=error.mark,
        services={name: one.title for name, one in product().services.items()}
        | {one.service: one.title for one in error.effects if one.title},
        **_sent_again(),
    )


def _sent_again() -> dict[str, Any]:
    """What a form was sent with; secrets are never given back, and asked for again."""
    sent = {name: value for name, value in request.form.items() if name != CSRF_FIELD}
    return {
        "sent": {name: masked(value) for name, value in sent.items() if not names_secret(name)},
        "asked_again": [name for name, value in sent.items() if names_secret(name) and value],
    }


def _paused_page(error: ServicePaused) -> str:
    service = city_services(request_city())[error.entry.name]
    mine = []
    if (resident := resident_or_none()) is not None:
        mine = service.dashboard_items(resident)
    elif (life := answer_life()) is not None:
        life.status = error.status  # paused for everyone, until the document says otherwise
    return render_template(
        "resident/paused.html",
        offer=CatalogItem(service, error.entry, ()),
        service=service,
        mine=mine,
    )
