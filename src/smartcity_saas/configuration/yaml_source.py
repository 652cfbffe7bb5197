"""From text to values with positions. Hostile YAML is refused before anything is built.

YAML 1.2 core schema; dates stay text. ruamel.yaml scans and yields events; bounds are counted
on those events, so that a bomb costs no more than the bytes it is written in.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from ruamel.yaml import YAML, events
from ruamel.yaml.error import MarkedYAMLError, YAMLError, YAMLStreamError

from smartcity_saas.configuration.problems import Path, Problem, in_order, pointer
from smartcity_saas.configuration.yaml_hints import no_value_hint, syntax_fault
from smartcity_saas.errors import Invalid
from smartcity_saas.texts import Text
from smartcity_saas.texts import lazy_gettext as _

MOST_BYTES = 32 * 1024
DEEPEST = 12
MOST_NODES = 2_000
LONGEST_NUMBER = 15

_NULL = re.compile(r"~|null|Null|NULL|")
_BOOLEAN = re.compile(r"true|True|TRUE|false|False|FALSE")
_INTEGER = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")


_UNSEEN_END = re.compile("[\x85\u2028\u2029]")
"""What YAML 1.1 took for the end of a line."""
_LONE = re.compile("[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]")
"""A surrogate without its other half: ``"\\udc00"`` in a double-quoted scalar."""


@dataclass(slots=True)
class Node:
    """One value in the text: ``text[start:end]``, at ``line`` and ``column`` (from 1)."""

    kind: str
    start: int
    end: int
    line: int
    column: int
    flow: bool = False
    block_scalar: bool = False
    scalar: Any = None
    entries: list[Entry] = field(default_factory=list)

    def value(self) -> Any:
        """The plain Python value."""
        if self.kind == "mapping":
            return {entry.key: entry.node.value() for entry in self.entries}
        if self.kind == "sequence":
            return [entry.node.value() for entry in self.entries]
        return self.scalar

    def entry(self, key: str | int) -> Entry | None:
        """The entry of a mapping or sequence under a key or an index."""
        return next((entry for entry in self.entries if entry.key == key), None)


@dataclass(slots=True)
class Entry:
    """A key (an index, in a sequence) with its position, and its value."""

    key: str | int
    start: int
    line: int
    column: int
    node: Node


@dataclass(frozen=True)
class Source:
    """A parsed document: where it came from, its text, its tree."""

    path: str
    text: str
    root: Node

    @cached_property
    def values(self) -> dict[str, Any]:
        """The document as plain values, made once: whoever changes them copies them before."""
        return self.root.value()  # type: ignore[no-any-return]

    def problem(
        self, path: Path, message: Text, hint: Text = "", *, at_key: bool = False
    ) -> Problem:
        """A problem at a path, or at the nearest part of it that the text has."""
        node, line, column = self.root, self.root.line, self.root.column
        for step in path:
            entry = node.entry(step)
            if entry is None:
                break
            node, line, column = entry.node, entry.line, entry.column
        else:
            if not at_key and node.kind == "scalar" and path:
                line, column = node.line, node.column
        return Problem(self.path, line, column, pointer(path), message, hint)

    def written(self, path: Path) -> str:
        """The text at a path, or at the nearest part of it that there is; empty where that is no scalar
        and nothing in braces."""
        node = self.root
        for step in path:
            entry = node.entry(step)
            if entry is None:
                break
            node = entry.node
        inline = node.flow or (node.kind == "scalar" and not node.block_scalar)
        return self.text[node.start : node.end] if inline else ""


def parse(data: bytes | str, path: str) -> Source:
    """Read one document.

    Args:
        data: The YAML, in UTF-8 when it is bytes.
        path: What to call it in messages.

    Raises:
        Invalid: With ``problems``, in well under a second for any input.
    """
    return _Reader(_decoded(data, path), path).read()


def _decoded(data: bytes | str, path: str) -> str:
    size = len(data.encode("utf-8", "surrogatepass")) if isinstance(data, str) else len(data)
    if size > MOST_BYTES:
        raise _refusal(
            path,
            _("The configuration is larger than 32 KiB."),
            _("Remove what repeats the baseline."),
        )
    if isinstance(data, str):
        return _folded(data)
    try:
        return _folded(data.decode("utf-8"))
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        column = error.start - (data.rfind(b"\n", 0, error.start) + 1) + 1
        raise _refusal(
            path, _("The file is not in UTF-8."), _("Save it again as UTF-8."), line, column
        ) from None


def _folded(text: str) -> str:
    """Without a byte order mark, in the composed form (NFC): a name that a Mac has written
    decomposed is the same name."""
    return unicodedata.normalize("NFC", text.removeprefix("\ufeff"))


def _refusal(path: str, message: Text, hint: Text, line: int = 1, column: int = 1) -> Invalid:
    return Invalid(message, [Problem(path, line, column, "", message, hint)])


class _Reader:
    def __init__(self, text: str, path: str) -> None:
        self.text = text
        self.path = path
        self.problems: list[Problem] = []
        self.nodes = 0

    def read(self) -> Source:
        try:
            stream = self._events()
            root = self._document(stream)
        except MarkedYAMLError as error:
            raise self._syntax(error) from None
        except (YAMLError, YAMLStreamError, ValueError) as error:
            raise self._unreadable(error) from None
        except RecursionError:
            raise self._too_deep(None) from None
        if self.problems:
            raise Invalid(_("We could not read the configuration."), in_order(self.problems))
        if root is None or root.kind != "mapping":
            raise _refusal(
                self.path,
                _("A configuration is a mapping of keys to values."),
                _("Start with a line such as “city: hangzhou”."),
            )
        return Source(self.path, self.text, root)

    def _events(self) -> Iterator[Any]:
        depth = 0
        for event in YAML(typ="rt", pure=True).parse(self.text):
            if isinstance(event, events.CollectionStartEvent):
                depth += 1
            elif isinstance(event, events.CollectionEndEvent):
                depth -= 1
            if depth > DEEPEST:
                raise self._too_deep(event)
            if isinstance(event, events.NodeEvent):
                self.nodes += 1
                if self.nodes > MOST_NODES:
                    raise self._refuse(
                        event, _("The configuration has more than 2,000 values."), ""
                    )
            self._refuse_machinery(event)
            yield event

    def _refuse_machinery(self, event: Any) -> None:
        if isinstance(event, events.AliasEvent) or getattr(event, "anchor", None):
            raise self._refuse(
                event,
                _(
                    "You cannot use anchors or aliases (& and *). This has “%(name)s”.",
                    name=_shown(event.anchor),
                ),
                _("Write the value in full. If this is a text, put it in quotes."),
            )
        if isinstance(event, events.NodeEvent) and getattr(event, "tag", None):
            raise self._refuse(
                event,
                _(
                    "You cannot use tags (!). This has “%(tag)s”.",
                    tag=_shown(getattr(event, "tag", "")),
                ),
                _("Remove the tag. If this is a text, put it in quotes."),
            )
        if isinstance(event, events.DocumentStartEvent) and (
            event.tags or (event.version and tuple(event.version) != (1, 2))
        ):
            raise self._refuse(
                event,
                _("Configurations are YAML 1.2, without directives."),
                _("Remove the line that starts with a percent sign."),
            )

    def _document(self, stream: Iterator[Any]) -> Node | None:
        root = None
        documents = 0
        for event in stream:
            if isinstance(event, events.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise self._refuse(
                        event,
                        _("A file can hold only one configuration."),
                        _("Remove the second ---."),
                    )
            elif isinstance(event, events.NodeEvent):
                root = self._node(event, stream, ())
        return root

    def _node(self, event: Any, stream: Iterator[Any], path: Path) -> Node:
        start, end = event.start_mark, event.end_mark
        node = Node("scalar", start.index, end.index, start.line + 1, start.column + 1)
        if isinstance(event, events.ScalarEvent):
            node.block_scalar = event.style in ("|", ">")
            node.scalar = self._scalar(event, path)
        elif isinstance(event, events.MappingStartEvent):
            node.kind, node.flow = "mapping", bool(event.flow_style)
            self._mapping(node, stream, path)
        else:
            node.kind, node.flow = "sequence", bool(event.flow_style)
            self._sequence(node, stream, path)
        return node

    def _mapping(self, node: Node, stream: Iterator[Any], path: Path) -> None:
        for event in stream:
            if isinstance(event, events.MappingEndEvent):
                self._close(node, event)
                self._without_value(node, path)
                return
            if not isinstance(event, events.ScalarEvent):
                raise self._refuse(event, _("A key must be plain text."), "")
            key, mark = self._text(event, path), event.start_mark
            here = (*path, key)
            if key == "<<" and not event.style:
                self._note(mark, here, _("You cannot use merge keys (<<)."))
            if node.entry(key) is not None:
                self._note(
                    mark,
                    here,
                    _("“%(key)s” is here twice.", key=key),
                    _("Keep one of the two."),
                )
            value = self._node(next(stream), stream, here)
            node.entries.append(Entry(key, mark.index, mark.line + 1, mark.column + 1, value))

    def _sequence(self, node: Node, stream: Iterator[Any], path: Path) -> None:
        for event in stream:
            if isinstance(event, events.SequenceEndEvent):
                self._close(node, event)
                return
            index = len(node.entries)
            child = self._node(event, stream, (*path, index))
            node.entries.append(Entry(index, child.start, child.line, child.column, child))

    def _without_value(self, node: Node, path: Path) -> None:
        """Note the keys of a mapping that have no value, each with what was likely meant."""
        before: Entry | None = None
        for number, entry in enumerate(node.entries):
            value = entry.node
            if value.kind != "scalar" or value.scalar is not None:
                before = entry
                continue
            after = next((one for one in node.entries[number + 1 :][:1] if not node.flow), None)
            bare = node.flow and not self.text[entry.start : value.start].rstrip().endswith(":")
            at = value if value.end > value.start else entry
            hint = no_value_hint(
                str(entry.key),
                bare,
                (str(before.key), self._is_unquoted_text(before.node)) if before else None,
                (str(after.key), after.line) if after and after.node.kind != "scalar" else None,
            )
            here = (*path, entry.key)
            message = _("“%(key)s” has no value.", key=entry.key)
            self.problems.append(
                Problem(self.path, at.line, at.column, pointer(here), message, hint)
            )

    def _is_unquoted_text(self, node: Node) -> bool:
        return isinstance(node.scalar, str) and self.text[node.start] not in "\"'"

    def _close(self, node: Node, event: Any) -> None:
        """A block collection ends with its last entry; its own end mark is further on."""
        if node.flow:
            node.end = event.end_mark.index
        elif node.entries:
            node.end = node.entries[-1].node.end

    def _scalar(self, event: Any, path: Path) -> Any:
        text = self._text(event, path)
        if event.style:
            return text
        if _NULL.fullmatch(text):
            if not path or isinstance(path[-1], int):
                self._note(
                    event.start_mark,
                    path,
                    _("“%(key)s” has no value.", key=path[-1] if path else ""),
                    _("Enter a value, or remove the key to use the value from the baseline."),
                )
            return None
        if _BOOLEAN.fullmatch(text):
            return text.lower() == "true"
        if _INTEGER.fullmatch(text) or _FLOAT.fullmatch(text):
            return self._number(event, text, path)
        return text

    def _number(self, event: Any, text: str, path: Path) -> Any:
        if len(text) > LONGEST_NUMBER:
            self._note(
                event.start_mark,
                path,
                _("%(number)s is too long to be kept exactly.", number=text[:60]),
                _("If it is a code, put it in quotes."),
            )
            return 0
        if _INTEGER.fullmatch(text):
            base = {"0o": 8, "0x": 16}.get(text[:2], 10)
            return int(text[2:] if base != 10 else text, base)
        return float(text)

    def _text(self, event: Any, path: Path) -> str:
        """The characters of a scalar, key or value: composed, pairs of surrogates joined; what no
        store and no page can hold is a problem, and a replacement character stands for it."""
        text = event.value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        text = unicodedata.normalize("NFC", text)
        wrong = next((one for one in event.value if _is_control(one)), None)
        lone = _LONE.search(event.value)
        for one in filter(None, (wrong, lone and lone[0])):
            self._note(
                event.start_mark,
                path,
                _("There is an invisible character here (U+%(code)s).", code=f"{ord(one):04X}"),
                _("Remove the invisible or control character."),
            )
        return "".join("\ufffd" if _is_control(one) else one for one in text)

    def _note(self, mark: Any, path: Path, message: Text, hint: Text = "") -> None:
        self.problems.append(
            Problem(self.path, mark.line + 1, mark.column + 1, pointer(path), message, hint)
        )

    def _refuse(self, event: Any, message: Text, hint: Text) -> Invalid:
        mark = event.start_mark
        return _refusal(self.path, message, hint, mark.line + 1, mark.column + 1)

    def _too_deep(self, event: Any) -> Invalid:
        mark = getattr(event, "start_mark", None)
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        return _refusal(
            self.path,
            _("The configuration is nested more than 12 levels deep."),
            _("Configurations need no more than 8 levels."),
            line,
            column,
        )

    def _syntax(self, error: MarkedYAMLError) -> Invalid:
        """A syntax error by its place alone: ruamel's snippet may quote a secret. A line's end that no
        editor shows as one, pasted into a comment, is named itself."""
        mark = error.problem_mark or error.context_mark
        unseen = _UNSEEN_END.search(self.text, 0, mark.index + 1) if mark else None
        if unseen:
            before = self.text[: unseen.start()]
            return _refusal(
                self.path,
                _(
                    "There is an invisible character here (U+%(code)s).",
                    code=f"{ord(unseen[0]):04X}",
                ),
                _("Remove the invisible or control character."),
                before.count("\n") + 1,
                len(before) - before.rfind("\n"),
            )
        line, column, hint = syntax_fault(self.text, error)
        return _refusal(self.path, _("This is not valid YAML."), hint, line, column)

    def _unreadable(self, error: Exception) -> Invalid:
        position = getattr(error, "position", 0) or 0
        before = self.text[:position]
        return _refusal(
            self.path,
            _("There is a character here that YAML does not allow."),
            _("Remove the invisible or control character."),
            before.count("\n") + 1,
            position - (before.rfind("\n") + 1) + 1,
        )


def _is_control(character: str) -> bool:
    return unicodedata.category(character) == "Cc" and character not in "\t\n\r"


def _shown(name: Any) -> str:
    """An anchor's or a tag's name, as far as it says what stands there."""
    return str(name).encode("utf-8", "replace").decode()[:60]
