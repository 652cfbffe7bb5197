"""Utility bills: link an account, see what is due, what was used, and what it cost."""

from typing import TYPE_CHECKING

from smartcity_saas.lazy_imports import lazily

if TYPE_CHECKING:
    from smartcity_saas.services.utility_bills.registration import service

__all__ = ["service"]

__getattr__ = lazily(__name__, {"registration": ("service",)})
