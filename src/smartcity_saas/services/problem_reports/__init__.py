"""Problem reports: a resident reports a pothole, everyone sees what becomes of it."""

from typing import TYPE_CHECKING

from smartcity_saas.lazy_imports import lazily

if TYPE_CHECKING:
    from smartcity_saas.services.problem_reports.registration import service

__all__ = ["service"]

__getattr__ = lazily(__name__, {"registration": ("service",)})
