"""The current time, and the current city: of the tenant context, a site or a desk's page."""

from __future__ import annotations

from datetime import datetime, timedelta

from smartcity_saas.clock import start_of_day, today_in
from smartcity_saas.configuration.city import City
from smartcity_saas.errors import NotFound, NotReady
from smartcity_saas.product import product, request_site
from smartcity_saas.tenancy.answer_life import answer_life
from smartcity_saas.tenant_context import current_city_id


def current_time() -> datetime:
    """The application's present moment, aware, in UTC. An answer that is made of it is not kept: it
    may be another one the next second."""
    if (life := answer_life()) is not None:
        life.end()
    return product().clock()


def time_by_day(zone: str) -> datetime:
    """The present moment for what tells only its day: an answer made of it holds until the next
    midnight of the zone."""
    now = product().clock()
    if (life := answer_life()) is not None:
        life.holds_until(start_of_day(today_in(zone, now) + timedelta(days=1), zone))
    return now


def time_of_reading(lasts: timedelta) -> datetime:
    """The present moment for an answer that says itself how old it may be: it holds for so long."""
    now = product().clock()
    if (life := answer_life()) is not None:
        life.holds_until(now + lasts)
    return now


def time_beside(moment: datetime | None) -> datetime:
    """The present moment for what tells only whether another one is over: an answer made of it holds
    until then."""
    now = product().clock()
    if moment is not None and moment > now and (life := answer_life()) is not None:
        life.holds_until(moment)
    return now


def current_city() -> City:
    """The city of the tenant context, as it is served.

    Raises:
        NotReady: This process does not serve it (yet).
    """
    found = product().registry.snapshot.by_id.get(current_city_id())
    if found is None:
        raise NotReady("this process does not serve the city")
    return found


def request_city() -> City:
    """The city on whose site the present request is.

    Raises:
        NotFound: It is on another host.
    """
    found = request_site().city
    if found is None:
        raise NotFound
    return found


def city_by_slug(slug: str) -> City:
    """A city as it is served, by its slug.

    Raises:
        NotFound: Nothing of it compiles.
    """
    found = product().registry.snapshot.cities.get(slug)
    if found is None:
        raise NotFound
    return found
