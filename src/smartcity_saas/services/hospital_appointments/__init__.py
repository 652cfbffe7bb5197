"""Hospital appointments: find a doctor, book a place, wait for one, come or cancel."""

from typing import TYPE_CHECKING

from smartcity_saas.lazy_imports import lazily

if TYPE_CHECKING:
    from smartcity_saas.services.hospital_appointments.registration import service

__all__ = ["service"]

__getattr__ = lazily(__name__, {"registration": ("service",)})
