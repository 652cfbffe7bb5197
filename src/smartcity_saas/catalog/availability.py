"""Service availability: paused and closed stop new business, never existing business."""

from __future__ import annotations

from flask_babel import lazy_gettext as _

from smartcity_saas.configuration.city import CatalogEntry, City
from smartcity_saas.errors import NotFound, SmartCityError
from smartcity_saas.web.policy import Availability, Policy, service_of


class ServicePaused(SmartCityError):
    """New business with a service has stopped for now."""

    status = 503

    def __init__(self, entry: CatalogEntry) -> None:
        super().__init__("paused")
        self.entry = entry


class NotOffered(NotFound):
    """The service is closed. The address is right, so it is not said to be wrong."""

    title = _("This service is not open")

    def __init__(self) -> None:
        super().__init__(_("The city does not offer it at the moment. See the other services."))


class CitySuspended(SmartCityError):
    """The city's site is suspended as a whole."""

    status = 503


def require_available(city: City, policy: Policy) -> None:
    """Refuse a request whose page is not available in the city now.

    Raises:
        NotFound: The page writes, and the city is a draft, which a preview only reads.
        NotOffered: The service is closed.
        ServicePaused: The page is new business of a paused service.
        CitySuspended: The page is new business of a suspended city.
    """
    if city.is_draft and policy.writes:
        raise NotFound
    if policy.availability is not Availability.NEW_BUSINESS:
        return
    if city.is_suspended:
        raise CitySuspended
    name = service_of(policy)
    if name is None:
        return
    entry = city.catalog.get(name)
    if entry is None:
        raise NotFound
    if entry.is_closed:
        raise NotOffered
    if entry.is_paused:
        raise ServicePaused(entry)
