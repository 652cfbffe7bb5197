"""What checking documents loads, and that it checks what the application would."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import click

from smartcity_saas.cli import main
from smartcity_saas.installed import installed_extensions
from tests.support.paths import ROOT
from tests.support.world import World

HEAVY = [
    "alembic",
    "authlib",
    "flask",
    "flask_babel",
    "granian",
    "httpx",
    "jinja2",
    "joserfc",
    "PIL",
    "psycopg",
    "rich",
    "segno",
    "sqlalchemy",
    "stripe",
    "structlog",
    "typst",
    "webauthn",
    "werkzeug",
    "zxcvbn",
]
"""What the product works with, and what reading a document needs none of."""
PROGRAM = """
import sys
sys.argv = ["smartcity", "validate", *sys.argv[1:]]
from smartcity_saas.cli import main
try:
    main()
finally:
    print("loaded:", *sorted({name.partition(".")[0] for name in sys.modules}))
"""


def loaded_by(*paths: str, folder: Path) -> tuple[str, set[str]]:
    """What the command says of some files, and every package that it loaded."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *paths],
        cwd=folder,
        env={
            "SMARTCITY_CONFIG_ROOT": str(ROOT),
            "DATABASE_URL": f"sqlite:///{folder}/none.sqlite3",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    said, _line, names = done.stdout.partition("loaded:")
    assert names, done.stderr
    return said, set(names.split())


def test_a_check_of_a_city_loads_nothing_that_serves_it(tmp_path: Path) -> None:
    """Five lines are read without the pages, tables and libraries of the product."""
    said, names = loaded_by(str(ROOT / "tenants" / "hangzhou.yaml"), folder=tmp_path)
    assert "1 document, no problems." in said
    found = names & set(HEAVY)
    assert not found, f"`validate` loads {sorted(found)}: import it where it is used instead"


def test_faults_are_told_without_the_application(tmp_path: Path) -> None:
    """A fault is worded without loading Flask."""
    (tmp_path / "foo.yaml").write_text("city: foo\nservces: {}\n", "utf-8")
    said, names = loaded_by("foo.yaml", folder=tmp_path)
    assert "You cannot use the key “servces” here. Did you mean “services”?" in said
    assert not names & set(HEAVY)


def test_declarations_say_what_the_services_say(empty: World) -> None:
    """Schemas that documents are checked by are those of what is installed, each of them."""
    app, found = empty.app, installed_extensions()
    services, channels = app.product.services, app.product.channels
    providers, senders = app.product.providers, app.product.senders
    assert found.services == {name: one.extension for name, one in services.items()}
    assert found.channels == {n: one.settings for n, one in channels.items() if one.settings}
    assert found.providers == {name: one.settings for name, one in providers.items()}
    assert found.currencies == {n: p.currencies for n, p in providers.items() if p.currencies}
    assert found.senders == {
        kind: {name: one.settings for name, one in kinds.items() if not one.demo}
        for kind, kinds in senders.items()
    }


def test_the_list_of_commands_loads_none_of_them(tmp_path: Path) -> None:
    """``smartcity --help`` waits for no library of the product, and says what click would."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.replace('"validate"', '"--help"')],
        cwd=tmp_path,
        env={},
        capture_output=True,
        text=True,
        check=False,
    )
    said, _line, names = done.stdout.partition("loaded:")
    assert not set(names.split()) & set(HEAVY), done.stderr
    with click.Context(main, info_name="smartcity", terminal_width=78) as context:
        formatter = context.make_formatter()
        click.Group.format_commands(main, context, formatter)
    assert formatter.getvalue() in said
