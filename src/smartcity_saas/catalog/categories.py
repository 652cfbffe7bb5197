"""The categories of a catalog, readable without what a service is made of."""

from __future__ import annotations

from collections.abc import Mapping

CATEGORIES: dict[str, Mapping[str, str]] = {
    "bills": {"zh": "缴费", "en": "Bills and payments"},
    "health": {"zh": "看病", "en": "Health"},
    "papers": {"zh": "证件和户籍", "en": "Papers and certificates"},
    "work": {"zh": "就业和社保", "en": "Work and social insurance"},
    "family": {"zh": "家庭和教育", "en": "Family and education"},
    "business": {"zh": "开店办企业", "en": "Business"},
    "travel": {"zh": "出行", "en": "Travel"},
    "home": {"zh": "住房和社区", "en": "Home and community"},
}
"""The categories of a catalog, in the order in which they are shown."""
