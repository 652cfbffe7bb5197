"""One service as somebody pasted it: alone, indented, or with ``services:`` above it; its faults at its own lines."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from flask_babel import gettext as _

from smartcity_saas.configuration.problems import Problem
from smartcity_saas.configuration.validation import Candidate
from smartcity_saas.configuration.yaml_edit import insert, write
from smartcity_saas.configuration.yaml_source import Entry, Node, parse
from smartcity_saas.errors import Invalid

SERVICES = "services"
TYPED = "YAML"
"""What messages call the text that was pasted."""


@dataclass(frozen=True)
class PastedService:
    """A service with its name, and its YAML without indentation.

    ``line`` and ``indent`` are where its name was typed, ``above`` how many typed lines stand above the
    first of ``entry``, ``lines`` how many of ``entry`` were typed; 0 where it was written anew.
    """

    name: str
    values: Mapping[str, Any]
    entry: str
    line: int
    indent: int
    above: int
    lines: int


@dataclass(frozen=True)
class PlacedService:
    """A pasted service in a document, at its line and column there (from 1)."""

    pasted: PastedService
    candidate: Candidate
    above: int
    indent: int

    def typed(self, problem: Problem) -> Problem:
        """A problem of the document at its place in what was typed; at the service's name where that is
        not in what was typed."""
        line = problem.line - self.above
        is_own = problem.path == self.candidate.source.problem((), "").path
        if is_own and 0 < line <= self.pasted.lines:
            column = problem.column - self.indent + self.pasted.indent
            return replace(
                problem, path=TYPED, line=line + self.pasted.above, column=max(1, column)
            )
        at_name = replace(problem, path=TYPED, line=self.pasted.line, column=self.pasted.indent + 1)
        if is_own and problem.pointer.startswith(f"/{SERVICES}/{self.pasted.name}"):
            return at_name
        return replace(
            at_name,
            message=_(
                "Line %(line)s of the configuration %(document)s: %(message)s",
                line=problem.line,
                document=problem.path,
                message=problem.message,
            ),
        )


def read_pasted(text: str) -> PastedService:
    """Read one service.

    Args:
        text: YAML of one entry of the catalog: alone, indented, or below ``services:``.

    Raises:
        Invalid: With ``problems`` at the lines of the text.
    """
    if not re.search(r"^[^#\n]*\S", text, re.MULTILINE):
        raise _refusal(1, 1, _write_one())
    source = parse(text, TYPED)
    root = source.root
    wrapper = root.entry(SERVICES) if len(root.entries) == 1 else None
    if wrapper is not None and wrapper.node.kind == "mapping":
        root = wrapper.node
    _refuse_other_than_one(root)
    [entry] = root.entries
    values = root.value()[entry.key]
    if root.flow:
        return PastedService(
            str(entry.key), values, write(root.value()), entry.line, entry.column - 1, 0, 0
        )
    lines = text.split("\n")
    if wrapper is not None and root is wrapper.node:
        comment = re.search(r"\s(#.*)", lines[wrapper.line - 1])
        lines[wrapper.line - 1] = comment[1] if comment else ""
    indent = entry.column - 1
    lines = [one[min(indent, len(one) - len(one.lstrip(" "))) :] for one in lines]
    above = next(number for number, one in enumerate(lines) if one.strip())
    kept = "\n".join(lines[above:]).rstrip()
    return PastedService(
        str(entry.key), values, kept + "\n", entry.line, indent, above, kept.count("\n") + 1
    )


def place(pasted: PastedService, name: str, text: str, files: Mapping[str, str]) -> PlacedService:
    """A pasted service in a document.

    Args:
        pasted: The service.
        name: The document's.
        text: The document.
        files: Its pictures, as a candidate's.

    Raises:
        Invalid: With ``problems`` at the lines of what was typed: the document has it already.
    """
    try:
        whole, above = insert(text, (SERVICES,), pasted.entry)
        source = parse(whole, name)
    except Invalid as error:
        raise _refusal(pasted.line, pasted.indent + 1, str(error.detail)) from None
    at = source.problem((SERVICES, pasted.name), "", at_key=True)
    return PlacedService(pasted, Candidate(source, files), above, at.column - 1)


def _refuse_other_than_one(root: Node) -> None:
    """Refuse what is no service, or are several."""
    for entry in root.entries:
        if entry.node.entry("kind") is None:
            raise _refused_at(entry, _write_one())
    if not root.entries:
        raise _refusal(root.line, root.column, _write_one())
    if len(root.entries) > 1:
        raise _refused_at(
            root.entries[1],
            _(
                "Add one service at a time: “%(first)s”, then “%(second)s”.",
                first=root.entries[0].key,
                second=root.entries[1].key,
            ),
        )


def _refused_at(entry: Entry, message: str) -> Invalid:
    return _refusal(entry.line, entry.column, message)


def _refusal(line: int, column: int, message: str) -> Invalid:
    return Invalid(message, [Problem(TYPED, line, column, "", message)])


def _write_one() -> str:
    return str(_("Write one service: its name, and below it what it says, with kind: form."))
