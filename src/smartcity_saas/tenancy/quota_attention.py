"""Quotas that a city has nearly or wholly used."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from smartcity_saas.attention import Attention, Urgency
from smartcity_saas.tenancy.city_quotas import STORAGE
from smartcity_saas.tenancy.quota_use import TITLES, Strain, own_strains
from smartcity_saas.texts import lazy_gettext as _
from smartcity_saas.texts import lazy_ngettext


def quota_attention(now: datetime) -> Iterator[Attention]:
    """The quotas of the current city that were nearly or wholly used in the last 24 hours, a row each."""
    for one in own_strains(now):
        if one.quota in TITLES:
            yield Attention(
                kind="quotas.reached" if one.is_reached else "quotas.near",
                title=strain_words(one),
                detail=_("Find out what takes so much, or ask for a larger quota.")
                if one.quota != STORAGE
                else _("When it is full, no photo or logo is taken. Ask for a larger quota."),
                icon="chart-bar",
                page="use",
                permission="city.see",
                urgency=Urgency.WAITING if one.is_reached else Urgency.ROUTINE,
                number=max(1, one.refused),
            )


def strain_words(one: Strain) -> Any:
    """What there is to say of a quota, in one line."""
    title = TITLES[one.quota]
    if one.refused:
        return lazy_ngettext(
            "%(quota)s: %(num)s refused, beyond the quota",
            "%(quota)s: %(num)s refused, beyond the quota",
            one.refused,
            quota=title,
        )
    return _("%(quota)s: %(percent)s%% of the quota used", quota=title, percent=one.percent)
