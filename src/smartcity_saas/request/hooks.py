"""Before and after every view: service availability, authorization, limits, headers."""

from __future__ import annotations

from functools import partial

from flask import (
    Response,
    current_app,
    g,
    request,
)
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import BadRequest

from smartcity_saas.addresses import is_loopback
from smartcity_saas.catalog.availability import require_available
from smartcity_saas.configuration.city import City
from smartcity_saas.database import db
from smartcity_saas.errors import (
    NotAllowed,
    NotFound,
)
from smartcity_saas.identity.api_clients.idempotency import (
    WRITES,
    count_request,
    keep_answer,
    owner_of,
    replayed_answer,
)
from smartcity_saas.identity.authorization import (
    authorize,
    bearer,
    current_client,
    current_resident,
)
from smartcity_saas.identity.user_agents import channel_in_app
from smartcity_saas.logs import get_logger
from smartcity_saas.measures import count_refused, in_channel
from smartcity_saas.payments.accounts import provider_of
from smartcity_saas.product import product, request_site, running_app
from smartcity_saas.request.error_pages import init_error_pages
from smartcity_saas.request.kept_answers import offer_to_strangers
from smartcity_saas.request.template_context import init_template_context
from smartcity_saas.tenancy.current import current_time
from smartcity_saas.tenancy.faults import has_failed
from smartcity_saas.tenancy.flask_app import SiteFlask
from smartcity_saas.tenancy.hosts import CONSOLE_HOST
from smartcity_saas.web.policy import Availability, Caller, Policy, policy_of, service_of
from smartcity_saas.web.preferences import choose_preferences
from smartcity_saas.web.security import (
    ForeignForm,
    add_security_headers,
    content_security_policy,
    stood_on_this_site,
)

log = get_logger(__name__)


def init_request(app: SiteFlask) -> None:
    """Hook everything that surrounds a view into the application."""
    app.before_request(_refuse_other_machines_in_demo)
    app.before_request(_keep_preferences)
    app.before_request(_admit)
    app.after_request(_finish)
    init_template_context(app)
    init_error_pages(app)


def _refuse_other_machines_in_demo() -> ResponseReturnValue | None:
    """The demo's passwords are public, so it serves this machine alone, however it is started."""
    if product().settings.demo and not is_loopback(request.remote_addr):
        return Response("The demo answers on this machine only.\n", 403, mimetype="text/plain")
    return None


def _keep_preferences() -> ResponseReturnValue | None:
    """A switch of language or text size, pressed on a page that was fetched."""
    return choose_preferences(request_site().kind)


def _admit() -> ResponseReturnValue | None:
    """Check availability, then authorize. A request that matched no route goes on to its 404."""
    if request.endpoint is None:
        return None
    policy = policy_of(request.endpoint)
    if policy is None:
        log.error("endpoint_without_policy", endpoint=request.endpoint)
        raise NotFound
    _refuse_nul(policy)
    city = request_site().city
    if city is not None:
        require_available(city, policy)
    if request_site().kind == CONSOLE_HOST and policy.who == "staff":
        registry = product().registry
        registry.refresh_at_the_start()
        g.registry_version = registry.snapshot.version
    if city is not None:
        in_channel(partial(_channel, policy))
    if policy.caller is Caller.API:
        return _admit_call(policy)
    if policy.caller is Caller.STRANGER and not _is_own_form():
        raise ForeignForm
    return authorize(policy)


def _is_own_form() -> bool:
    return request.method not in WRITES or stood_on_this_site(request)


def _channel(policy: Policy) -> str:
    """How whoever asks came in: at the counter, by a back office's client, in an app, on the web."""
    resident = current_resident()
    if resident is not None and resident.acting:
        return "counter"
    if policy.caller is Caller.API and current_client() is not None:
        return "api"
    app = channel_in_app()
    return app.name if app else "web"


def _admit_call(policy: Policy) -> ResponseReturnValue | None:
    """A call of the API: within its limits, also where nobody is let in; with a form's token
    where a session counts, and once by its ``Idempotency-Key``."""
    owner = owner_of(current_client(), current_resident())
    count_request(owner, current_time())
    if authorize(policy) is not None:  # a program is let in or told, never led elsewhere
        raise NotAllowed
    if request.method in WRITES and bearer() is None:
        current_app.extensions["csrf"].protect()
    return replayed_answer(owner, current_time())


def _refuse_nul(policy: Policy) -> None:
    """No text has a NUL in it, and PostgreSQL stores none: refused once, for every page."""
    values = [request.path, *(value for _name, value in request.args.items(multi=True))]
    if policy.caller is not Caller.SIGNED:
        values += [value for _name, value in request.form.items(multi=True)]
    if any("\0" in value for value in values):
        raise BadRequest


def _finish(response: Response) -> Response:
    city = request_site().city
    if city is not None:
        _count_refusal(response)
        keep_answer(response)
    if request.method == "POST" and "registry_version" in g and not has_failed():
        _wait_until_served()
    offered = offer_to_strangers(response, policy_of(request.endpoint))
    content = content_security_policy() if city is None else _content_policy_of(city)
    return add_security_headers(offered, content)


def _content_policy_of(city: City) -> str:
    """The policy of a city's pages, made once for each configuration that it has."""
    made = running_app().content_policies
    kept = made.get(city.id)
    if kept is None or kept[0] is not product() or kept[1] is not city:
        kept = product(), city, content_security_policy(dict.fromkeys(_form_origins(city)))
        made[city.id] = kept
    return kept[2]


def _form_origins(city: City) -> list[str]:
    """Where a city's forms may lead: its open channels and its payment provider."""
    channels = [one for one in product().channels.values() if one.open_at(city)]
    origins = [origin for one in channels for origin in one.origins(one.values(city))]
    if (provider := provider_of(city)) is not None:
        origins += provider.origins(city.payments or {})
    return origins


def _count_refusal(response: Response) -> None:
    """Count new business of a service that a resident asked for and did not get."""
    policy = policy_of(request.endpoint) if request.endpoint else None
    if policy is None or policy.service is None or request.method != "POST" or has_failed():
        return
    if policy.availability is Availability.NEW_BUSINESS:
        try:
            count_refused(service_of(policy) or "", response.status_code, current_time())
        except NotFound:  # the address names no service
            return
        except SQLAlchemyError as error:  # the answer is told, whether it can be counted or not
            db.session.rollback()
            log.warning("refusal_not_counted", error=type(error).__name__)


def _wait_until_served() -> None:
    """“Saved” is said when every process serves it: the next press may be to look at the site."""
    registry = product().registry
    registry.refresh()
    if registry.snapshot.version != g.registry_version:
        registry.wait_for_others()
