"""Whether a city can hand a pack in to an app now."""

from __future__ import annotations

from smartcity_saas.configuration.city import City
from smartcity_saas.configuration.secret_uses import uses_in
from smartcity_saas.credentials.store import usable_secrets
from smartcity_saas.errors import SmartCityError
from smartcity_saas.product import product


class CannotPack(SmartCityError):
    """No pack can be made of this city for this app now."""

    status = 409


def refuse_unready(city: City, app: str) -> None:
    """Refuse a city whose site an app cannot open, or that has no application at the app.

    Raises:
        CannotPack: So it is; the text says what to do.
    """
    if not city.is_live:
        raise CannotPack(
            f"“{city.slug}” is {city.state}: an app would open nothing. "
            "Go live first (state: live), then make the pack."
        )
    channel = product().channels.get(app)
    settings = city.channels.get(app)
    if channel is None or settings is None:
        raise CannotPack(
            f"“{city.slug}” has not configured channels.{app}: the city has no application at this app. "
            "Register one there, then add it to the document (docs/operations.md, “How residents sign in”)."
        )
    if not channel.open_at(city):
        raise CannotPack(f"“{city.slug}” has closed channels.{app}. Open it, then make the pack.")
    usable = usable_secrets()
    missing = sorted({use.name for use in uses_in(settings) if use not in usable})
    if missing:
        raise CannotPack(
            f"The secret “{missing[0]}” of channels.{app} is not stored. "
            f"Store it with `smartcity secrets set {city.slug} {missing[0]}`, then make the pack."
        )
