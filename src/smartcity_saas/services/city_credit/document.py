"""What the service adds to documents, which is read without its pages and tables."""

from __future__ import annotations

from smartcity_saas.configuration.extensions import EmptySchema, ServiceExtension
from smartcity_saas.services.city_credit.names import SERVICE
from smartcity_saas.services.city_credit.settings import CityCreditSettings

extension = ServiceExtension(
    name=SERVICE,
    settings=CityCreditSettings,
    connectors={"local": EmptySchema},
)
