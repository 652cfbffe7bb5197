"""Finding secrets that were written into a document, without ever repeating them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from smartcity_saas.configuration.problems import Path
from smartcity_saas.configuration.yaml_source import Node

_NAME = re.compile(
    r"(?i)(?:^|_)(?:secrets?|password|passwd|pwd|passphrase|token|private_?key|api_?key|"
    r"access_?key|secret_?key|signing_?key|master_?key|app_?key|credentials?)(?:\Z|[_\s])"
)
_VALUE = re.compile(
    r"(?:sk|rk|pk)_(?:live|test)_\w+|whsec_\w+|-----BEGIN|AKIA[0-9A-Z]{12,}|LTAI\w{10,}|"
    r"gh[pousr]_\w{20,}|xox[abprs]-\w+|eyJ[\w-]{10,}\.[\w-]{10,}\.|://[^/\s:@]+:[^/\s@]+@"
)


def find_secrets(node: Node, path: Path = ()) -> Iterator[tuple[Path, Node]]:
    """Every scalar that is a secret by its key or by its looks, with its path."""
    for entry in node.entries:
        here = (*path, entry.key)
        if entry.key == "credential" and path and len(node.entries) == 1:
            if _VALUE.search(str(entry.node.scalar)):
                yield here, entry.node
        elif entry.node.kind == "scalar":
            if (
                _NAME.search(str(entry.key))
                or _VALUE.search(str(entry.node.scalar))
                or _VALUE.search(str(entry.key))
            ):
                yield here, entry.node
        else:
            yield from find_secrets(entry.node, here)


def without_secrets(text: str, found: list[tuple[Path, Node]]) -> str:
    """The text with each secret replaced by a reference, for showing it again in an editor."""
    for path, node in sorted(found, key=lambda item: -item[1].start):
        name = next((str(step) for step in reversed(path) if isinstance(step, str)), "secret")
        name = re.sub(r"[^a-z0-9_]", "_", name.lower())
        text = text[: node.start] + f"{{credential: {name}}}" + text[node.end :]
    return text


def masked(text: str) -> str:
    """A text, which may not even be YAML, with everything that looks secret taken out."""
    text = _VALUE.sub("…", text)
    return re.sub(
        r"(?m)^(\s*(?:-\s*)?\"?'?([\w-]+)\"?'?\s*:\s*)(\S.*)$",
        lambda line: f"{line[1]}…" if _NAME.search(line[2]) and "{" not in line[3] else line[0],
        text,
    )


def names_secret(name: str) -> bool:
    """Whether what stands under a name is a secret, whatever it looks like."""
    return bool(_NAME.search(name))


def looks_secret(value: Any) -> bool:
    """Whether a value looks like a secret, wherever it stands."""
    return isinstance(value, str) and bool(_VALUE.search(value))
