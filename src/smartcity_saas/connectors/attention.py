"""Back offices that do not answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from flask_babel import gettext
from flask_babel import lazy_gettext as _

from smartcity_saas.attention import Attention, Urgency
from smartcity_saas.configuration.city import City
from smartcity_saas.measures import RecentOutage
from smartcity_saas.measures.reading import Key
from smartcity_saas.tenancy.city_services import city_services
from smartcity_saas.web.formats import moment_of
from smartcity_saas.web.languages import local


def outage_attention(
    city: City, outages: Mapping[Key, RecentOutage], now: datetime
) -> Iterator[Attention]:
    """The back offices of a city that failed in the last hour, a row each; ``outages`` are what
    ``recent_outages`` gave of it."""
    services = city_services(city)
    for (_city, name), outage in sorted(outages.items()):
        if name not in services:
            continue
        title, since = local(services[name].title), moment_of(outage.since, city.timezone)
        down = outage.is_down(now)
        yield Attention(
            kind="connectors.down",
            title=gettext("%(service)s: no answer since %(since)s", service=title, since=since)
            if down
            else gettext(
                "%(service)s: no answer until %(until)s",
                service=title,
                until=moment_of(outage.until, city.timezone),
            ),
            detail=_("Residents see the last data that came, or cannot go on."),
            icon="unlink",
            page="document",
            permission="city.see",
            service=name,
            urgency=Urgency.DOWN if down else Urgency.WAITING,
            since=outage.since,
        )
