"""Endpoints say who may use them; an endpoint that says nothing is refused.

The two kinds of blueprint make saying it a required argument, so that forgetting is a
``TypeError`` at import, not a hole.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from typing import Any, Literal, TypeVar, cast

from flask import Blueprint, Flask, g, request
from flask.sansio.app import App
from flask.typing import ResponseReturnValue
from flask_wtf import CSRFProtect

from smartcity_saas.product import running_app
from smartcity_saas.tenancy.flask_app import SiteFlask
from smartcity_saas.tenancy.hosts import CITY_HOST, CONSOLE_HOST, INDEX_HOST

View = TypeVar("View", bound=Callable[..., ResponseReturnValue])
Who = Literal["everyone", "resident", "staff", "client"]


UNTIL_CHANGED = timedelta(hours=1)
"""How long a page is kept that is made of the city's document, its announcements and the program alone:
a change of either is another version, and so another page at once."""
FIGURES_LAST = timedelta(minutes=10)
"""How long one is kept that is made of figures, which change without a version."""


class Availability(Enum):
    """What of a service and a city must be open for a page to be served."""

    NEW_BUSINESS = "new_business"
    """The service is open and the city is not suspended."""
    EXISTING_BUSINESS = "existing_business"
    """What a resident already has: served while the service is paused or closed."""
    ANY_STATE = "any_state"
    """Served whatever the city's state, such as its stylesheet."""


class Caller(Enum):
    """Who calls an endpoint, and so how a forged request is told from a meant one."""

    BROWSER = "browser"
    """A person: what is sent carries the token of a form."""
    API = "api"
    """A program or a page's script: a bearer token needs no token of a form, a session does."""
    SIGNED = "signed"
    """A program that signs what it sends, and carries no token of a form."""
    STRANGER = "stranger"
    """A person who need not have signed in, by a form that is the same for everyone and so has no token:
    the browser says that it stood on a page of the same site (``stood_on_this_site``)."""


ServiceLookup = Callable[[Mapping[str, Any]], str]
"""Finds the service of a page by what stands in its address; raises ``NotFound`` where there is none."""


@dataclass(frozen=True, kw_only=True)
class Policy:
    """Who may use an endpoint, and when.

    ``permission`` is needed by staff. ``service`` is the service that the page belongs to, or finds
    it by what stands in the address (``service_of``). A
    ``client`` needs a token with ``scope``.

    ``before_consent`` pages serve a resident before they have agreed to anything: so that they can
    agree, or leave. ``assisted_service`` pages may be used by staff who act for a resident, as every
    page of a service may; the rest is the resident's alone. ``recent_auth`` pages change how a
    member of staff signs in, and want a proof of who it is that is not old. ``writes`` pages write
    though they are only fetched, so a preview, which is for reading, has none of them.

    ``told_as`` is what staff did who opened the page, as the resident reads it whose data is on it:
    “downloaded”, “decided”; None where they looked.

    ``kept`` is how long what a page answers to a stranger may be kept for other strangers, at most: as
    long as a change that nobody announces may stay unseen. Nothing is kept of a page without it.
    """

    who: Who
    permission: str | None = None
    service: str | ServiceLookup | None = None
    scope: str | None = None
    availability: Availability = Availability.NEW_BUSINESS
    caller: Caller = Caller.BROWSER
    before_consent: bool = False
    assisted_service: bool = False
    recent_auth: bool = False
    writes: bool = False
    kept: timedelta | None = None
    told_as: Any = None

    def __post_init__(self) -> None:
        if self.kept is not None and self.who != "everyone":
            raise ValueError("what not everyone may read is kept for nobody")
        if self.caller is Caller.STRANGER and self.who != "everyone":
            raise ValueError("what not everyone may send carries the token of a form")


def declare(app: App, policies: Mapping[str, Policy]) -> None:
    """Say who may use some endpoints."""
    cast("SiteFlask", app).policies.update(policies)


def service_of(policy: Policy, arguments: Mapping[str, Any] | None = None) -> str | None:
    """The name of the service that a page belongs to; None for one of no service.

    Args:
        policy: The page's.
        arguments: What stands in its address; that of the present request by default, which is
            looked up once.

    Raises:
        NotFound: There is no such service.
    """
    if policy.service is None or isinstance(policy.service, str):
        return policy.service
    if arguments is not None:
        return policy.service(arguments)
    if "service" not in g:
        g.service = policy.service(request.view_args or {})
    return str(g.service)


