"""What the service adds to documents, which is read without its pages and tables."""

from __future__ import annotations

from smartcity_saas.configuration.extensions import EmptySchema, ServiceExtension
from smartcity_saas.connectors.settings import HttpConnectorSettings
from smartcity_saas.services.hospital_appointments.fhir_settings import FHIR, FhirConnectorSettings
from smartcity_saas.services.hospital_appointments.names import (
    ATTENDED,
    CLINIC_FEES,
    CLINIC_PLACES,
    SERVICE,
)
from smartcity_saas.services.hospital_appointments.settings import HospitalAppointmentsSettings

extension = ServiceExtension(
    name=SERVICE,
    settings=HospitalAppointmentsSettings,
    connectors={
        "local": EmptySchema,
        "http": HttpConnectorSettings,
        FHIR: FhirConnectorSettings,
    },
    events={ATTENDED: {"zh": "挂号按时就诊", "en": "Hospital appointments attended"}},
    datasets=(CLINIC_PLACES, CLINIC_FEES),
    assurance="contact",  # a hospital must be able to say that a clinic is off
)
