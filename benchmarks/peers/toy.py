"""The least that could answer with a resident's bills: psycopg and a template of ten lines, no
session, no form, no chart."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import psycopg
from jinja2 import Environment

TEMPLATE = """\
<!doctype html>
<title>{{ person[1] }}</title>
<ul>
{% for link in links %}<li>{{ link[1] }} {{ link[3] }}</li>{% endfor %}
</ul>
<table>
{% for bill in bills %}
<tr><td>{{ bill[2] }}</td><td>{{ bill[3] / 1000 }}</td><td>{{ bill[4] / 100 }} {{ bill[5] }}</td></tr>
{% endfor %}
</table>
"""


def toy_page(
    statements: Sequence[tuple[str, Mapping[str, Any] | None]], url: str
) -> Callable[[], str]:
    """The page, as a function: the product's statements on one connection, and the template."""
    connection = psycopg.connect(url.replace("+psycopg", ""))
    template = Environment(autoescape=True).from_string(TEMPLATE)

    def page() -> str:
        with connection.transaction():
            connection.execute(statements[0][0])
            found = [connection.execute(sql, bound).fetchall() for sql, bound in statements[1:]]
        return template.render(person=found[0][0], links=found[1], bills=found[2])

    return page
