"""What happens around every view: the gate, access, headers, shared values, errors as pages."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode, urlsplit

import structlog
from flask import (
    Response,
    current_app,
    g,
    jsonify,
    make_response,
    render_template,
    request,
    session,
    url_for,
)
from flask_babel import get_locale, gettext
from flask_babel import lazy_gettext as _
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import BadRequest, HTTPException, InternalServerError

from smartcity_saas.addresses import is_loopback
from smartcity_saas.catalog.gate import CitySuspended, ServicePaused, pass_gate
from smartcity_saas.catalog.offer import Offer
from smartcity_saas.catalog.service import Task
from smartcity_saas.clock import COMMON_ZONE
from smartcity_saas.configuration.colors import text_on
from smartcity_saas.configuration.documents import StaleEdit, UndoConflict
from smartcity_saas.configuration.secrets import masked, names_secret
from smartcity_saas.errors import (
    FieldErrors,
    Invalid,
    NotAllowed,
    NotFound,
    SmartCityError,
    Throttled,
)
from smartcity_saas.identity.api_clients.idempotency import (
    WRITES,
    answered_before,
    count_call,
    finish_call,
    owner_of,
)
from smartcity_saas.identity.authorization import (
    bearer,
    current_client,
    current_resident,
    current_staff,
    enforce,
)
from smartcity_saas.identity.user_agents import channel_in_app
from smartcity_saas.payments.accounts import provider_of
from smartcity_saas.tenancy.application import SiteFlask, address_rule
from smartcity_saas.tenancy.faults import has_failed, note_fault
from smartcity_saas.tenancy.fleet import Fleet
from smartcity_saas.tenancy.here import present_time
from smartcity_saas.tenancy.sites import (
    CITY_HOST,
    CONSOLE_HOST,
    INDEX_HOST,
    UNREADY_HOST,
    Site,
)
from smartcity_saas.web.api import BodyProblem, field_problems
from smartcity_saas.web.formats import init_formats
from smartcity_saas.web.languages import local
from smartcity_saas.web.paths import page_before, page_of_form
from smartcity_saas.web.policy import Policy
from smartcity_saas.web.preferences import TEXT_COOKIE, choose_preferences, init_preferences
from smartcity_saas.web.security import (
    add_security_headers,
    content_security_policy,
)

log = structlog.get_logger(__name__)

_TITLES: dict[int, Any] = {
    400: _("This request cannot be read"),
    401: _("Sign in first"),
    403: _("This is not open to you"),
    404: _("This page does not exist"),
    405: _("This page does not take that"),
    409: _("This is not possible as it stands"),
    413: _("This is too large to send"),
    415: _("Send JSON"),
    422: _("Something needs correcting"),
    429: _("Too many attempts"),
    500: _("Something went wrong here"),
    503: _("This is not available just now"),
}
_DETAILS: dict[int, Any] = {
    400: _("Go back, load the page again, and try once more."),
    401: _("Sign in on this site, and send the session's cookie."),
    403: _("Ask the person who gave you this account."),
    404: _("Check the address, or start from the first page."),
    405: _("Go back and use the buttons on the page."),
    413: _("Choose a smaller file."),
    415: _("Say so: Content-Type: application/json."),
    500: _("It is not your fault, and we have a note of it. Try again in a few minutes."),
    503: _("Try again in a minute."),
}


def init_pages(app: SiteFlask) -> None:
    """Hook everything that surrounds a view into the application."""
    app.before_request(_refuse_strangers_in_demo)
    app.before_request(_keep_preferences)
    app.before_request(_pass)
    app.after_request(_finish)
    app.context_processor(_shared_values)
    init_formats(app, _zone, lambda: current_app.config["CLOCK"]())
    init_preferences(app, page_of_form, lambda name: name == "code" or names_secret(name))
    app.jinja_env.filters["preview_query"] = lambda typed: urlencode(
        {key: value for key, value in typed.items() if key not in ("csrf_token", "find")}
    )
    app.jinja_env.globals.update(
        text_on=text_on, city_path=city_path, task_path=task_path, site_address=site_address
    )
    app.register_error_handler(SmartCityError, _render_error)
    app.register_error_handler(HTTPException, _render_http_error)
    app.register_error_handler(OperationalError, _render_busy)
    app.register_error_handler(PoolTimeout, _render_busy)
    app.register_error_handler(InternalServerError, _render_late_fault)
    app.register_error_handler(Exception, _render_fault)


def site() -> Site:
    """The site of the present request."""
    found: Site = request.site  # type: ignore[attr-defined]
    return found


def city_path(endpoint: str, **arguments: Any) -> str:
    """The path of a page on a city's site, wherever the link stands."""
    return urlsplit(url_for(endpoint, **arguments)).path


