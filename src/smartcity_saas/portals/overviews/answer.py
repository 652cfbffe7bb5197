"""A page for people, the same numbers as JSON for programs, at one address."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flask import Response, jsonify, make_response, request


def page_or_json(data: Mapping[str, Any], page: Callable[[], str]) -> Response:
    """What the present request asks for: JSON by ``?format=json`` or by its ``Accept`` header.

    Args:
        data: What a program is given.
        page: Makes what a person is shown.
    """
    response = jsonify(data) if _wants_json() else make_response(page())
    response.vary.add("Accept")
    return response


def _wants_json() -> bool:
    if request.args.get("format") == "json":
        return True
    kinds = request.accept_mimetypes
    return kinds["application/json"] > kinds["text/html"]
