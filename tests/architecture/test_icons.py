"""Icons: those that are named are drawn, and no others are sent to the reader."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator

from jinja2 import Environment, nodes

from tests.support.paths import SOURCE

TAG_KINDS = {"ok", "warn", "error", "quiet", "dashed"}
_SYMBOL = re.compile(r'<symbol id="([^"]+)"')


def constants(node: nodes.Node) -> Iterator[str]:
    """The texts that an argument may be: its constants, but not what they are compared with."""
    if isinstance(node, nodes.Const):
        if isinstance(node.value, str) and node.value:
            yield node.value
    elif isinstance(node, nodes.CondExpr):
        for side in (node.expr1, node.expr2):
            if side is not None:
                yield from constants(side)
    elif isinstance(node, nodes.Dict):
        for pair in node.items:
            yield from constants(pair.value)
    elif not isinstance(node, nodes.Compare):
        for child in node.iter_child_nodes():
            yield from constants(child)


def icon_arguments(trees: Iterable[nodes.Template]) -> dict[str, int]:
    """The macros that draw an icon, and which argument names it: ``icon_name`` in all but one."""
    places = {"icon": 0}
    for tree in trees:
        for macro in tree.find_all(nodes.Macro):
            names = [one.name for one in macro.args]
            if "icon_name" in names:
                places[macro.name] = names.index("icon_name")
    return places


def drawn(tree: nodes.Template, places: dict[str, int]) -> Iterator[str]:
    """The icons that a template names, by itself and through macros."""
    for call in tree.find_all(nodes.Call):
        if not isinstance(call.node, nodes.Name) or call.node.name not in places:
            continue
        place = places[call.node.name]
        named = [one.value for one in call.kwargs if one.key == "icon_name"]
        for argument in (*call.args[place : place + 1], *named):
            yield from constants(argument)
    for pair in tree.find_all(nodes.Tuple):  # a tag's kind and its icon
        texts = [one.value for one in pair.items if isinstance(one, nodes.Const)]
        if len(texts) == 2 and texts[0] in TAG_KINDS:
            yield texts[1]


def icon_fields(trees: Iterable[ast.Module]) -> dict[str, int]:
    """The classes with a field ``icon``, and which argument that is."""
    places = {}
    for tree in trees:
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                fields = [
                    one.target.id
                    for one in node.body
                    if isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name)
                ]
                if "icon" in fields:
                    places[node.name] = fields.index("icon")
    return places


def registered(tree: ast.Module, places: dict[str, int]) -> Iterator[str]:
    """The icons that code names: of services, tasks, channels and a resident's own pages."""
    for node in ast.walk(tree):
        match node:
            case ast.keyword(arg="icon", value=ast.Constant(value=str(name))):
                yield name
            case ast.AnnAssign(target=ast.Name(id="icon"), value=ast.Constant(value=str(name))):
                yield name
            case ast.Assign(targets=[ast.Name(id="ICONS")], value=ast.Dict(values=values)):
                yield from (str(one.value) for one in values if isinstance(one, ast.Constant))
            case ast.Call(func=ast.Name(id=made), args=args) if len(args) > places.get(made, 99):
                argument = args[places[made]]
                if isinstance(argument, ast.Constant):
                    yield str(argument.value)


def test_every_icon_that_is_named_is_drawn_and_no_other() -> None:
    """A misspelled icon is an empty square; an unused one is sent to every reader."""
    environment = Environment(autoescape=True, extensions=["jinja2.ext.i18n", "jinja2.ext.do"])
    there = set(_SYMBOL.findall((SOURCE / "static/icons.svg").read_text("utf-8")))
    trees = [
        environment.parse(path.read_text("utf-8")) for path in SOURCE.rglob("templates/**/*.html")
    ]
    modules = [ast.parse(path.read_text("utf-8")) for path in SOURCE.rglob("*.py")]
    arguments, fields = icon_arguments(trees), icon_fields(modules)
    named = {
        *(name for tree in trees for name in drawn(tree, arguments)),
        *(name for module in modules for name in registered(module, fields)),
    }
    assert named - there == set()
    assert there - named == set(), "take these out of tools/sprite.py, then make vendor"
