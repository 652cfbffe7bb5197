"""JSON from other programs, read strictly: what says two things says nothing."""

from __future__ import annotations

import json
from typing import Any, NoReturn


def strict_json(data: bytes) -> Any:
    """A JSON text in UTF-8 (RFC 8259), with or without a mark, in which every key of an object
    stands once and every number is one.

    Raises:
        ValueError: It is no JSON, a key stands twice, or a number is NaN or infinite.
        RecursionError: It is nested beyond all measure.
    """
    return json.loads(data.decode("utf-8-sig"), object_pairs_hook=_once, parse_constant=_refuse)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")
