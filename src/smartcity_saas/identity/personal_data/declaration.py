"""Declaration of personal data: what a table calls its rows, and what erasing a resident does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from smartcity_saas.configuration.city import Localized

ACCOUNTING = {
    "zh": "《会计档案管理办法》要求保存 30 年；已与你的姓名分开。",
    "en": "Accounting law (会计档案管理办法) keeps it for 30 years; apart from your name.",
}
PROOF = {
    "zh": "《个人信息保护法》第十四条、第六十九条：用来证明处理信息前征得了你的同意。",
    "en": "PIPL, articles 14 and 69: proof that you had agreed.",
}
TRACE = {
    "zh": "《网络安全法》第二十一条：操作日志至少保存六个月。",
    "en": "Cybersecurity law, article 21: activity logs must be kept for at least 6 months.",
}


@dataclass(frozen=True)
class PersonalData:
    """On a model, as ``personal_data``: every table whose rows belong to a resident has one, which
    a test checks.

    ``erase`` says what happens when the resident leaves: ``delete``; ``blank`` (the columns of
    ``blank`` take those values, the rest is nobody's); ``keep``, for the reason of ``why``.
    ``shown`` are the columns that people see, with their names, or paths to columns of what a row
    refers to (``vehicle.plate``); a download has all. ``words`` has
    what a column's codes mean, in both languages. ``seals`` says, of a row, what its column
    ``sealed`` holds: a name for it, and the kind that it was sealed as; ``shown`` is then the same
    masked. ``content`` is the kind that the column ``content``, a file's, was sealed as;
    a download has it opened. ``alone`` are the columns that the console may read without the row, as they say
    nothing of anybody; keys always are. ``via`` is for what somebody else keeps and residents are
    linked to, such as an account at a supplier: the table of the links.
    """

    title: Localized
    shown: Mapping[str, Localized]
    erase: Literal["delete", "blank", "keep"] = "delete"
    blank: Mapping[str, Any] = field(default_factory=dict)
    why: Localized | None = None
    words: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    seals: Callable[[Any], tuple[str, str]] | None = None
    content: str | None = None
    alone: frozenset[str] = frozenset()
    via: str | None = None

    def word(self, column: str, value: Any) -> Any:
        """A value as people read it: a code of the program in words, the rest as it is."""
        known = self.words.get(column, {})
        return known.get(value, value) if isinstance(value, str) else value


WHEN = {"zh": "时间", "en": "When"}
NAME = {"zh": "名称", "en": "Name"}
"""What somebody calls a thing."""
PERSON_NAME = {"zh": "姓名", "en": "Name"}
STATE = {"zh": "状态", "en": "State"}
MONEY_STATES = {
    "created": {"zh": "已发起", "en": "Started"},
    "open": {"zh": "缴费中", "en": "Being paid"},
    "processing": {"zh": "处理中", "en": "Processing"},
    "paid": {"zh": "已缴", "en": "Paid"},
    "failed": {"zh": "失败", "en": "Failed"},
    "expired": {"zh": "未缴", "en": "Not paid"},
    "held": {"zh": "待处理", "en": "On hold"},
    "refunded": {"zh": "已退款", "en": "Refunded"},
    "requested": {"zh": "已申请", "en": "Requested"},
    "pending": {"zh": "处理中", "en": "Processing"},
    "done": {"zh": "已完成", "en": "Done"},
}
DISPUTE_STATES = {
    "inquiry": {"zh": "银行询问", "en": "Bank inquiry"},
    "open": {"zh": "争议中", "en": "Disputed"},
    "won": {"zh": "已退还给城市", "en": "Decided for the city"},
    "lost": {"zh": "判给缴费人", "en": "Decided for the payer"},
    "closed": {"zh": "已结束", "en": "Closed"},
}
AMOUNT = {"zh": "金额", "en": "Amount"}
SUMS = frozenset({"amount", "fine"})
"""Columns of money, in the minor unit of the row's currency."""
MONTHS = frozenset({"period"})
"""Columns that hold the first day of a month, and mean the month."""

AUDIT_LOG = PersonalData(
    {"zh": "操作记录", "en": "Audit log"},
    {"at": WHEN, "action": {"zh": "操作", "en": "Action"}},
    "keep",
    why={
        "zh": "《网络安全法》第二十一条：操作日志至少保存六个月；记录里没有你的姓名和号码。",
        "en": "Cybersecurity law, article 21: activity logs must be kept. They hold no name or number.",
    },
)
"""A city's audit log, which lies below the residents: acts of a resident's, and on their account."""
