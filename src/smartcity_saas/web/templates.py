"""Templates compiled once a language, with every text and icon that never changes written out.

A page has some hundred constant texts and icons. Looking each up anew took a sixth of the CPU time
of a signed-in page.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask.templating import Environment
from flask_babel import get_translations
from jinja2 import Template, nodes
from jinja2.runtime import markup_join
from jinja2.visitor import NodeTransformer
from markupsafe import Markup

from smartcity_saas.web.languages import page_language

ELEMENTS = "components/elements.html"
CONSTANT_MACROS = frozenset({"icon", "tag"})
"""Macros of ``ELEMENTS`` that read nothing but what they are called with."""
CONSTANT_FUNCTIONS = frozenset({"static_url"})
"""Functions of every template whose answers never change while a process lives."""


class LanguageEnvironment(Environment):
    """Hands out templates in the language of the page being made, ``force_locale`` included. Each
    is compiled when it is first asked for."""

    language: str | None = None
    """The language of the templates; None where the page's is chosen."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.by_language: dict[str, LanguageEnvironment] = {}

    def get_template(self, name: Any, *arguments: Any, **options: Any) -> Template:
        """A template by its name.

        Raises:
            TemplateNotFound: There is none.
        """
        if self.language is None:
            return self._in(page_language()).get_template(name, *arguments, **options)
        return super().get_template(name, *arguments, **options)

    def make_globals(self, d: Any) -> Any:
        """The values that every template has, themselves: Jinja would lay a mapping over them for each
        template, and walk it for each import of each page."""
        return super().make_globals(d) if d else self.globals

    def _in(self, language: str) -> LanguageEnvironment:
        found = self.by_language.get(language)
        if found is None:
            found = self.overlay()
            found.language = language
            self.by_language[language] = found
        return found

    def _generate(
        self, source: nodes.Template, name: str | None, *rest: Any, **options: Any
    ) -> str:
        if callable(self.autoescape) and self.autoescape(name):
            ConstantFolding(self, source).visit(source)
        return super()._generate(source, name, *rest, **options)


class ConstantFolding(NodeTransformer):
    """Writes the values of constant calls into the tree of a template that escapes."""

    def __init__(self, environment: LanguageEnvironment, tree: nodes.Template) -> None:
        self.environment = environment
        self.catalogue = get_translations()
        self.macros = _constant_macros(tree)

    def visit_Call(self, node: nodes.Call) -> nodes.Expr:
        """What a call answers, if that is known."""
        self.generic_visit(node)
        values = _constants(node.args)
        if values is None or not isinstance(node.node, nodes.Name):
            return node
        if node.node.name in ("_", "pgettext"):
            return self._text(node, values)
        if node.kwargs:
            return node
        if node.node.name in CONSTANT_FUNCTIONS:
            function: Any = self.environment.globals[node.node.name]
            return _constant(node, function(*values))
        if macro := self.macros.get(node.node.name):
            module = self.environment.get_template(ELEMENTS).module
            return _constant(node, getattr(module, macro)(*values))
        return node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Expr:
        """Constants in a row, joined as when the page is made: Jinja's own folding forgets which
        of them are escaped already."""
        self.generic_visit(node)
        values = _constants(node.nodes)
        return node if values is None else _constant(node, markup_join(values))

    def _text(self, node: nodes.Call, values: Sequence[str]) -> nodes.Expr:
        """A translated text, with the values that the page puts into it."""
        look_up = self.catalogue.ugettext if len(values) == 1 else self.catalogue.upgettext
        text = Markup(look_up(*values))  # noqa: S704 -- our own texts, as Jinja takes them
        if not node.kwargs:
            return _constant(node, text % {})
        pairs = [nodes.Pair(nodes.Const(one.key), one.value) for one in node.kwargs]
        return nodes.Mod(_constant(node, text), nodes.Dict(pairs), lineno=node.lineno)


def _constants(found: Sequence[nodes.Expr]) -> list[Any] | None:
    """The values of some expressions; None where one is not known."""
    values = [one.value for one in found if isinstance(one, nodes.Const)]
    return values if len(values) == len(found) else None


def _constant(node: nodes.Expr, value: str) -> nodes.Const:
    return nodes.Const(value, lineno=node.lineno, environment=node.environment)


def _constant_macros(tree: nodes.Template) -> dict[str, str]:
    """The constant macros that a template imports, by the names that they have in it."""
    named = [
        (one, one) if isinstance(one, str) else one
        for found in tree.find_all(nodes.FromImport)
        if isinstance(found.template, nodes.Const) and found.template.value == ELEMENTS
        for one in found.names
    ]
    return {alias: name for name, alias in named if name in CONSTANT_MACROS}
