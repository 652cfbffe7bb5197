"""Templates in two languages: what is written out beforehand reads as if it were looked up."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from flask import render_template
from flask_babel import force_locale
from jinja2 import DictLoader, nodes

from smartcity_saas.tenancy.flask_app import SiteFlask
from smartcity_saas.web.templates import ConstantFolding, LanguageEnvironment
from tests.support.world import World

WORDS = {"en": "Sign in", "zh": "登录"}
LINES = """\
{% from "components/elements.html" import icon, tag as mark %}
{{ _("Sign in") }}|{{ mark(_("Sign in"), "ok") }}|{{ mark(given, "ok") }}|{{ icon("home") }}
{{ _("Hello, %(name)s", name=given) }}|{{ _("100 %% of it") }}|{{ pgettext("tab", "Services") }}
{{ _("Don't know") ~ " (" ~ _("Sign in") ~ ")" }}|{{ "<" ~ "b" }}|{{ _("Sign in")|upper }}
{% set title = _("Sign in") %}{{ title ~ given }}|{{ static_url("icon.svg") }}
"""


@pytest.fixture
def app(empty: World) -> Iterator[SiteFlask]:
    """The application with one more template, in environments of its own."""
    found, before = empty.app, empty.app.jinja_env
    own = before.overlay()
    own.by_language = {}  # type: ignore[attr-defined]
    own.loader = _AlsoOneTemplate(before.loader)
    found.jinja_env = own
    yield found
    found.jinja_env = before


class _AlsoOneTemplate(DictLoader):
    def __init__(self, others: Any) -> None:
        super().__init__({"lines.html": LINES, "lines.txt": LINES})
        self.others = others

    def get_source(self, environment: Any, template: str) -> Any:
        if template in self.mapping:
            return super().get_source(environment, template)
        return self.others.get_source(environment, template)


@pytest.mark.parametrize("name", ["lines.html", "lines.txt"])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_folded_reads_as_looked_up(
    app: SiteFlask, language: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Promise: folding changes no byte of a page, escaped once and only where it was."""
    with app.test_request_context(), force_locale(language):
        folded = render_template(name, given="<i>&")
        app.jinja_env.by_language.clear()  # type: ignore[attr-defined]
        monkeypatch.setattr(ConstantFolding, "visit", lambda self, node: node)
        assert render_template(name, given="<i>&") == folded
    assert WORDS[language] in folded


def test_forced_language_chooses_the_template(app: SiteFlask) -> None:
    """Promise: a preview, a code or an e-mail in another language than the reader's is in that
    language from its first word to its last, and what comes after it in the reader's again."""
    with app.test_request_context(headers={"Accept-Language": "en"}):
        assert WORDS["en"] in render_template("lines.html")
        with force_locale("zh"):
            assert WORDS["zh"] in render_template("lines.html")
            assert WORDS["en"] not in render_template("lines.html")
        assert WORDS["zh"] not in render_template("lines.html")


def test_constants_are_written_out(app: SiteFlask) -> None:
    """Texts, icons and addresses cost nothing when a page is made."""
    with app.test_request_context(), force_locale("zh"):
        environment: Any = app.jinja_env
        tree = environment.parse(LINES)
        found = ConstantFolding(environment._in("zh"), tree).visit(tree)
        called = [one.node.name for one in found.find_all(nodes.Call)]
    assert called == ["mark"]  # the tag of a value that is not known


def test_templates_are_compiled_when_they_are_asked_for(app: SiteFlask) -> None:
    """A process has no template of a language that nobody reads."""
    environment: LanguageEnvironment = app.jinja_env  # type: ignore[assignment]
    with app.test_request_context(), force_locale("zh"):
        render_template("lines.html")
    assert set(environment.by_language) == {"zh"}
    compiled = {key[1] for key in environment.by_language["zh"].cache or {}}
    assert compiled == {"lines.html", "components/elements.html"}
