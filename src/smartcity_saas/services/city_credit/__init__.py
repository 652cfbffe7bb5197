"""City credit: what it is, in a sentence."""

from typing import TYPE_CHECKING

from smartcity_saas.lazy_imports import lazily

if TYPE_CHECKING:
    from smartcity_saas.services.city_credit.registration import service

__all__ = ["service"]

__getattr__ = lazily(__name__, {"registration": ("service",)})
