"""Editing a document's text so that only the lines that must change do; comments stay.

ruamel.yaml's round trip re-indents, drops quotes and folds, so the text itself is cut and
mended at the positions that the parser reported, and the result is parsed again as proof.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from copy import deepcopy
from typing import Any

from smartcity_saas.configuration.line_endings import unified, with_ends_of
from smartcity_saas.configuration.merge import get
from smartcity_saas.configuration.problems import Path
from smartcity_saas.configuration.yaml_source import Entry, Node, Source, parse
from smartcity_saas.errors import Invalid
from smartcity_saas.texts import lazy_gettext as _

WIDTH = 88
_PLAIN = re.compile(r"[A-Za-z_/\u2e80-\u9fff][^\x00-\x1f\x7f\u0085\u2028\u2029\ufeff]*")
_READS_AS_ELSE = re.compile(
    r"(?i:y|n|yes|no|on|off|true|false|null)|[0-9.+-].*|.*: .*|.*\s#.*|.*:|.*\s|---.*|\.\.\..*"
)
_COMMENT = re.compile(r"(?<![^\s])#[^\r\n]*")
_MARK = "an_entry_that_is_written_out"
_FLOW_MARKS = re.compile(r"[,\[\]{}]")


def edit(text: str, changes: Mapping[Path, Any], removals: Iterable[Path] = ()) -> str:
    """Set some values of a document and remove others.

    Args:
        text: A document that parses.
        changes: Path to new value; missing mappings on the way are made.
        removals: Paths to remove; a mapping left empty goes too. Missing ones are passed over.

    Returns:
        The new text.

    Raises:
        Invalid: The text does not parse, or cannot be changed without changing more.
    """
    if "\r" in text:
        return with_ends_of(text, edit(unified(text), changes, removals))
    source = parse(text, "")
    wanted = deepcopy(source.values)
    for path in removals:
        text = _without(parse(text, ""), path)
        _drop(wanted, path)
    for path, value in changes.items():
        text = _set(text, path, value)
        _put(wanted, path, value)
    if parse(text, "").values != wanted:
        raise Invalid(_("This configuration cannot be edited in the form. Edit it as text."))
    return text


def insert(text: str, path: Path, entry: str) -> tuple[str, int]:
    """Put an entry that is written out below a mapping of a document, with its comments.

    Args:
        text: A document that parses.
        path: The mapping; made where it is missing.
        entry: One key with its value, as YAML of its own that is not indented.

    Returns:
        The new text, and how many of its lines stand before the entry's first. Below a mapping in
        braces the entry loses its comments.

    Raises:
        Invalid: Either does not parse, or the key is there already.
    """
    if "\r" in text:
        made, before = insert(unified(text), path, unified(entry))
        return with_ends_of(text, made), before
    written = parse(unified(entry), "")
    if len(written.values) != 1:
        raise Invalid(_("Write one service: its name, and below it what it says."))
    [key] = written.values
    if get(parse(text, "").values, (*path, key)) is not None:
        raise Invalid(_("There is a service “%(name)s” already.", name=key))
    lines = unified(entry).rstrip().splitlines()
    if get(parse(text, "").values, path) is None:
        kept = text.rstrip("\n").splitlines()
        kept += ["  " * depth + f"{step}:" for depth, step in enumerate(path)]
        return "\n".join([*kept, *_indented(lines, "  " * len(path))]) + "\n", len(kept)
    mark = edit(text, {(*path, str(key)): _MARK}).splitlines()
    before = next((n for n, one in enumerate(mark) if one.endswith(f": {_MARK}")), 0)
    indent = mark[before][: len(mark[before]) - len(mark[before].lstrip(" "))]
    if mark[before] != f"{indent}{_key(str(key))}: {_MARK}":
        made = edit(text, {(*path, str(key)): written.values[key]})
        return made, parse(made, "").problem((*path, key), "").line - 1
    mark[before : before + 1] = _indented(lines, indent)
    return "\n".join(mark) + "\n", before


def _indented(lines: list[str], indent: str) -> list[str]:
    return [indent + one if one.strip() else "" for one in lines]


def write(values: Mapping[str, Any]) -> str:
    """A new document's text."""
    return "".join(line + "\n" for key in values for line in _entry(key, values[key], 0))


def inline(value: Any) -> str:
    """A value as YAML on one line, for people to read."""
    return _flow(value)


def _put(values: Any, path: Path, value: Any) -> None:
    for step in path[:-1]:
        if not isinstance(values.get(step), dict):
            values[step] = {}
        values = values[step]
    values[path[-1]] = value


def _drop(values: Any, path: Path) -> None:
    parents = []
    for step in path[:-1]:
        if not isinstance(values, dict) or step not in values:
            return
        parents.append((values, step))
        values = values[step]
    if isinstance(values, dict):
        values.pop(path[-1], None)
    for parent, step in reversed(parents):
        if parent[step] == {}:
            del parent[step]


def _set(text: str, path: Path, value: Any) -> str:
    """Set a value; inside a mapping that stays one, key by key, so that comments in it stay."""
    node = _node_at(parse(text, "").root, path)
    if node is None or node.kind != "mapping" or not isinstance(value, dict) or not value:
        return _with(parse(text, ""), path, value)
    before = [str(entry.key) for entry in node.entries]
    for key, inner in value.items():
        text = _set(text, (*path, key), inner)
    for key in before:
        if key not in value:
            text = _without(parse(text, ""), (*path, key))
    return text


def _node_at(node: Node, path: Path) -> Node | None:
    for step in path:
        entry = node.entry(step)
        if entry is None:
            return None
        node = entry.node
    return node