def policy_of(endpoint: str | None) -> Policy | None:
    """Who may use an endpoint, and when; None if nobody has said it."""
    return running_app().policies.get(endpoint or "")


class _PolicyBlueprint(Blueprint):
    host = ""

    def __init__(self, name: str, import_name: str, **options: Any) -> None:
        super().__init__(name, import_name, **options)
        self.policies: dict[str, Policy] = {}

    def _page(self, rule: str, policy: Policy, methods: tuple[str, ...]) -> Callable[[View], View]:
        def register(view: View) -> View:
            self.policies[f"{self.name}.{view.__name__}"] = policy
            self.add_url_rule(
                rule,
                endpoint=view.__name__,
                view_func=view,
                methods=list(methods),
                host=self.host,
                strict_slashes=False,
            )
            return view

        return register

    def register(self, app: App, options: dict[str, Any]) -> None:
        """Register the pages and their policies."""
        super().register(app, options)
        declare(app, self.policies)


class CityBlueprint(_PolicyBlueprint):
    """Pages on a city's own hosts. With ``service``, each asks for the service's availability."""

    host = CITY_HOST

    def __init__(
        self,
        name: str,
        import_name: str,
        *,
        service: str | ServiceLookup | None = None,
        **options: Any,
    ) -> None:
        super().__init__(name, import_name, **options)
        self.service = service

    def page(
        self,
        rule: str,
        *,
        who: Who,
        methods: tuple[str, ...] = ("GET",),
        availability: Availability = Availability.NEW_BUSINESS,
        caller: Caller = Caller.BROWSER,
        before_consent: bool = False,
        assisted_service: bool = False,
        writes: bool = False,
        kept: timedelta | None = None,
        across_services: bool = False,
    ) -> Callable[[View], View]:
        """Register a page that ``everyone`` or a signed-in ``resident`` may use. One ``across_services``
        belongs to none of them, and shows of each what whoever asks may see."""
        policy = Policy(
            who=who,
            service=None if across_services else self.service,
            availability=availability,
            caller=caller,
            before_consent=before_consent,
            assisted_service=assisted_service,
            writes=writes,
            kept=kept,
        )
        return self._page(rule, policy, methods)


class ConsoleBlueprint(_PolicyBlueprint):
    """Pages of staff. A rule with ``<city>`` or ``<province>`` is held to the actor's reach. With
    ``service`` they are the desk of one, for whoever holds that desk."""

    host = CONSOLE_HOST

    def __init__(
        self,
        name: str,
        import_name: str,
        *,
        service: str | ServiceLookup | None = None,
        **options: Any,
    ) -> None:
        super().__init__(name, import_name, **options)
        self.service = service

    def page(
        self,
        rule: str,
        *,
        permission: str | None,
        methods: tuple[str, ...] = ("GET",),
        recent_auth: bool = False,
        across_services: bool = False,
        told_as: Any = None,
    ) -> Callable[[View], View]:
        """Register a page for staff with a permission; None lets in everyone, loudly. One
        ``across_services`` belongs to none of them, and shows of each what whoever asks may see.
        ``told_as`` is what residents read of whoever opens it (``Policy``)."""
        who: Who = "everyone" if permission is None else "staff"
        policy = Policy(
            who=who,
            permission=permission,
            service=None if across_services else self.service,
            recent_auth=recent_auth,
            told_as=told_as,
        )
        return self._page(rule, policy, methods)


class IndexBlueprint(_PolicyBlueprint):
    """Pages on the platform's own host, for everyone."""

    host = INDEX_HOST

    def page(self, rule: str) -> Callable[[View], View]:
        """Register a page for everyone."""
        return self._page(rule, Policy(who="everyone"), ("GET",))


def exempt_signed(app: SiteFlask, csrf: CSRFProtect) -> None:
    """Ask no form's token of endpoints whose callers sign what they send, or are told by something
    else: the API's are checked where a session counts, a stranger's by where the form stood."""
    for endpoint, policy in app.policies.items():
        if policy.caller is not Caller.BROWSER:
            csrf.exempt(app.view_functions[endpoint])


def allow_everyone(app: Flask, endpoint: str, *, kept: timedelta | None = None) -> None:
    """Let everyone use an endpoint of no blueprint (a probe, a stylesheet), loudly."""
    policy = Policy(who="everyone", availability=Availability.ANY_STATE, kept=kept)
    declare(app, {endpoint: policy})
