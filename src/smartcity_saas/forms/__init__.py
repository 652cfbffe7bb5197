"""Services that a document defines: a form in steps, an application, a decision, a letter."""

from typing import TYPE_CHECKING

from smartcity_saas.lazy_imports import lazily

if TYPE_CHECKING:
    from smartcity_saas.forms.registration import kind

__all__ = ["kind"]

__getattr__ = lazily(__name__, {"registration": ("kind",)})
