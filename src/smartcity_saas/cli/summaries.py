"""What each command does, in a line, read from its file: to load them all is to load the product."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path

HERE = Path(__file__).parent


def descriptions(modules: Iterable[str]) -> dict[str, str]:
    """Command → its description, of the modules that hold commands.

    A command is a function at the top of its module under ``@click.command`` or ``@click.group``,
    called as the decorator says or like the function, and described by its docstring.
    """
    return {name: text for module in modules for name, text in _of(HERE / f"{module}.py")}


def _of(path: Path) -> Iterator[tuple[str, str]]:
    for found in ast.parse(path.read_bytes()).body:
        if isinstance(found, ast.FunctionDef) and (call := _decorator(found)) is not None:
            name = ast.literal_eval(call.args[0]) if call.args else found.name
            yield name, ast.get_docstring(found) or ""


def _decorator(function: ast.FunctionDef) -> ast.Call | None:
    """The decorator that makes a function a command of the product."""
    for one in function.decorator_list:
        if isinstance(one, ast.Call) and ast.unparse(one.func) in ("click.command", "click.group"):
            return one
    return None
