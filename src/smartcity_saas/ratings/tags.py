"""What residents can tick beside a rating: a bounded list, good things and faults.

The four kinds (how fast it goes, how exact the guide is, how easy the way, how the platform works)
are those that a city's published rules of 好差评 name for ratings online.
"""

from __future__ import annotations

from collections.abc import Mapping

from smartcity_saas.catalog.rateable import RateableAct
from smartcity_saas.configuration.city import Localized
from smartcity_saas.ratings.models import RatingLevel

GOOD: Mapping[str, Localized] = {
    "fast": {"zh": "办得快", "en": "Fast"},
    "guide_clear": {"zh": "说明清楚", "en": "Clear instructions"},
    "few_steps": {"zh": "步骤少", "en": "Few steps"},
    "easy_to_use": {"zh": "页面好用", "en": "Easy to use"},
}
FAULTS: Mapping[str, Localized] = {
    "slow": {"zh": "办得慢", "en": "Slow"},
    "guide_unclear": {"zh": "说明看不懂", "en": "Unclear instructions"},
    "many_steps": {"zh": "步骤多", "en": "Too many steps"},
    "hard_to_use": {"zh": "页面不好用", "en": "Hard to use"},
}


def tags_for(level: RatingLevel, act: RateableAct | None) -> dict[str, Localized]:
    """The tags that fit a level, by code: good things for who is satisfied, what could be better
    for all others, with those of the act itself.

    Args:
        level: The rating's.
        act: What was rated; None for one that is not installed any more.
    """
    if level in (RatingLevel.VERY_SATISFIED, RatingLevel.SATISFIED):
        return dict(GOOD)
    return {**(act.faults if act else {}), **FAULTS}


def tag_words(codes: list[str], act: RateableAct | None) -> list[Localized]:
    """Tags as they were ticked, in words; one that is not known any more is left out."""
    known = {**GOOD, **FAULTS, **(act.faults if act else {})}
    return [known[code] for code in codes if code in known]
