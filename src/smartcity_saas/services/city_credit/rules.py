"""A city's rules as its document gives them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from smartcity_saas.catalog.benefits import PayAfterTreatment
from smartcity_saas.configuration.city import City, Localized
from smartcity_saas.product import product
from smartcity_saas.services.city_credit.names import CERTIFICATE, PAY_AFTER_TREATMENT, SERVICE
from smartcity_saas.services.city_credit.settings import DEFAULT_APPEAL_DAYS
from smartcity_saas.services.city_credit.standing import LevelRule, Rules, SourceRule
from smartcity_saas.web.money import parse_money

NO_LEVELS = (LevelRule("start", 0),)
"""Where a city has not written any: everybody stands at the start."""
START: Localized = {"zh": "起步", "en": "Starting"}


@dataclass(frozen=True)
class Benefit:
    """What a level opens. ``pay_after`` are its terms where it lets people pay after treatment."""

    name: str
    kind: str
    level: str
    title: Localized
    help: Localized
    pay_after: PayAfterTreatment | None = None

    @property
    def is_certificate(self) -> bool:
        """Whether a partner checks it by a code."""
        return self.kind == CERTIFICATE


@dataclass(frozen=True)
class CreditRules:
    """The rules of a city with their words.

    Attributes:
        rules: What entries are worth.
        source_names: What residents read, by source.
        repairs: How one gets more of a source, where the city says it.
        level_names: What residents read, by level.
        appeal_days: Working days in which an appeal is answered.
    """

    rules: Rules
    source_names: Mapping[str, Localized]
    repairs: Mapping[str, Localized]
    level_names: Mapping[str, Localized]
    benefits: tuple[Benefit, ...]
    appeal_days: int
    imported: frozenset[str]

    def level_name(self, level: str) -> Localized:
        """What residents read of a level."""
        return self.level_names.get(level, START)

    def source_name(self, source: str) -> Localized:
        """What residents read of a source, one without a rule by now included."""
        return self.source_names.get(source, {"zh": source, "en": source})


def credit_rules(city: City) -> CreditRules:
    """The rules of a city, from its settings of the service."""
    settings = city.catalog[SERVICE].settings
    kinds = product().registry.extensions.event_kinds
    sources = [(one.get("event") or one["imported"], one) for one in settings.get("sources", ())]
    levels = settings.get("levels", ())
    return CreditRules(
        rules=rules_of(settings),
        source_names={name: one.get("name") or kinds[name] for name, one in sources},
        repairs={name: one["repair"] for name, one in sources if "repair" in one},
        level_names={one["level"]: one["name"] for one in levels},
        benefits=tuple(_benefit(one, city.currency) for one in settings.get("benefits", ())),
        appeal_days=settings.get("appeal_days", DEFAULT_APPEAL_DAYS),
        imported=frozenset(one["imported"] for name, one in sources if "imported" in one),
    )


def rules_of(settings: Mapping[str, Any]) -> Rules:
    """What settings of the service say that entries are worth, without the words."""
    sources = [(one.get("event") or one["imported"], one) for one in settings.get("sources", ())]
    levels = tuple(LevelRule(one["level"], one["at_least"]) for one in settings.get("levels", ()))
    return Rules({name: _source(name, one) for name, one in sources}, levels or NO_LEVELS)


def _source(name: str, one: Mapping[str, Any]) -> SourceRule:
    return SourceRule(name, one["adds"], one["cap"], one["expires"], one.get("per", 1))


def _benefit(one: Mapping[str, Any], currency: str) -> Benefit:
    kind = one.get("kind", CERTIFICATE)
    terms = None
    if kind == PAY_AFTER_TREATMENT:
        terms = PayAfterTreatment(one["days"], parse_money(one["limit"], currency), currency)
    return Benefit(one["benefit"], kind, one["level"], one["name"], one.get("help", {}), terms)
