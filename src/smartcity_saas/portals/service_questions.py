"""A definition from questions that were typed into a form of the console: its simple kinds of field."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from flask_babel import lazy_gettext as _

from smartcity_saas.configuration.yaml_edit import write
from smartcity_saas.errors import FieldErrors
from smartcity_saas.forms.names import CHOICES, HOLDER, FieldKind

SIMPLE_KINDS: Mapping[FieldKind, Any] = {
    FieldKind.TEXT: _("A line of text"),
    FieldKind.LONG_TEXT: _("Several lines of text"),
    FieldKind.WHOLE_NUMBER: _("A whole number"),
    FieldKind.MONEY: _("An amount of money"),
    FieldKind.DATE: _("A date"),
    FieldKind.YES_NO: _("Yes or no"),
    FieldKind.CHOICE: _("One of several answers"),
    FieldKind.CHOICES: _("Any of several answers"),
    FieldKind.PHONE: _("A mobile number"),
    FieldKind.ADDRESS: _("An address"),
    FieldKind.PERSON: _("Who it is for"),
    FieldKind.PHOTOGRAPH: _("A photograph"),
    FieldKind.FILE: _("A file"),
}
"""The kinds that can be asked for without YAML, in words."""
ALL_KINDS: Mapping[FieldKind, Any] = {
    **SIMPLE_KINDS,
    FieldKind.DECIMAL: _("A number with decimals"),
    FieldKind.DATE_RANGE: _("A first and a last day"),
    FieldKind.RESIDENT_NUMBER: _("A resident identity number"),
    FieldKind.PLATE: _("A number plate"),
    FieldKind.DECLARATION: _("A declaration to agree to"),
}
KEPT = (1, 2, 3, 5, 10, 30)
"""For how many years an application can be kept, to choose from."""
FIRST_ROWS, MORE_ROWS, MOST_ROWS = 4, 4, 30
_PAIR = re.compile(r"\s*(.+?)\s*[/／|]\s*(.+?)\s*")


def question_rows(typed: Mapping[str, str]) -> range:
    """The numbers of the questions' rows: those that were there, and some more where asked for."""
    there = [int(key[5:]) for key in typed if re.fullmatch(r"kind-[0-9]{1,2}", key)]
    rows = max(there, default=FIRST_ROWS - 1) + 1
    return range(min(MOST_ROWS, rows + MORE_ROWS if "more" in typed else rows))


def definition_text(typed: Mapping[str, str]) -> str:
    """The YAML of a definition of one step.

    Args:
        typed: The fields of the form: ``title_zh``, ``days`` …, and for each row of questions
            ``zh-0``, ``en-0``, ``kind-0``, ``required-0``, ``options-0``.

    Raises:
        FieldErrors: What is missing or cannot be read, by field.
    """
    errors: dict[str, Any] = {}
    title = _both(typed, "title", errors)
    name = _name(title["en"])
    if not name[:1].isalpha():
        errors.setdefault("title_en", _("Begin the English name with a letter."))
    asked = _questions(typed, errors)
    if not asked:
        errors.setdefault("zh-0", _("Ask at least one question."))
    values: dict[str, Any] = {
        "kind": "form",
        "state": "open" if typed.get("open") else "closed",
        "title": title,
        "category": typed.get("category", "papers"),
    }
    for key in ("help", "department", "who"):
        if typed.get(f"{key}_zh", "").strip() or typed.get(f"{key}_en", "").strip():
            values[key] = _both(typed, key, errors)
    days = typed.get("days", "").strip()
    if not re.fullmatch("[0-9]{1,3}", days) or not 1 <= int(days) <= 250:
        errors["days"] = _("Enter working days, 1 to 250.")
    else:
        values["takes"] = {"working_days": int(days)}
    fee = typed.get("fee", "").strip() or "0"
    if not re.fullmatch(r"[0-9]{1,10}(\.[0-9]{1,4})?", fee):
        errors["fee"] = _("“%(fee)s” is no amount. Enter a plain number, such as 20.00.", fee=fee)
    values["fee"] = fee
    values["assurance"] = typed.get("assurance", "contact")
    values["steps"] = [{"title": title, "fields": asked}]
    if typed.get("result", "none") != "none":
        values["result"] = {"kind": typed["result"]}
    keep = typed.get("keep") or "1"
    if keep not in map(str, KEPT):
        errors["keep"] = _("Choose how long it is kept.")
    else:
        values["keep"] = {"years": int(keep)}
    if errors:
        raise FieldErrors(errors)
    return write({name: values})


def _both(typed: Mapping[str, str], key: str, errors: dict[str, Any]) -> dict[str, str]:
    found = {one: typed.get(f"{key}_{one}", "").strip() for one in ("zh", "en")}
    for language, text in found.items():
        if not text:
            errors[f"{key}_{language}"] = _("Write it in both languages.")
    return found


def _questions(typed: Mapping[str, str], errors: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for row in question_rows({key: typed[key] for key in typed if key != "more"}):
        zh, en = typed.get(f"zh-{row}", "").strip(), typed.get(f"en-{row}", "").strip()
        if not zh and not en:
            continue
        if not zh or not en:
            errors[f"{'en' if zh else 'zh'}-{row}"] = _("Write it in both languages.")
        kind = typed.get(f"kind-{row}", FieldKind.TEXT)
        asked: dict[str, Any] = {
            "name": _unused(_name(en), row, found),
            "kind": kind if kind in {*SIMPLE_KINDS} else FieldKind.TEXT.value,
            "label": {"zh": zh, "en": en},
        }
        if typed.get(f"required-{row}"):
            asked["required"] = True
        if asked["kind"] in CHOICES:
            asked["options"] = _options(typed.get(f"options-{row}", ""), row, errors)
        found.append(asked)
    return found


def _name(words: str) -> str:
    """English words as a name in a document: ``Tree pruning!`` is ``tree_pruning``."""
    return "_".join(re.findall(r"[a-z0-9]+", words.lower()))[:30].strip("_")


def _unused(name: str, row: int, found: list[dict[str, Any]]) -> str:
    """A name for a field that no other has, nor stands for anything else."""
    name = name if name[:1].isalpha() else f"answer_{row + 1}"
    taken = {HOLDER, *(one["name"] for one in found)}
    return f"{name}_{row + 1}" if name in taken else name


def _options(text: str, row: int, errors: dict[str, Any]) -> list[dict[str, Any]]:
    options = []
    for number, line in enumerate(filter(str.strip, text.splitlines())):
        pair = _PAIR.fullmatch(line)
        if pair is None:
            errors[f"options-{row}"] = _(
                "“%(line)s”: write each answer on a line, in both languages: 租的 / Rented.",
                line=line.strip()[:60],
            )
            continue
        options.append({"value": f"answer_{number + 1}", "label": {"zh": pair[1], "en": pair[2]}})
    if not options:
        errors.setdefault(
            f"options-{row}", _("Write the answers, one on each line: 租的 / Rented.")
        )
    return options
