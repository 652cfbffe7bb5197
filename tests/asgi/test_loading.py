"""What a process that serves loads before anybody asks for anything special."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from smartcity_saas.lazy_imports import LazyLibrary, hidden
from tests.support.paths import ROOT, SOURCE

HEAVY = {
    "alembic": "migrations run in a command; which there are is read from their files",
    "duckdb": "measures of more than 90 days",
    "httpx": "calls to other systems",
    "icalendar": "an appointment for one's own calendar",
    "lxml": "larger text on a page",
    "mako": "Alembic's templates",
    "opencc": "search in traditional characters",
    "OpenSSL": "certificates of passkeys",
    "PIL": "pictures that somebody sends",
    "pyarrow": "open data and the export",
    "pygments": "rich's colours",
    "pypinyin": "search by pinyin",
    "regex": "a host that a document names",
    "requests": "Stripe's SDK asks for it",
    "rich": "tables of the command",
    "stripe": "a payment",
    "typst": "a receipt",
    "webauthn": "passkeys of staff",
    "zxcvbn": "choosing a password",
}
"""Package → who needs it. Together they are as much as everything else of a process."""
PROGRAM = """
import sys
from smartcity_saas.asgi import create_asgi
from smartcity_saas.migrations import parents_of_migrations
served = create_asgi()
served.app.test_client().get("/readyz")
with served.app.app_context():
    assert parents_of_migrations()
print("loaded:", *sorted({name.partition(".")[0] for name in sys.modules}))
"""


def test_a_process_that_serves_loads_nothing_that_few_need(tmp_path: Path) -> None:
    """A worker stays small: the heavy libraries load when somebody asks for what needs them."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env={
            "SMARTCITY_CONFIG_ROOT": str(ROOT),
            "SMARTCITY_DEMO": "1",
            "DATABASE_URL": f"sqlite:///{tmp_path}/none.sqlite3",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    names = set(done.stdout.partition("loaded:")[2].split())
    assert "flask" in names, done.stderr
    found = {name: why for name, why in HEAVY.items() if name in names}
    assert not found, f"every worker loads these; import them where they are used: {found}"


def test_a_lazy_library_is_the_library() -> None:
    """Its names are the module's own, once it is asked for one."""
    assert LazyLibrary("zipfile").ZipFile is __import__("zipfile").ZipFile


def test_a_library_is_hidden_for_the_moment() -> None:
    """Whoever imports it meanwhile is told that it is not installed; afterwards it is there."""
    assert "this" not in sys.modules
    with hidden("this"):
        try:
            __import__("this")
        except ImportError:
            found = False
        else:
            found = True
    assert not found
    assert "this" not in sys.modules


def test_structlog_comes_from_logs() -> None:
    """Whoever imports it first decides whether rich is loaded with it."""
    direct = [
        path.relative_to(SOURCE).as_posix()
        for path in SOURCE.rglob("*.py")
        if re.search(r"^\s*(?:import|from) structlog", path.read_text(), re.M)
    ]
    assert direct == ["logs.py"], "take get_logger from smartcity_saas.logs instead"
