"""What the service adds to documents, which is read without its pages and tables."""

from __future__ import annotations

from smartcity_saas.configuration.extensions import EmptySchema, ServiceExtension
from smartcity_saas.connectors.settings import HttpConnectorSettings
from smartcity_saas.services.traffic_tickets.names import SERVICE, SETTLED_IN_TIME
from smartcity_saas.services.traffic_tickets.settings import TrafficTicketsSettings

extension = ServiceExtension(
    name=SERVICE,
    settings=TrafficTicketsSettings,
    connectors={"local": EmptySchema, "http": HttpConnectorSettings},
    events={SETTLED_IN_TIME: {"zh": "按时处理交通违法", "en": "Traffic tickets settled on time"}},
)
