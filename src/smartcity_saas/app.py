"""``create_app``: the table of contents of the product."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from flask import Response
from flask_wtf import CSRFProtect
from sqlalchemy.exc import SQLAlchemyError

from smartcity_saas.attention import AttentionProvider
from smartcity_saas.catalog.discovery import installed_services
from smartcity_saas.catalog.service import Service
from smartcity_saas.certificate_hosts import init_certificate_hosts
from smartcity_saas.clock import Clock, utc_now
from smartcity_saas.credentials import Keyring, write_uses
from smartcity_saas.credentials.master_key import admit_master_key, refuse_stray_key
from smartcity_saas.database import init_database
from smartcity_saas.database.row_level_security import refuse_powerful_role
from smartcity_saas.database.transactions import db
from smartcity_saas.errors import Invalid, SettingsError
from smartcity_saas.forms import kind as form
from smartcity_saas.health import holds_demo_rows, init_probes
from smartcity_saas.identity.api_clients.clients import init_clients
from smartcity_saas.identity.assisted_service.access_log import init_access_log
from smartcity_saas.identity.federation.channels import installed_channels
from smartcity_saas.installed import stored_extensions, translation_folders
from smartcity_saas.logs import get_logger
from smartcity_saas.notifications.messages import SEND, send_message, send_text
from smartcity_saas.notifications.senders import installed_senders
from smartcity_saas.notifications.staff_mail import send_staff_mail
from smartcity_saas.observability import init_logging, init_metrics
from smartcity_saas.outbox import Tasks, failed_attention
from smartcity_saas.payments.attention import payments_attention
from smartcity_saas.payments.providers import installed_providers
from smartcity_saas.payments.tasks import TASKS as PAYMENT_TASKS
from smartcity_saas.portals import register_portals
from smartcity_saas.portals.draft_preview import init_drafts
from smartcity_saas.portals.resident.ratings_api import api as ratings_api
from smartcity_saas.portals.resident.session_api import api as session_api
from smartcity_saas.product import Product
from smartcity_saas.ratings.attention import ratings_attention
from smartcity_saas.redis_store import RedisStore
from smartcity_saas.request import init_request
from smartcity_saas.scorecard.edition_files import load_editions
from smartcity_saas.scorecard.figures import FIGURES
from smartcity_saas.scorecard.standard import Edition
from smartcity_saas.settings import Settings
from smartcity_saas.tenancy.city_quotas import CityQuotas
from smartcity_saas.tenancy.current import current_time
from smartcity_saas.tenancy.faults import has_failed
from smartcity_saas.tenancy.flask_app import SiteFlask
from smartcity_saas.tenancy.quota_attention import quota_attention
from smartcity_saas.tenancy.registry import CityRegistry
from smartcity_saas.tenancy.shared_buckets import SharedBuckets
from smartcity_saas.tenancy.txt_records import DnsTxtLookup
from smartcity_saas.tenant_context import current_city_id_or_none
from smartcity_saas.tracing import start_tracing, trace_statements
from smartcity_saas.web.api import init_api
from smartcity_saas.web.languages import init_languages
from smartcity_saas.web.page_cache import PageCache
from smartcity_saas.web.policy import exempt_signed
from smartcity_saas.web.security import SiteSessions, TrustedProxies
from smartcity_saas.web.static_files import init_static_files
from smartcity_saas.web.templates import LanguageEnvironment

log = get_logger(__name__)

LARGEST_REQUEST = 8 * 1024 * 1024
CACHED_FILES = 200


def create_app(
    settings: Settings | None = None, *, clock: Clock = utc_now, serving: bool = True
) -> SiteFlask:
    """Put the product together.

    Args:
        settings: What the installation decides; read from the environment by default.
        clock: The time.
        serving: The application will answer requests, so an unsafe start is refused.

    Raises:
        SettingsError: The keys, the database's role or its rows are not fit for production.
    """
    settings = settings or Settings.from_environment()
    if serving:
        settings.refuse_unsafe_keys()
    app = SiteFlask("smartcity_saas", host_matching=True, static_folder=None)
    _configure(app, settings)
    app.product = _product(settings, clock)
    parts = app.product.parts
    init_logging()
    init_database(app, settings.database_url)
    if settings.tracing:
        _trace(app)
    init_languages(app, translation_folders(), settings.language)
    init_metrics(app, settings.metrics_token)
    init_probes(app)
    init_certificate_hosts(app)
    init_access_log(app)
    app.after_request(_write_uses)
    init_static_files(app)
    init_request(app)
    csrf = app.extensions["csrf"] = CSRFProtect(app)
    init_clients(app)
    register_portals(app, parts)
    init_drafts(app)
    blueprints = [
        session_api,
        ratings_api,
        *(one.api for one in parts if one.api is not None),
    ]
    app.openapi = init_api(app, blueprints, app.product.scopes)
    exempt_signed(app, csrf)
    app.wsgi_app = TrustedProxies(app.wsgi_app, settings.trusted_proxies)  # type: ignore[method-assign]
    if serving:
        _refuse_unsafe_database(app, settings)
    return app


def _trace(app: SiteFlask) -> None:
    start_tracing()
    with app.app_context():
        trace_statements(db.engine)


def _product(settings: Settings, clock: Clock) -> Product:
    """What is installed, as an installation's settings configure it."""
    services, kinds = installed_services(), {form.name: form}
    parts = (*services.values(), *(kind.shared for kind in kinds.values()))
    keyring = Keyring(settings.master_key, settings.old_master_key)
    keyring.guard = refuse_stray_key
    redis = RedisStore(settings.redis, settings.secret_key) if settings.redis else None
    registry = CityRegistry(
        stored_extensions(),
        settings.host,
        demo=settings.demo,
        admit=lambda: _admit(settings, keyring),
    )
    return Product(
        settings=settings,
        clock=clock,
        keyring=keyring,
        registry=registry,
        services=services,
        kinds=kinds,
        channels=installed_channels(),
        providers=installed_providers(),
        senders=installed_senders(),
        tasks=_tasks(parts),
        attention=_attention(parts),
        send_text=send_text,
        send_staff_mail=send_staff_mail,
        file_cache=PageCache(CACHED_FILES),
        redis=redis,
        editions=_editions(settings),
        quotas=CityQuotas(settings.workers, shared=SharedBuckets(redis) if redis else None),
        find_txt=DnsTxtLookup(settings.dns_servers),
    )