def task_path(task: Task) -> str:
    """The path of a task's page."""
    return city_path(task.endpoint, **task.arguments)


def site_address(slug: str) -> str:
    """The address of a city's site, or of the console for ``console``."""
    settings = current_app.config["SETTINGS"]
    scheme = "https" if request and request.is_secure else "http"
    port = request.host.rpartition(":")[2] if request and ":" in request.host else ""
    suffix = f":{port}" if port.isdecimal() else ""
    return f"{scheme}://{slug}.{settings.host}{suffix}"


def _refuse_strangers_in_demo() -> Any:
    """The demo's passwords are public, so it serves this machine alone, however it is started."""
    if current_app.config["DEMO"] and not is_loopback(request.remote_addr):
        return Response("The demo answers on this machine only.\n", 403, mimetype="text/plain")
    return None


def _keep_preferences() -> Any:
    """A switch of language or text size, pressed on a page that was fetched."""
    return choose_preferences(site().kind)


def _pass() -> Any:
    """Gate, then access. A request that matched no route goes on to its 404."""
    if request.endpoint is None:
        return None
    policy: Policy | None = current_app.extensions["policies"].get(request.endpoint)
    if policy is None:
        log.error("endpoint_without_policy", endpoint=request.endpoint)
        raise NotFound
    _refuse_nul(policy)
    city = site().city
    if city is not None:
        pass_gate(city, policy)
    if site().kind == CONSOLE_HOST and policy.who == "staff":
        fleet: Fleet = current_app.fleet  # type: ignore[attr-defined]
        fleet.refresh()
        g.fleet_version = fleet.snapshot.version
    if policy.program:
        return _pass_call(policy)
    return enforce(policy)


def _pass_call(policy: Policy) -> Any:
    """A call of the API: within its limits, also where nobody is let in; with a form's token
    where a session counts, and once by its ``Idempotency-Key``."""
    owner = owner_of(current_client(), current_resident())
    count_call(owner, present_time())
    if enforce(policy) is not None:  # a program is let in or told, never led elsewhere
        raise NotAllowed
    if request.method in WRITES and bearer() is None:
        current_app.extensions["csrf"].protect()
    return answered_before(owner, present_time())


def _refuse_nul(policy: Policy) -> None:
    """No text has a NUL in it, and PostgreSQL stores none: refused once, for every page."""
    values = [request.path, *(value for _name, value in request.args.items(multi=True))]
    if not policy.signed:
        values += [value for _name, value in request.form.items(multi=True)]
    if any("\0" in value for value in values):
        raise BadRequest


def _finish(response: Response) -> Response:
    city = site().city
    origins: list[str] = []
    if city is not None:
        finish_call(response)
        channels = current_app.extensions["channels"].values()
        origins = [
            o for one in channels if one.open_at(city) for o in one.origins(one.values(city))
        ]
        if (provider := provider_of(city)) is not None:
            origins += provider.origins(city.payments or {})
    if request.method == "POST" and "fleet_version" in g and not has_failed():
        _tell_when_it_is_live()
    return add_security_headers(response, content_security_policy(dict.fromkeys(origins)))


def _tell_when_it_is_live() -> None:
    """“Saved” is said when every process serves it: the next press may be to look at the site."""
    fleet: Fleet = current_app.fleet  # type: ignore[attr-defined]
    fleet.refresh()
    if fleet.snapshot.version != g.fleet_version:
        fleet.wait_for_others()


