"""Traffic tickets: link a vehicle or a licence, see what there is, pay it or dispute it."""

from typing import TYPE_CHECKING

from smartcity_saas.lazy_imports import lazily

if TYPE_CHECKING:
    from smartcity_saas.services.traffic_tickets.registration import service

__all__ = ["service"]

__getattr__ = lazily(__name__, {"registration": ("service",)})