def _editions(settings: Settings) -> Mapping[str, Edition]:
    """The editions of the scorecard's standard; an installation's own file with a fault stops it."""
    try:
        return load_editions(settings.config_root, FIGURES)
    except Invalid as error:
        raise SettingsError("\n".join(str(problem) for problem in error.problems)) from None


def _admit(settings: Settings, keyring: Keyring) -> None:
    """Refuse a role that bypasses row-level security, and another master key than the database's."""
    if not settings.testing:
        refuse_powerful_role(db.engine)
    admit_master_key(keyring)


def _write_uses(response: Response) -> Response:
    """Note when the city's secrets were last used, once an hour at most."""
    if current_city_id_or_none() is not None and not has_failed():
        write_uses(current_time())
    return response


def _configure(app: SiteFlask, settings: Settings) -> None:
    app.config.update(
        TESTING=settings.testing,
        SECRET_KEY=settings.secret_key or None,
        MAX_CONTENT_LENGTH=LARGEST_REQUEST,
        MAX_FORM_MEMORY_SIZE=LARGEST_REQUEST,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        WTF_CSRF_TIME_LIMIT=None,
        WTF_CSRF_SSL_STRICT=False,
        PROPAGATE_EXCEPTIONS=False,
    )
    app.jinja_environment = LanguageEnvironment
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
    app.url_map.merge_slashes = False
    app.session_interface = SiteSessions()


def _tasks(parts: Sequence[Service]) -> Tasks:
    """Every task of the outbox, by kind."""
    found = {**PAYMENT_TASKS, SEND: send_message}
    for part in parts:
        found |= part.work
    return found


def _attention(parts: Sequence[Service]) -> tuple[AttentionProvider, ...]:
    """Who tells what waits for a person in a city: the rooms, then the services."""
    return (
        failed_attention,
        quota_attention,
        payments_attention,
        ratings_attention,
        *(part.attention for part in parts),
    )


def _refuse_unsafe_database(app: SiteFlask, settings: Settings) -> None:
    """Refuse a role that bypasses row-level security, and demo rows in production.

    A database that cannot be reached is no reason to stop: ``/readyz`` says so until it can,
    and the city registry refuses the same before it first loads.
    """
    with app.app_context():
        try:
            if not settings.demo and holds_demo_rows():
                raise SettingsError(
                    "This database holds the demo's accounts and rows. Start production on an "
                    "empty one."
                )
            app.registry.refresh()
        except SettingsError:
            raise
        except (SQLAlchemyError, Exception) as error:
            log.warning("not_ready_yet", error=type(error).__name__)
        finally:
            db.session.remove()
