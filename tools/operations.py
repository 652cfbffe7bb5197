"""What Babel finds in a module besides its marked strings: what the operations of the API say of
themselves, which stands in their docstrings."""

from __future__ import annotations

import ast
import io
from collections.abc import Iterator
from typing import Any

from babel.messages.extract import extract_python


def extract(
    fileobj: Any, keywords: Any, comment_tags: Any, options: Any
) -> Iterator[tuple[int, str, Any, list[str]]]:
    """A Babel extractor (see its documentation): those of Python, and an operation's docstring as
    one line, as it is looked up when the page of the API is made."""
    source = fileobj.read()
    yield from extract_python(io.BytesIO(source), keywords, comment_tags, options)
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef) and any(map(_is_operation, node.decorator_list)):
            said = ast.get_docstring(node) or ""
            yield node.lineno, "_", " ".join(said.split()), []


def _is_operation(decorator: ast.expr) -> bool:
    return (
        isinstance(decorator, ast.Call)
        and isinstance(decorator.func, ast.Attribute)
        and decorator.func.attr == "operation"
    )
