"""What the JSON of services shares: reading a body by a schema, amounts, moments."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import request
from flask_babel import lazy_gettext as _
from marshmallow import RAISE, Schema, ValidationError

from smartcity_saas.errors import Invalid

ROOT = "/api/v1"


@dataclass(frozen=True)
class BodyProblem:
    """What is wrong with one field of a body; ``pointer`` is a JSON Pointer (RFC 6901)."""

    pointer: str
    message: Any

    def as_dict(self) -> dict[str, str]:
        """As JSON."""
        return {"pointer": self.pointer, "message": str(self.message)}


def body_of(schema: type[Schema]) -> dict[str, Any]:
    """The request's JSON, by a schema; unknown keys are refused.

    Raises:
        Invalid: It is no JSON object, or a field does not fit; the problems name each.
    """
    try:
        sent = request.get_json(silent=True)
    except RecursionError:
        sent = None
    if not isinstance(sent, dict):
        raise Invalid(_("Send a JSON object, as application/json."))
    try:
        loaded: dict[str, Any] = schema(unknown=RAISE).load(sent)
    except ValidationError as error:
        raise Invalid(
            _("Some fields do not fit."),
            [
                BodyProblem(
                    f"/{name}", "; ".join(map(str, found)) if isinstance(found, list) else found
                )
                for name, found in sorted(error.messages_dict.items())
            ],
        ) from None
    return loaded


def money(amount: int, currency: str) -> dict[str, Any]:
    """An amount in the minor unit with its ISO 4217 code."""
    return {"amount": amount, "currency": currency}


def moment(value: datetime | None) -> str | None:
    """A moment as RFC 3339, in UTC."""
    return None if value is None else value.isoformat().replace("+00:00", "Z")
