"""What the service adds to documents, which is read without its pages and tables."""

from __future__ import annotations

from smartcity_saas.configuration.extensions import EmptySchema, ServiceExtension
from smartcity_saas.connectors.settings import HttpConnectorSettings
from smartcity_saas.services.utility_bills.names import PAID_IN_TIME, SERVICE, TARIFFS
from smartcity_saas.services.utility_bills.settings import UtilityBillsSettings

extension = ServiceExtension(
    name=SERVICE,
    settings=UtilityBillsSettings,
    connectors={"local": EmptySchema, "http": HttpConnectorSettings},
    events={PAID_IN_TIME: {"zh": "按时缴水电燃气费", "en": "Utility bills paid on time"}},
    datasets=(TARIFFS,),
)
