"""docs/glossary.md: the project's words, and the names that it gave up for them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src/smartcity_saas"
GLOSSARY = (ROOT / "docs/glossary.md").read_text("utf-8")
RETIRED = {
    r"(?i)\bWallError\b|\bwall(?:s|ed)?\b|\bwall_": "tenant isolation, the statement guard",
    r"(?i)\bfleet(?:s|loader)?\b": "city registry, CityRegistry",
    r"\b(?:outside_city|present_city|site_city|unwalled)\b": "tenant context, current city",
    r"(?i)\bhandshakes?\b": "login request, AuthorizationRequest",
    r"(?i)\btrails?\b|TrailQuery|\btrail_|_trail\b": "audit log, audit events",
    r"\bVouched\b": "AuthenticatedIdentity",
    r"\bgatekeeper\b": "authorization",
    r"\bpass_gate\b": "require_available",
    r"(?<![.\w])command\(\)|(?:caller's|present) command\b|this command ends": "transaction()",
    r"\bkept_fresh\b": "refresh_if_stale",
    r"\bpay_here\b": "begin_checkout",
    r"\bheld = PersonalData|\bmodel\.held\b": "personal_data = PersonalData",
    r"\bHoldings?\b": "personal data, PersonalData",
    r"\bUTCDateTime\b": "the timestamp type of database/models.py",
    r"\bresealing\b|\breseal_": "re-encryption",
    r"\b_?verdicts?\b": "report, decision, contrast",
    r"(?i)\bthe city that\s+we\s+are\s+in\b": "the current city",
    r"\blines_of\(|\bcontinues=\{|service\.continues": "dashboard_items, while_paused",
    r"\b(?:continues|always|unasked)=True\b": "Availability, before_consent",
    r"\bsmartcity_saas\.(?:pages|scope|lazy)\b|`pages\.py`": "request/, tenant_context.py",
    r"\bidentity[./](?:gatekeeper|handshakes|devices|throttle|counter|held|acting)\b": "its room",
    r"\bpayments[./](?:settling|paying|probing|reconciling|finding)\b": "settlement, checkout, probes",
    r"\bconfiguration[./](?:checking|layers|planning|spelling|stored|source)\b": "a noun",
    r"\bnotifications[./]telling\b|\bcatalog[./](?:gate|offer|importing|pushing)\b": "a noun",
}
"""A name that was given up → what stands in its place."""


def texts() -> Iterator[tuple[str, str]]:
    """Every text of the code, the tests and the documentation, but for this module's own."""
    for folder, kinds in (
        ("src", ("*.py", "*.html", "*.tmpl")),
        ("tests", ("*.py",)),
        ("docs", ("*.md",)),
    ):
        for kind in kinds:
            for path in sorted((ROOT / folder).rglob(kind)):
                if path != Path(__file__) and "node_modules" not in path.parts:
                    yield path.relative_to(ROOT).as_posix(), path.read_text("utf-8")


@pytest.mark.parametrize("pattern", RETIRED)
def test_a_name_that_was_given_up_does_not_return(pattern: str) -> None:
    """Promise: one word for one thing: what docs/glossary.md replaced stays replaced."""
    found = [path for path, text in texts() if re.search(pattern, text)]
    assert found == [], f"say {RETIRED[pattern]} (docs/glossary.md)"


def test_the_places_of_the_glossary_are_there() -> None:
    """Promise: a word leads to a file that exists."""
    missing = []
    for row in re.findall(r"^\| [^|]+ \| [^|]+ \| ([^|]*) \|", GLOSSARY, re.M):
        folder = Path()
        for place in re.findall(r"`([\w*/.]+(?:/|\.py))`", row):
            if not list(SOURCE.glob(place.rstrip("/"))) and not list((SOURCE / folder).glob(place)):
                missing.append(place)
            folder = Path(place).parent
    assert missing == []


PAGES = [
    *sorted((ROOT / "docs").rglob("*.md")),
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md")),
]


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_the_files_that_a_page_names_are_there(page: Path) -> None:
    """Promise: whoever reads the documentation finds the module, and the page, that it leads to."""
    text = page.read_text("utf-8")
    named = re.findall(r"`((?:[\w.-]+/)+[\w.-]+\.(?:py|html|typ|csv|sh|cfg))`", text)
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", text)
    missing = [
        name
        for name in named
        if not any((top / name).exists() for top in (ROOT, SOURCE, page.parent))
    ]
    missing += [link for link in links if not (page.parent / link).exists()]
    assert missing == []
