"""Consent to city credit: to which text, to which rules, and to each source by itself.

Personal Information Protection Law (个人信息保护法), read in the articles' own words except where said:

- article 13: personal information is processed on consent; nothing else carries city credit;
- article 14: consent is voluntary and explicit, in full knowledge. That a change of purpose, method or
  kind asks for it anew was read in summaries alone: hence ``terms_of``;
- article 15: consent can be withdrawn, as easily as it was given: each source has its switch;
- article 16: nobody is refused a service for not agreeing: no code outside this folder asks;
- article 17: who, what for, which kinds, for how long, said before; and told when it changes.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import select

from smartcity_saas.clock import today_in
from smartcity_saas.configuration.city import City, Localized
from smartcity_saas.database import db, insert_once
from smartcity_saas.services.city_credit.models import (
    CreditMembership,
    CreditRulesVersion,
    CreditSourceChoice,
)
from smartcity_saas.services.city_credit.names import SERVICE
from smartcity_saas.services.city_credit.rules import CreditRules
from smartcity_saas.services.city_credit.standing import SourceRule

CONSENT_VERSION = "2026-12"
"""The text of the page of consent. Whoever changes what it asks for changes this: members are asked
again, and nothing new is taken of those who have not answered."""


@dataclass(frozen=True)
class RulesVersion:
    """The rules in force: their number from 1, the revision of the city's document by which they
    were first seen, when that was (None: they are seen for the first time now), and what they say."""

    number: int
    revision: int
    seen_at: datetime | None
    settings: Mapping[str, Any]

    @property
    def question(self) -> str:
        """What members are asked while these rules and the present text stand."""
        return f"{CONSENT_VERSION}/{self.number}"


def present_version(city: City) -> RulesVersion:
    """The rules of the current city, as they are numbered."""
    settings = _plain(city.catalog[SERVICE].settings)
    newest = db.session.scalars(
        select(CreditRulesVersion).order_by(CreditRulesVersion.number.desc()).limit(1)
    ).one_or_none()
    if newest is None:
        return RulesVersion(1, city.revision, None, settings)
    if newest.mark == _mark(settings) or newest.revision > city.revision:
        return RulesVersion(newest.number, newest.revision, newest.seen_at, newest.settings)
    return RulesVersion(newest.number + 1, city.revision, None, settings)


def note_version(city: City, now: datetime) -> RulesVersion:
    """The same, and number rules that are seen for the first time."""
    found = present_version(city)
    if found.seen_at is None:
        insert_once(
            CreditRulesVersion,
            ("number",),
            number=found.number,
            mark=_mark(found.settings),
            revision=found.revision,
            settings=found.settings,
            seen_at=now,
        )
    return found


def settings_of_version(number: int) -> Mapping[str, Any]:
    """What the rules of a number said; nothing where they are not known any more."""
    query = select(CreditRulesVersion.settings).where(CreditRulesVersion.number == number)
    return db.session.scalars(query).one_or_none() or {}


def is_asked(member: CreditMembership, version: RulesVersion) -> bool:
    """Whether a member has not answered yet, since the rules or the text changed."""
    return member.answered != version.question


def terms_of(rule: SourceRule, name: Localized) -> str:
    """A mark of what somebody agrees to by letting a source count: what is taken, for how long it
    is kept, under which text. What it adds is no part of it: that only decides what it is worth."""
    return _mark([CONSENT_VERSION, rule.source, dict(name), rule.months])


def choices_of(resident_id: uuid.UUID) -> dict[str, CreditSourceChoice]:
    """What a member has chosen, by source."""
    query = select(CreditSourceChoice).where(CreditSourceChoice.resident_id == resident_id)
    return {row.source: row for row in db.session.scalars(query)}


def choices_of_all(
    residents: Collection[uuid.UUID], sources: Collection[str]
) -> dict[tuple[uuid.UUID, str], CreditSourceChoice]:
    """What several members have chosen of some sources."""
    query = select(CreditSourceChoice).where(
        CreditSourceChoice.resident_id.in_(residents), CreditSourceChoice.source.in_(sources)
    )
    return {(row.resident_id, row.source): row for row in db.session.scalars(query)}


def takes(choice: CreditSourceChoice | None, credit: CreditRules) -> bool:
    """Whether something new of a source may be kept: the member agreed to what it is now."""
    if choice is None or not choice.counts:
        return False
    rule = credit.rules.sources.get(choice.source)
    return rule is not None and choice.terms == terms_of(rule, credit.source_name(choice.source))


def covers(choice: CreditSourceChoice, day: date, zone: str) -> bool:
    """Whether something was done on or after the day from which its source is taken."""
    return day >= today_in(zone, choice.since)


def _plain(settings: Any) -> Any:
    return json.loads(json.dumps(settings, default=str))


def _mark(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