def _with(source: Source, path: Path, value: Any) -> str:
    parent, found, depth = source.root, None, 0
    for depth, step in enumerate(path):
        found = parent.entry(step)
        if found is None or depth == len(path) - 1 or found.node.kind != "mapping":
            break
        parent = found.node
    rest = path[depth + 1 :]
    for step in reversed(rest):
        value = {step: value}
    if found is not None:
        return _replaced(source, parent, found, value)
    return _inserted(source, parent, str(path[depth]), value)


def _replaced(source: Source, parent: Node, entry: Entry, value: Any) -> str:
    text, node = source.text, entry.node
    if not isinstance(value, (dict, list)) and node.kind == "scalar" and not node.block_scalar:
        return text[: node.start] + _scalar(value, parent.flow) + text[node.end :]
    if parent.flow:
        return text[: node.start] + _flow(value) + text[node.end :]
    lines = _entry(str(entry.key), value, entry.column - 1)
    end = _end_of_content(text, node)
    inside = [" " * (entry.column - 1) + found for found in _comments(text, entry, end)]
    rest = _end_of_line(text, end)
    kept = "".join("\n" + comment for comment in inside)
    return text[: entry.start] + "\n".join(lines).lstrip(" ") + text[end:rest] + kept + text[rest:]


def _inserted(source: Source, parent: Node, key: str, value: Any) -> str:
    text = source.text
    if parent.flow:
        item = f"{_key(key)}: {_flow(value)}"
        if not parent.entries:
            return text[: parent.start + 1] + item + text[parent.start + 1 :]
        end = parent.entries[-1].node.end
        return text[:end] + ", " + item + text[end:]
    lines = _entry(key, value, parent.column - 1)
    end = _end_of_line(text, _end_of_content(text, parent))
    return text[:end] + "".join("\n" + line for line in lines) + (text[end:] or "\n")


def _without(source: Source, path: Path) -> str:
    parents: list[tuple[Node, Entry]] = []
    node = source.root
    for step in path:
        entry = node.entry(step)
        if entry is None:
            return source.text
        parents.append((node, entry))
        node = entry.node
    parent, entry = parents.pop()
    while len(parent.entries) == 1 and parents:
        parent, entry = parents.pop()
    return _cut(source.text, parent, entry)


def _cut(text: str, parent: Node, entry: Entry) -> str:
    if parent.flow:
        place = parent.entries.index(entry)
        if place:
            return text[: parent.entries[place - 1].node.end] + text[entry.node.end :]
        if len(parent.entries) > 1:
            return text[: entry.start] + text[parent.entries[1].start :]
        return text[: entry.start] + text[entry.node.end :]
    start = text.rfind("\n", 0, entry.start) + 1
    end = _end_of_line(text, _end_of_content(text, entry.node))
    indent = " " * (entry.column - 1)
    own_lines = _comments(text, entry, end, own_line=True)
    kept = "".join(f"{indent}{found}\n" for found in own_lines)
    return text[:start] + kept + text[end + 1 :]


def _comments(text: str, entry: Entry, end: int, *, own_line: bool = False) -> list[str]:
    """The comments within an entry that goes, or those of them that have a line of their own."""
    spans = list(_scalars(entry.node))
    found = []
    for match in _COMMENT.finditer(text, entry.start, end):
        line = text[text.rfind("\n", 0, match.start()) + 1 : match.start()]
        within = any(start <= match.start() < stop for start, stop in spans)
        if not within and not (own_line and line.strip()):
            found.append(match[0])
    return found


def _scalars(node: Node) -> Iterator[tuple[int, int]]:
    if node.kind == "scalar":
        yield node.start, node.end
    for entry in node.entries:
        yield entry.start, entry.start + len(str(entry.key))
        yield from _scalars(entry.node)


def _end_of_content(text: str, node: Node) -> int:
    while node.kind != "scalar" and not node.flow and node.entries:
        node = node.entries[-1].node
    end = node.end
    if node.block_scalar:
        end = len(text[:end].rstrip("\r\n \t"))
    return end


def _end_of_line(text: str, index: int) -> int:
    end = text.find("\n", index)
    return len(text) if end < 0 else end


def _entry(key: str, value: Any, indent: int) -> list[str]:
    """The lines of one block entry."""
    head = " " * indent + _key(key) + ":"
    if not isinstance(value, (dict, list)):
        return [f"{head} {_scalar(value, False)}"]
    if not value or _fits(head, value):
        return [f"{head} {_flow(value)}"]
    if isinstance(value, dict):
        return [head, *(line for k in value for line in _entry(k, value[k], indent + 2))]
    return [head, *(" " * (indent + 2) + "- " + _flow(item) for item in value)]


def _fits(head: str, value: Any) -> bool:
    items = value.values() if isinstance(value, dict) else value
    simple = not any(isinstance(item, (dict, list)) for item in items)
    return simple and len(head) + len(_flow(value)) < WIDTH


def _flow(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_key(k)}: {_flow(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_flow, value)) + "]"
    return _scalar(value, True)


def _key(key: str) -> str:
    return _scalar(key, True)


def _scalar(value: Any, flow: bool) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    text = str(value)
    if (
        _PLAIN.fullmatch(text)
        and not _READS_AS_ELSE.fullmatch(text)
        and not (flow and _FLOW_MARKS.search(text))
    ):
        return text
    # A JSON string is a YAML double-quoted scalar; what JSON leaves bare and YAML does not
    # allow is escaped as well.
    return re.sub(
        r"[\x7f-\x9f\u2028\u2029\ufeff]",
        lambda found: f"\\u{ord(found[0]):04x}",
        json.dumps(text, ensure_ascii=False),
    )
