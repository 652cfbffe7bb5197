"""What the service adds to documents, which is read without its pages and tables."""

from __future__ import annotations

from smartcity_saas.configuration.extensions import (
    EmptySchema,
    ServiceExtension,
    SettingsChange,
)
from smartcity_saas.services.city_credit.names import SERVICE
from smartcity_saas.services.city_credit.settings import CityCreditSettings
from smartcity_saas.texts import Text


def effect_of_rules(change: SettingsChange) -> list[Text]:
    """How many residents other rules would raise or lower; tables are loaded only now."""
    from smartcity_saas.services.city_credit.effect import effect

    return effect(change)


extension = ServiceExtension(
    name=SERVICE,
    settings=CityCreditSettings,
    connectors={"local": EmptySchema},
    effect=effect_of_rules,
)
