"""A sample member with sample entries for demo mode, plainly marked as sample."""

from __future__ import annotations

from datetime import datetime, timedelta

from smartcity_saas.clock import today_in
from smartcity_saas.configuration.city import City
from smartcity_saas.database import transaction
from smartcity_saas.identity.demo import sample_resident
from smartcity_saas.services.city_credit.membership import join
from smartcity_saas.services.city_credit.models import CreditEntry
from smartcity_saas.services.city_credit.names import SERVICE
from smartcity_saas.services.city_credit.rules import credit_rules

ENTRIES_A_SOURCE = 6
DAYS_APART = 30


def fill(city: City, now: datetime) -> None:
    """Fill the current city, where city credit is open: one resident takes part, with six
    entries of each source. The newest of each event went wrong,
    so that an appeal can be tried."""
    if not city.catalog[SERVICE].is_open:
        return
    sources = credit_rules(city).rules.sources
    if not sources:  # nothing to agree to yet
        return
    today = today_in(city.timezone, now)
    resident = sample_resident("household", now)
    join(resident, sources.keys(), now - timedelta(days=ENTRIES_A_SOURCE * DAYS_APART))
    with transaction() as session:
        for source in sources:
            for place in range(ENTRIES_A_SOURCE):
                missed = place == 0 and "." in source
                session.add(
                    CreditEntry(
                        resident_id=resident.id,
                        source=source,
                        reference=f"SAMPLE-{place}",
                        day=today - timedelta(days=1 + place * DAYS_APART),
                        quantity=0 if missed else 1,
                        claimed=1,
                        revision=city.revision,
                        recorded_at=now,
                        sample=True,
                    )
                )
