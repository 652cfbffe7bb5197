"""Telling, from inside a city, that something changed which its pages for everyone show."""

from __future__ import annotations

from smartcity_saas.configuration.repository import touch_content
from smartcity_saas.tenancy.context import without_tenant
from smartcity_saas.tenant_context import current_city_id


def tell_content_changed() -> None:
    """Have the current city's kept pages made anew, once what changed has been committed.

    The version that every process watches is the platform's, so this is said outside the city and after
    its transaction. A process that dies between leaves the old page for as long as its policy keeps it.
    """
    city_id = current_city_id()
    with without_tenant():
        touch_content(city_id)
