"""What every template may use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from flask import (
    g,
    request,
    session,
)

from smartcity_saas.catalog.service import Service
from smartcity_saas.clock import COMMON_ZONE
from smartcity_saas.configuration.colors import text_on
from smartcity_saas.configuration.secrets import names_secret
from smartcity_saas.identity.authorization import (
    current_resident,
    current_staff,
)
from smartcity_saas.identity.user_agents import channel_in_app
from smartcity_saas.product import product, request_site
from smartcity_saas.request.site import city_path, site_address, task_path
from smartcity_saas.tenancy.city_services import city_services, city_shown
from smartcity_saas.tenancy.current import time_beside, time_by_day
from smartcity_saas.tenancy.faults import has_failed
from smartcity_saas.tenancy.flask_app import SiteFlask
from smartcity_saas.tenancy.hosts import CITY_HOST, CONSOLE_HOST
from smartcity_saas.web.formats import init_formats
from smartcity_saas.web.languages import is_chinese, local, page_language
from smartcity_saas.web.paths import page_of_form
from smartcity_saas.web.preferences import TEXT_COOKIE, init_preferences


def init_template_context(app: SiteFlask) -> None:
    """Give every template its shared values, filters and functions."""
    app.context_processor(_shared_values)
    init_formats(app, _zone, time_by_day, time_beside)
    init_preferences(app, page_of_form, lambda name: name == "code" or names_secret(name))
    app.jinja_env.filters["preview_query"] = lambda typed: urlencode(
        {key: value for key, value in typed.items() if key not in ("csrf_token", "find")}
    )
    app.jinja_env.globals.update(
        text_on=text_on, city_path=city_path, task_path=task_path, site_address=site_address
    )


def _shared_values() -> dict[str, Any]:
    """What every template may use."""
    chinese = is_chinese()
    values: dict[str, Any] = {
        "colon": "：" if chinese else ": ",
        "comma": "，" if chinese else ", ",
        "gap": "" if chinese else " ",
        "stop": "。" if chinese else ". ",
        "demo": product().settings.demo,
        "lang": page_language(),
        "large_text": request.cookies.get(TEXT_COOKIE) == "large",
        "text": local,
        "services": _services(),
    }
    if request_site().kind == CITY_HOST:
        values |= {
            "city": request_site().city,
            "resident": resident_or_none(),
            "frame": False,
            "embedded": channel_in_app() is not None,
        }
    if request_site().kind == CONSOLE_HOST:
        values |= {"staff": _staff_or_none()}
        values["console_city"] = None if has_failed() else g.get("console_city")
    return values


def _services() -> Mapping[str, Service]:
    """The services of the city whose page it is, its own definitions among them; else the installed."""
    city = city_shown()
    return city_services(city) if city is not None else product().services


def resident_or_none() -> Any:
    """Who is signed in on a city's site; None after a fault, when nothing more is asked."""
    if has_failed():
        return None
    return current_resident() if "resident" in session or "resident" in g else None


def _staff_or_none() -> Any:
    if has_failed():
        return None
    return current_staff() if "staff" in session else None


def _zone() -> str:
    found = city_shown()
    return found.timezone if found is not None else COMMON_ZONE
