"""Bills to pay, and payments that came."""

from __future__ import annotations

from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import func, select

from smartcity_saas.audit import system
from smartcity_saas.database import db
from smartcity_saas.payments.disputes import decide_dispute, disputes_of
from smartcity_saas.payments.ledger import balances
from smartcity_saas.payments.models import LedgerEntry, Payment, Refund
from smartcity_saas.payments.reconciliation import day_span, reconcile
from smartcity_saas.payments.refunds import refundable, request_refund
from smartcity_saas.payments.repository import payment_of, refunds_of
from smartcity_saas.payments.settlement import sync_payment
from smartcity_saas.sandboxes.stripe import money as sandbox_money
from smartcity_saas.services.utility_bills.models import UtilityBill
from tests.support.bills import HEADER, ROW, bring, linked
from tests.support.browser import Browser
from tests.support.stripe import Stripe
from tests.support.world import World

PAY = "/services/utility-bills/pay"
TWO = HEADER + ROW + ROW.replace("2026-10", "2026-09").replace("43.50", "30.00")


def today(world: World) -> date:
    """The day that it is in the city."""
    return world.clock().astimezone(ZoneInfo("Asia/Shanghai")).date()


class Owing:
    """Someone with bills to pay, and levers."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.stripe: Stripe = world.open_payments()
        self.browser, self.account = linked(world)
        bring(world, TWO)
        with world.inside("hangzhou"):
            rows = db.session.scalars(select(UtilityBill).order_by(UtilityBill.amount.desc()))
            self.bills = [str(row.id) for row in rows]

    def press(self, *bills: str, browser: Browser | None = None) -> Any:
        """Press “pay”."""
        return (browser or self.browser).post(PAY, "/me", bill=list(bills or self.bills))

    def payment(self) -> Payment:
        """The newest payment, as it is stored."""
        with self.world.inside("hangzhou"):
            return db.session.scalars(select(Payment).order_by(Payment.id.desc()).limit(1)).one()

    def follow(self) -> Payment:
        """Ask the provider."""
        payment = self.payment()
        with self.world.inside("hangzhou"):
            return sync_payment(self.world.city("hangzhou"), payment.id, self.world.clock())

    def postings(self) -> list[tuple[str, str, int]]:
        """Everything in the ledger."""
        with self.world.inside("hangzhou"):
            rows = db.session.scalars(select(LedgerEntry).order_by(LedgerEntry.id))
            return [(row.debit, row.credit, row.amount) for row in rows]

    def unpaid(self) -> int:
        """How many bills are due."""
        with self.world.inside("hangzhou"):
            query = select(func.count(UtilityBill.id)).where(UtilityBill.paid_on.is_(None))
            return int(db.session.scalar(query) or 0)

    def check(self, state: str, *, unpaid: int, postings: int) -> None:
        """The final state, and a ledger that adds up."""
        assert (self.payment().state, self.unpaid()) == (state, unpaid)
        assert len(self.postings()) == postings
        with self.world.inside("hangzhou"):
            assert sum(balances().values()) == 0


class Paid(Owing):
    """With what finance and the provider do afterwards."""

    def __init__(self, world: World, **how: Any) -> None:
        super().__init__(world)
        self.press()
        self.stripe.pay(**how)
        self.key = self.follow().id

    def ask(self, amount: int, reason: str = "test") -> None:
        """Ask for a refund, as finance does."""
        with self.world.inside("hangzhou"):
            request_refund(system("test"), self.key, amount, reason, self.world.clock())

    def rows(self) -> list[Refund]:
        """Refunds here."""
        with self.world.inside("hangzhou"):
            return refunds_of(self.key)

    def there(self) -> list[dict[str, Any]]:
        """Refunds at the provider."""
        return self.stripe.objects("refund")

    def left(self) -> int:
        """What may still go back."""
        with self.world.inside("hangzhou"):
            return refundable(payment_of(self.key))

    def bounce(self) -> None:
        """The bank sends the newest refund back."""
        stripe = self.stripe
        sandbox_money.settle_refund(
            stripe.sandbox, stripe.account, self.there()[-1], succeeds=False
        )
        self.follow()


class Disputed(Paid):
    """With what a payer's bank does."""

    def dispute(self, **how: Any) -> dict[str, Any]:
        """The bank disputes it."""
        stripe = self.stripe
        return sandbox_money.dispute(stripe.sandbox, stripe.account, stripe.session(), **how)

    def close(self, made: dict[str, Any], *, won: bool) -> None:
        """The bank decides."""
        sandbox_money.close_dispute(self.stripe.sandbox, self.stripe.account, made, won=won)
        self.follow()

    def books(self) -> dict[tuple[str, str], int]:
        """What stands in each account, in CNY."""
        with self.world.inside("hangzhou"):
            return {name: amount for name, amount in balances().items() if amount}

    def differences(self) -> tuple[Any, ...]:
        """What reconciling finds today."""
        city = self.world.city("hangzhou")
        with self.world.inside("hangzhou"):
            return reconcile(city, *day_span(city, today(self.world))).differences

    def decide(self, decision: Any) -> None:
        """Finance decides."""
        with self.world.inside("hangzhou"):
            (row,) = disputes_of(self.key)
            decide_dispute(system("test"), self.key, row.id, decision, self.world.clock())


POSTING = ("provider:stripe", "service:utility_bills", 7350)
