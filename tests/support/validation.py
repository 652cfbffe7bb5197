"""Documents that are checked."""

from __future__ import annotations

from smartcity_saas.configuration.problems import Problem
from smartcity_saas.configuration.validation import Candidate, Check, Known
from smartcity_saas.configuration.yaml_source import parse
from tests.support.documents import PLATFORM, SHANGHAI_PROVINCE, ZHEJIANG, installed

EXTENSIONS = installed()
BASE = (PLATFORM, ZHEJIANG, SHANGHAI_PROVINCE)


def check(
    *given: str, live: tuple[str, ...] = BASE, went_live: str = "", path: str = ""
) -> list[Problem]:
    """Problems of some documents against others that are live."""
    known = [Candidate(parse(text, "live")) for text in live]
    hosts = {h: c.name for c in known for h in c.source.values.get("hosts", [])}
    codes = {(c.kind, c.source.values.get("division_code", "")): c.name for c in known}
    candidates = [Candidate(parse(text, path or f"document-{i}")) for i, text in enumerate(given)]
    return Check(
        candidates,
        Known({c.name: c.source.values for c in known}, frozenset(went_live.split()), hosts, codes),
        EXTENSIONS,
        "localhost",
    ).run()


def said(*given: str, **options: object) -> str:
    return "\n".join(str(found) for found in check(*given, **options))  # type: ignore[arg-type]