def _shared_values() -> dict[str, Any]:
    """What every template may use."""
    locale = get_locale()
    chinese = locale is not None and locale.language == "zh"
    values: dict[str, Any] = {
        "colon": "：" if chinese else ": ",
        "comma": "，" if chinese else ", ",
        "gap": "" if chinese else " ",
        "stop": "。" if chinese else ". ",
        "demo": current_app.config["DEMO"],
        "lang": locale.language if locale else "en",
        "large_text": request.cookies.get(TEXT_COOKIE) == "large",
        "text": local,
        "services": current_app.extensions["services"],
    }
    if site().kind == CITY_HOST:
        values |= {
            "city": site().city,
            "resident": _resident_or_none(),
            "frame": False,
            "embedded": channel_in_app() is not None,
        }
    if site().kind == CONSOLE_HOST:
        values |= {"staff": _staff_or_none()}
        values["console_city"] = None if has_failed() else g.get("console_city")
    return values


def _resident_or_none() -> Any:
    if has_failed():
        return None
    return current_resident() if "resident" in session or "resident" in g else None


def _staff_or_none() -> Any:
    if has_failed():
        return None
    return current_staff() if "staff" in session else None


def _zone() -> str:
    found = site().city or g.get("zone_city")
    return found.timezone if found is not None else COMMON_ZONE


def _render_error(error: SmartCityError) -> Any:
    if isinstance(error, ServicePaused) and not _wants_json():
        return _paused_page(error), error.status
    if isinstance(error, CitySuspended) and not _wants_json():
        return render_template("resident/suspended.html"), error.status
    if isinstance(error, (StaleEdit, UndoConflict)) and site().kind == CONSOLE_HOST:
        return _conflict_page(error), error.status
    title = error.title if error.title != SmartCityError.title else _TITLES.get(error.status)
    own = "" if isinstance(error, FieldErrors) else error.detail
    detail = own or _DETAILS.get(error.status, "")
    problems = error.problems if isinstance(error, Invalid) else []
    if isinstance(error, FieldErrors):
        problems = [BodyProblem(f"/{name}", said) for name, said in error.fields.items()]
    response = _error_response(error.status, str(title), str(detail), problems, error.see)
    if error.status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    if isinstance(error, Throttled):
        response.headers["Retry-After"] = str(error.retry_after)
    return response


def _render_http_error(error: HTTPException) -> Any:
    status = error.code or 500
    if status < 400:
        return error
    if isinstance(error, CSRFError):
        title, detail = (
            _("This page was open for too long"),
            _("Go back, load the page again, and send it once more. Nothing was stored."),
        )
        return _error_response(400, str(title), str(detail), [])
    if site().kind == UNREADY_HOST:
        status = 503
    title = _TITLES.get(status, error.name)
    problems = field_problems(error)
    detail = _("Some fields do not fit.") if problems else _DETAILS.get(status, "")
    response = _error_response(status, str(title), str(detail), problems)
    if status == 405:
        response.headers["Allow"] = ", ".join(sorted(getattr(error, "valid_methods", None) or []))
    return response


def _render_busy(error: OperationalError | PoolTimeout) -> Any:
    """The database is locked for longer than we wait, or gone: nothing was stored, try again."""
    reference = note_fault()
    log.error(
        "database_unavailable",
        reference=reference,
        rule=address_rule(),
        error=type(getattr(error, "orig", None) or error).__name__,
    )
    detail = gettext(
        "We have a note of it (%(reference)s). Try again in a minute.", reference=reference
    )
    response = _error_response(503, str(_TITLES[503]), detail, [])
    response.headers["Retry-After"] = "10"
    return response


def _render_fault(error: Exception) -> Any:
    reference = note_fault()
    log.error("fault", reference=reference, rule=address_rule(), exc_info=error)
    detail = gettext(
        "It is not your fault, and we have a note of it (%(reference)s). Try again in a few "
        "minutes.",
        reference=reference,
    )
    return _error_response(500, str(_TITLES[500]), detail, [])


def _render_late_fault(error: InternalServerError) -> Any:
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
        }.get(site().kind, "index/unknown.html")
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
        sent={n: masked(value) for n, value in request.form.items() if not names_secret(n)},
        asked_again=[n for n, value in request.form.items() if names_secret(n) and value],
    )


def _paused_page(error: ServicePaused) -> str:
    service = current_app.extensions["services"][error.entry.name]
    mine = []
    if (resident := _resident_or_none()) is not None:
        mine = service.lines_of(resident)
    return render_template(
        "resident/paused.html", offer=Offer(service, error.entry, ()), service=service, mine=mine
    )
