"""What can be wrong with a FHIR server's answer, and what a server lacks, in words for staff."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_babel import lazy_gettext as _

from smartcity_saas.connectors import BackOfficeDown

MOST_QUOTED = 160
"""How many characters of what a server says are repeated."""

_PROBLEMS = {
    "no_answer": _("The hospital's system did not answer (%(why)s)."),
    "refused": _("The hospital's system refused to answer: HTTP %(code)s. %(said)s"),
    "token": _("No token was given for the hospital's system: HTTP %(code)s."),
    "credential": _("The secret for the hospital's system is not set, or cannot be opened."),
    "outcome": _(
        "The hospital's system answered with a fault in place of what was asked: %(said)s"
    ),
    "kind": _("“%(found)s” came where “%(wanted)s” was asked for."),
    "elsewhere": _("The next page of “%(kind)s” leads to another server, to “%(address)s”."),
    "circle": _("The pages of “%(kind)s” lead in a circle, back to “%(address)s”."),
    "pages": _(
        "“%(kind)s” has more than %(most)s pages. Set a larger page_size, or fewer days_ahead."
    ),
    "many": _("More than %(most)s of “%(kind)s” came. Set fewer days_ahead."),
    "large": _("A page of “%(kind)s” is larger than %(most)s MiB. Set a smaller page_size."),
    "slow": _("Reading took more than %(most)s seconds. Set fewer days_ahead."),
    "shape": _("“%(which)s” does not fit FHIR R4: %(element)s."),
    "overlap": _("“%(one)s” and “%(other)s” of “%(schedule)s” overlap."),
    "days": _(
        "“%(which)s” begins at %(at)s, outside the days that were asked for: the search by start does not work."
    ),
    "twins": _("Several appointments have the identifier of ours, “%(identifier)s”."),
    "old": _("The hospital's server speaks FHIR %(version)s. FHIR R4 (4.0) is needed."),
    "cannot": _("The hospital's FHIR server cannot do what is needed here: %(what)s."),
    "busy": _("“%(which)s” is still busy there, after the booking that had it was cancelled."),
    "changed": _("The appointment “%(which)s” changed there at the same moment."),
}
"""By code; each is kept with its values and put into words for whoever reads it."""

_NOTES = {
    "no_conditional_create": _(
        "The hospital's FHIR server has no conditional create, so we look for an appointment before we create it."
    ),
    "no_update": _(
        "The hospital's FHIR server cannot update an appointment, so we cancel by patch."
    ),
    "no_versions": _(
        "The hospital's FHIR server has no versions, so a change made there at the same moment as ours may be lost."
    ),
    "no_last_updated": _(
        "The hospital's FHIR server cannot search by change (_lastUpdated), so we read everything each time."
    ),
    "unplaced": _(
        "Schedules of the hospital's FHIR server that lead to no HealthcareService, and are left out: %(number)s"
    ),
    "moved": _(
        "Slots of the hospital's FHIR server whose time changed under a booking: %(number)s. Call those who booked."
    ),
}


class OddAnswer(BackOfficeDown):
    """The server's answer is not what FHIR R4 says, or more than is read; nothing of it is taken.

    ``code`` with its ``values`` says what was wrong (``problem_text``).
    """

    def __init__(self, code: str, **values: Any) -> None:
        super().__init__(code)
        self.code = code
        self.values = {name: _short(value) for name, value in values.items()}

    @property
    def stored(self) -> dict[str, Any]:
        """How a row keeps it."""
        return {"code": self.code, "values": self.values}


def problem_text(problem: Mapping[str, Any]) -> str:
    """A kept problem in the reader's language."""
    return str(_PROBLEMS[problem["code"]]) % dict(problem["values"])


def note_texts(notes: Mapping[str, Any]) -> list[str]:
    """What staff should know of a server, a sentence each, in the reader's language. A note that is
    counted stands with its number, another as true."""
    return [
        str(words) % {"number": notes[code]} for code, words in _NOTES.items() if notes.get(code)
    ]


def said_by(body: Any) -> str:
    """What an OperationOutcome says first, in its own words; empty where it says nothing."""
    issues = body.get("issue") if isinstance(body, Mapping) else None
    first = issues[0] if isinstance(issues, list) and issues else None
    if not isinstance(first, Mapping):
        return ""
    details = first.get("details")
    text = details.get("text") if isinstance(details, Mapping) else None
    found = first.get("diagnostics") or text or first.get("code")
    return f"“{_short(found)}”" if isinstance(found, str) else ""


def _short(value: Any) -> Any:
    """A value that came from outside, short and in one line."""
    if not isinstance(value, str):
        return value
    line = " ".join("".join(one if one.isprintable() else " " for one in value).split())
    return line if len(line) <= MOST_QUOTED else f"{line[:MOST_QUOTED]}…"
