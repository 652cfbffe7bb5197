"""Benefits that other services make good: what a resident's level opens, without the level."""

from __future__ import annotations

import uuid
from datetime import datetime

from smartcity_saas.catalog.benefits import PayAfterTreatment, most_generous
from smartcity_saas.clock import today_in
from smartcity_saas.services.city_credit.entries import entries_of, standing_of
from smartcity_saas.services.city_credit.membership import membership_of
from smartcity_saas.services.city_credit.rules import credit_rules
from smartcity_saas.services.city_credit.standing import reaches
from smartcity_saas.tenancy.current import current_city


class Benefits:
    """What the current city's levels open in other services."""

    def pay_after_treatment(
        self, resident_id: uuid.UUID, now: datetime
    ) -> PayAfterTreatment | None:
        """The best terms of all benefits that hold now; who does not take part has none."""
        city = current_city()
        rules = credit_rules(city)
        offered = [(one.level, one.pay_after) for one in rules.benefits if one.pay_after]
        if not offered or membership_of(resident_id) is None:
            return None
        standing = standing_of(entries_of(resident_id), city, today_in(city.timezone, now))
        return most_generous(
            [terms for level, terms in offered if reaches(standing, level, rules.rules)]
        )
