"""What a table says of the residents whose rows it holds: what it is called, what leaves with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from smartcity_saas.configuration.city import Localized

ACCOUNTING = {
    "zh": "《会计档案管理办法》要求保存 30 年；已与你的姓名分开。",
    "en": "Accounting law (会计档案管理办法) keeps it for 30 years; apart from your name.",
}
PROOF = {
    "zh": "《个人信息保护法》第十四条、第六十九条：证明处理经过你同意。",
    "en": "PIPL, articles 14 and 69: proof that you had agreed.",
}
TRACE = {
    "zh": "《网络安全法》第二十一条：操作日志至少保存六个月。",
    "en": "Cybersecurity law, article 21: logs of acts are kept for six months at least.",
}


@dataclass(frozen=True)
class Held:
    """On a model, as ``held``: every table whose rows belong to a resident has one, and a test
    says which has not.

    ``erase`` says what happens when the resident leaves: ``delete``; ``blank`` (the columns of
    ``blank`` take those values, the rest is nobody's); ``keep``, for the reason of ``why``.
    ``shown`` are the columns that people see, with their names; a download has all.
    """

    title: Localized
    shown: Mapping[str, Localized]
    erase: Literal["delete", "blank", "keep"] = "delete"
    blank: Mapping[str, Any] = field(default_factory=dict)
    why: Localized | None = None


WHEN = {"zh": "时间", "en": "When"}
NAME = {"zh": "名称", "en": "Name"}
STATE = {"zh": "状态", "en": "State"}
AMOUNT = {"zh": "金额（分）", "en": "Amount (minor unit)"}
