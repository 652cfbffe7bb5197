"""Entries: what services tell of and the city imports, for whoever takes part."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Select, and_, delete, select

from smartcity_saas.catalog.events import ServiceEvent
from smartcity_saas.configuration.city import City
from smartcity_saas.database import db, one_or_404, transaction
from smartcity_saas.identity.residents.accounts import SignedInResident
from smartcity_saas.services.city_credit.consent import choices_of, covers, takes
from smartcity_saas.services.city_credit.membership import forget_appeals, locked_membership
from smartcity_saas.services.city_credit.models import (
    CreditAppeal,
    CreditEntry,
    CreditSourceChoice,
)
from smartcity_saas.services.city_credit.names import SERVICE
from smartcity_saas.services.city_credit.rules import credit_rules
from smartcity_saas.services.city_credit.standing import Record, Standing, standing
from smartcity_saas.tenancy.current import current_city
from smartcity_saas.texts import lazy_gettext as _


@dataclass(frozen=True)
class AccountedEntry:
    """An entry with its appeal, and how much of it counts now."""

    entry: CreditEntry
    appeal: CreditAppeal | None

    @property
    def quantity(self) -> int:
        """What counts: as the resident says where an appeal was decided for them; while it is open
        too, unless the entry adds something as it is and the question is how much."""
        if self.appeal is None or not self.appeal.favours_resident:
            return self.entry.quantity
        if self.appeal.is_open and self.entry.quantity:
            return self.entry.quantity
        return self.entry.claimed

    @property
    def record(self) -> Record:
        """The entry as the rules read it."""
        return Record(self.entry.source, self.quantity, self.entry.day)


class Listener:
    """Hears what residents did, and keeps it for those who let that source count."""

    def happened(self, event: ServiceEvent) -> None:
        """Keep an event; told again, it counts once, as it was told last."""
        city = current_city()
        credit = credit_rules(city)
        if not city.catalog[SERVICE].is_open or event.kind not in credit.rules.sources:
            return
        quantity = 1 if event.fulfilled else 0
        with transaction() as session:
            if locked_membership(event.resident_id) is None:
                return
            known = _known(event.kind, event.reference)
            choice = choices_of(event.resident_id).get(event.kind)
            covered = choice is not None and covers(choice, event.day, city.timezone)
            if known is not None and covered and known.resident_id == event.resident_id:
                if known.quantity != quantity:
                    forget_appeals(CreditAppeal.entry_id == known.id)
                known.quantity, known.day = quantity, event.day
                return
            if known is not None:
                forget_entry(known)
            if not (covered and takes(choice, credit)):
                return
            session.add(
                CreditEntry(
                    resident_id=event.resident_id,
                    source=event.kind,
                    reference=event.reference,
                    day=event.day,
                    quantity=quantity,
                    claimed=1,
                    revision=city.revision,
                    recorded_at=event.now,
                )
            )

    def undone(self, kind: str, reference: str) -> None:
        """Forget an event that did not happen after all, with what was said against it."""
        with transaction():
            entry = _known(kind, reference)
            if entry is not None:
                forget_entry(entry)


def accounted_entries() -> Select[CreditEntry, CreditAppeal]:
    """Every entry of a source that counts for its resident, with its appeal if there is one: what
    ``AccountedEntry`` is made of."""
    return (
        select(CreditEntry, CreditAppeal)
        .join(
            CreditSourceChoice,
            and_(
                CreditSourceChoice.resident_id == CreditEntry.resident_id,
                CreditSourceChoice.source == CreditEntry.source,
            ),
        )
        .outerjoin(
            CreditAppeal,
            and_(
                CreditAppeal.entry_id == CreditEntry.id,
                CreditAppeal.resident_id == CreditEntry.resident_id,
            ),
        )
        .where(CreditSourceChoice.counts.is_(True))
    )


def entries_of(resident_id: uuid.UUID) -> list[AccountedEntry]:
    """A resident's entries of sources that count, with their appeals, the newest first; expired
    ones too."""
    query = (
        accounted_entries()
        .where(CreditEntry.resident_id == resident_id)
        .order_by(CreditEntry.day.desc(), CreditEntry.id)
    )
    return [AccountedEntry(*row) for row in db.session.execute(query)]


def own_entry(resident: SignedInResident, entry_id: uuid.UUID) -> CreditEntry:
    """One entry of a resident's.

    Raises:
        NotFound: It is somebody else's, or nobody's.
    """
    query = select(CreditEntry).where(
        CreditEntry.id == entry_id, CreditEntry.resident_id == resident.id
    )
    return one_or_404(query, _("We cannot find that entry."))


def standing_of(entries: Iterable[AccountedEntry], city: City, today: date) -> Standing:
    """The level that some entries give by the city's present rules."""
    return standing([one.record for one in entries], credit_rules(city).rules, today)


def forget_entry(entry: CreditEntry) -> None:
    """Erase an entry with what was said against it."""
    forget_appeals(CreditAppeal.entry_id == entry.id)
    db.session.execute(delete(CreditEntry).where(CreditEntry.id == entry.id))


def _known(source: str, reference: str) -> CreditEntry | None:
    query = select(CreditEntry).where(
        CreditEntry.source == source, CreditEntry.reference == reference
    )
    found: CreditEntry | None = db.session.scalars(query.with_for_update()).one_or_none()
    return found
