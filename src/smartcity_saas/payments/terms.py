"""What can be paid at once: said before “pay” is pressed, and held when it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol, TypeVar

from flask_babel import lazy_gettext as _
from sqlalchemy import bindparam, func, select

from smartcity_saas.configuration.city import City
from smartcity_saas.database import CITY, run, table_of
from smartcity_saas.payments.accounts import limits_of, payment_methods, payments_open
from smartcity_saas.payments.models import Payment
from smartcity_saas.payments.providers import Limits
from smartcity_saas.web.money import format_money

REMEMBERED = timedelta(days=7)
MOST_AT_ONCE = 30
"""How many things one payment may be for: a receipt and a provider's page that can be read."""
TOO_MANY = _(
    "You can pay up to %(most)s at once. Choose fewer now, and pay the rest later.",
    most=MOST_AT_ONCE,
)

_payment = table_of(Payment)
_REFUSED = select(func.max(_payment.c.amount)).where(
    _payment.c.city_id == CITY,
    _payment.c.refusal == "too_small",
    _payment.c.provider == bindparam("provider"),
    _payment.c.currency == bindparam("currency"),
    _payment.c.created_at > bindparam("since"),
)


class Owed(Protocol):
    """A thing to pay."""

    @property
    def currency(self) -> str:
        """Its currency's code."""


Thing = TypeVar("Thing", bound=Owed)


@dataclass(frozen=True)
class PayTerms:
    """How one pays in a currency, and which amounts the provider takes.

    ``refused`` is the largest amount that it has called too small of late: the least one in a
    currency that the account is not paid out in is known to the provider alone, and moves. It is
    said, and stops nobody.
    """

    currency: str
    limits: Limits
    refused: int = 0
    methods: tuple[str, ...] = ()

    most = MOST_AT_ONCE
    too_many = TOO_MANY

    @property
    def too_small(self) -> Any:
        """What is said of less than the least."""
        least = format_money(self.limits.least, self.currency)
        return _(
            "The smallest amount you can pay here is %(least)s. Pay several items together.",
            least=least,
        )

    @property
    def doubtful(self) -> Any:
        """What is said of an amount that the provider has refused of late."""
        return _(
            "%(amount)s is too small for the payment provider. Pay several items together.",
            amount=format_money(self.refused, self.currency),
        )

    @property
    def too_fine(self) -> Any:
        """What is said of an amount between two that the provider takes."""
        step = format_money(self.limits.step, self.currency)
        return _("You can only pay multiples of %(step)s here. Pay at the counter.", step=step)

    def objection(self, amounts: Sequence[int]) -> Any:
        """Why some amounts cannot be paid together; None where they can."""
        if not amounts:
            return _("Choose what to pay.")
        if len(amounts) > MOST_AT_ONCE:
            return TOO_MANY
        if any(amount % self.limits.step for amount in amounts):
            return self.too_fine
        return self.too_small if sum(amounts) < self.limits.least else None

    def first_choice(self, due: Sequence[Thing]) -> list[Thing]:
        """What a page chooses beforehand of what is due: as many of the first ones as can be paid
        together, in this currency."""
        return [one for one in due if one.currency == self.currency][:MOST_AT_ONCE]

    def warning(self, amounts: Sequence[int]) -> Any:
        """What to expect of some amounts that may be tried; None where nothing is known."""
        return self.doubtful if 0 < sum(amounts) <= self.refused else None


def terms_of(city: City, currency: str, now: datetime) -> PayTerms:
    """What the provider of the current city takes in a currency."""
    provider = (city.payments or {}).get("provider", "")
    values = {"provider": provider, "currency": currency, "since": now - REMEMBERED}
    return PayTerms(
        currency,
        limits_of(provider, currency),
        run(_REFUSED, values).scalar() or 0,
        payment_methods(city),
    )


def open_terms(city: City, due: Sequence[Owed], now: datetime) -> PayTerms | None:
    """The same for a page of things that are due; None while nothing is, or the city takes no
    payments. Of several currencies the city's own comes first: what is left in the one before,
    which its provider may not charge any more, is in nobody's way."""
    if not due or not payments_open(city):
        return None
    own = any(one.currency == city.currency for one in due)
    return terms_of(city, city.currency if own else due[0].currency, now)
