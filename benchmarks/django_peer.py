"""Runs the peer that is built on django-tenants: a schema for each city, in an environment of its own.

``peers/django_tenants/`` is the project; its libraries are no part of the product's.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row
from sqlalchemy import JSON, TypeDecorator, UniqueConstraint, make_url
from tests.support.paths import ROOT

from smartcity_saas.catalog.discovery import installed_services
from smartcity_saas.database import Base, CityModel

PROJECT = ROOT / "benchmarks/peers/django_tenants"
ENVIRONMENT = ROOT / ".venv-django-tenants"
OWN = "city_id"


class Peer:
    """The peer as one running process, asked on its standard input."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def ask(self, command: str) -> dict[str, Any]:
        """The answer to one command."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{command}\n")
        self.process.stdin.flush()
        return self.answer()

    def answer(self) -> dict[str, Any]:
        """The next line that it says."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError("the peer has ended")
        found: dict[str, Any] = json.loads(line)
        return found

    def seconds(self, calls: int) -> float:
        """The CPU seconds of so many calls of the page."""
        return float(self.ask(str(calls))["seconds"])


@contextmanager
def running(superuser: str, folder: Path, *arguments: str) -> Iterator[Peer]:
    """The peer on a database, with a folder that holds what it is given.

    Args:
        superuser: The database's URL as who may make schemas.
        folder: Of its own.
        arguments: Of ``run.py``.
    """
    url = make_url(superuser)
    database = {
        "NAME": url.database,
        "USER": url.username,
        "PASSWORD": url.password or "",
        "HOST": url.query.get("host") or url.host or "",
        "PORT": str(url.port or ""),
    }
    process = subprocess.Popen(
        [str(_python()), "run.py", *arguments],
        cwd=PROJECT,
        env={**os.environ, "PEER_FOLDER": str(folder), "PEER_DATABASE": json.dumps(database)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield Peer(process)
    finally:
        if process.stdin is not None:
            process.stdin.close()
        process.terminate()
        process.wait(60)


def write_tables(folder: Path) -> int:
    """Write the tables of a city of the product for the peer; returns how many there are."""
    installed_services()  # each brings its tables as it is loaded
    models = sorted(
        (one for one in _all(CityModel) if "__tablename__" in vars(one)),
        key=lambda one: str(one.__tablename__),
    )
    tables = [
        _described(place, Base.metadata.tables[m.__tablename__]) for place, m in enumerate(models)
    ]
    (folder / "tables.json").write_text(json.dumps(tables))
    return len(tables)


def write_rows(superuser: str, folder: Path, city_id: int, path: str) -> None:
    """Write what the bill page needs of a city for the peer.

    Args:
        superuser: The product's database.
        folder: The peer's.
        city_id: The city, of which all accounts and bills are taken.
        path: The page's.
    """
    with psycopg.connect(superuser.replace("+psycopg", ""), row_factory=dict_row) as connection:

        def rows(columns: str, table: str) -> list[dict[str, Any]]:
            query = f"SELECT {columns} FROM {table} WHERE city_id = %s"
            return connection.execute(query, [city_id]).fetchall()  # type: ignore[call-overload]

        link = path.rpartition("/")[2]
        resident = connection.execute(
            "SELECT resident_id FROM utility_link WHERE id = %s", [link]
        ).fetchone()
        assert resident is not None
        found = {
            "link": link,
            "accounts": rows("id, kind, number, sample, updated_at", "utility_account"),
            "bills": rows(
                "id, account_id, period, usage, amount, currency, due_on, paid_on", "utility_bill"
            ),
            "links": [
                {name: value for name, value in one.items() if name != "resident_id"}
                for one in rows("id, account_id, nickname, created_at, resident_id", "utility_link")
                if one["resident_id"] == resident["resident_id"]
            ],
            "secrets": rows("name, bound_to", "credential"),
        }
    (folder / "rows.json").write_text(json.dumps(found, default=str))


def write_template(folder: Path, page: str) -> None:
    """Make a template of Django's of a page of ours: its words stand in it as they are, what repeats is a
    loop, and what is the resident's a variable."""
    icons = re.search(r"icons\.svg\?v=(\w+)", page)
    for pattern, replacement in FOLDED:
        page, count = re.subn(pattern, lambda _found, new=replacement: new, page, flags=re.DOTALL)
        if not count:
            raise ValueError(f"the page has no {pattern}")
    (folder / "templates").mkdir(exist_ok=True)
    text = "{% load bills l10n %}" + page
    version = icons[1] if icons else ""
    (folder / "templates/account.html").write_text(text.replace("ICONS", version), "utf-8")


FOLDED = [
    (r"杭州市", "{{ city.name }}"),
    (r"我家", "{{ link.nickname }}"),
    (r'(?<=name="csrf_token" value=")[^"]*', "{{ csrf_token }}"),
    (r"(?<=，)2(?= 笔待缴)", "{{ due|length }}"),
    (r"(?<=data-total>)¥[\d.,]+", "{{ total|money }}"),
    (r'(?<=data-refused=")\d+', "{{ refused }}"),
    (
        r'(?<=<ul class="rows plain">).*?(?=</ul>)',
        """{% for bill in due %}
<li>
  <label class="row">
    <input type="checkbox"
           name="bill"
           value="{{ bill.id }}"
           data-minor="{{ bill.amount }}"
           data-decimals="2"{% if takes_payments %} checked{% endif %}>
    <span class="texts">
      <strong>{{ bill.account.kind|kind_name }}</strong> {{ bill.period|date:"n 月" }}<br>
      <span class="help">{{ bill.due_on|date:"n月j日" }}前缴，{{ bill.due_on|until:today }}</span>
    </span>
    <strong>{{ bill.amount|money }}</strong>
  </label>
</li>
{% endfor %}""",
    ),
    (
        r'(?<=<div class="tabs">).*?(?=</div>)',
        """{% for one in links %}
      <a href="/services/utility-bills/accounts/{{ one.id }}"{% if one.id == link.id %} aria-current="true"{% endif %}>
        <svg class="icon small" aria-hidden="true" focusable="false">
  <use href="/static/icons.svg?v=ICONS#{{ one.account.kind|kind_icon }}"/>
</svg>{{ one.account.kind|kind_name }}
      </a>
{% endfor %}""",
    ),
    (r"(?<=近 12 个月 )[\d.,]+", "{{ usage|number }}"),
    (
        r'<rect class="bar.*?(?=</svg>)',
        """{% for bar in bars %}
  <rect class="{% if bar.current %}bar current{% else %}bar{% endif %}"
      x="{{ bar.x|unlocalize }}"
      y="{{ bar.y|unlocalize }}"
      width="{{ bar.width|unlocalize }}"
      height="{{ bar.height|unlocalize }}"
      rx="2"/>
{% if bar.tick is not None %}<line class="tick"
      x1="{{ bar.tick_left|unlocalize }}"
      x2="{{ bar.tick_right|unlocalize }}"
      y1="{{ bar.tick|unlocalize }}"
      y2="{{ bar.tick|unlocalize }}"/>{% endif %}
{% if bar.current %}<text class="current" x="{{ bar.middle|unlocalize }}" y="{{ bar.above|unlocalize }}" text-anchor="middle">{{ bar.value|number }}</text>{% endif %}
<text x="{{ bar.middle|unlocalize }}"
      y="184"
      text-anchor="middle"{% if bar.current %} class="current"{% endif %}>{{ bar.label }}</text>
{% endfor %}""",
    ),
    (
        r"(?<=去年 \(m³\)</th>\n      </tr>\n    </thead>\n    <tbody>).*?(?=</tbody>)",
        """{% for month, now, before in months %}
<tr>
  <td>{{ month|date:"Y-m" }}</td>
  <td class="num">{{ now|number }}</td>
  <td class="num">{{ before|number }}</td>
</tr>
{% endfor %}""",
    ),
    (
        r"(?<=状态</th>\n      </tr>\n    </thead>\n    <tbody>).*?(?=</tbody>)",
        """{% for bill in bills %}
  <tr>
    <td>{{ bill.period|date:"n 月" }}<br><span class="help">{{ bill.period|date:"Y" }}</span></td>
    <td class="num">{{ bill.usage|thousandths }} m³</td>
    <td class="num">{{ bill.amount|money }}</td>
    <td class="num">{% if bill.paid_on %}已缴<br>
<span class="help">{{ bill.paid_on|date:"n月j日" }}</span>{% else %}<span class="tag warn">待缴</span>{% endif %}
</td>
  </tr>
{% endfor %}""",
    ),
    (r"(?<=全部 )\d+(?= 笔)", "{{ bill_count }}"),
]
"""Patterns in our page, and what stands there in the template."""


def _python() -> Path:
    """The interpreter of the peer's environment, made anew when what it needs has changed."""
    wanted = PROJECT / "requirements.txt"
    mark = ENVIRONMENT / hashlib.sha256(wanted.read_bytes()).hexdigest()[:16]
    python = ENVIRONMENT / "bin/python"
    if not mark.exists():
        sys.stdout.write(f"  (installing {wanted.relative_to(ROOT)} into {ENVIRONMENT.name})\n")
        venv.create(ENVIRONMENT, clear=True, with_pip=True)
        subprocess.run(
            [python, "-m", "pip", "install", "-q", "--disable-pip-version-check", "-r", wanted],
            check=True,
        )
        mark.touch()
    return python


def _all(model: type[Any]) -> Iterator[type[Any]]:
    for one in model.__subclasses__():
        yield one
        yield from _all(one)


def _described(place: int, table: Any) -> dict[str, Any]:
    """A table as ``tables/models.py`` makes a model of it."""
    to = {
        element.parent.name: element.column.table.name.title().replace("_", "")
        for constraint in table.foreign_key_constraints
        for element in constraint.elements
        if element.parent.name not in (OWN, "id") and element.column.name == "id"
    }
    columns = [
        {
            "name": one.name,
            "type": _kind_of(one),
            "nullable": bool(one.nullable),
            "to": to.get(one.name),
        }
        for one in table.columns
        if one.name not in (OWN, "id")
    ]
    known = {one["name"] for one in columns}

    def own(of: Any) -> list[str]:
        return [one.name for one in of.columns if one.name in known]

    unique = [own(one) for one in table.constraints if isinstance(one, UniqueConstraint)]
    unique += [own(one) for one in table.indexes if one.unique]
    return {
        "place": place,
        "name": table.name,
        "columns": columns,
        "indexes": [names for names in map(own, table.indexes) if names],
        "unique": [names for names in unique if names],
    }


def _kind_of(column: Any) -> str:
    kind = column.type.impl if isinstance(column.type, TypeDecorator) else column.type
    return "json" if isinstance(kind, JSON) else str(kind.python_type.__name__).lower()
