"""What the JSON of every service shares: operations that say who may use them, on flask-smorest;
amounts, moments, pages by cursor.

Operations are described once, by the decorators that also check them; ``/api/v1/openapi.json`` is
made of that. Errors are the product's own (problem details), so flask-smorest's handler, which
loses the ``Allow`` header of a 405, is left out.
"""

from __future__ import annotations

import base64
import binascii
import re
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any, TypeVar

import marshmallow as ma
import webargs
from flask import Flask, request
from flask.sansio.app import App
from flask_babel import lazy_gettext as _
from flask_smorest import Api, Blueprint
from flask_smorest.spec.plugins import FlaskPlugin
from flask_smorest.utils import prepare_response
from sqlalchemy import select
from webargs.flaskparser import FlaskParser
from werkzeug.exceptions import BadRequest, UnsupportedMediaType

from smartcity_saas.clock import read_day
from smartcity_saas.database import CityModel, db
from smartcity_saas.errors import Invalid
from smartcity_saas.tenancy.hosts import CITY_HOST
from smartcity_saas.texts import Text
from smartcity_saas.web.json_input import strict_json
from smartcity_saas.web.policy import (
    Availability,
    Caller,
    Policy,
    ServiceLookup,
    Who,
    declare,
)

ROOT = "/api/v1"
PROBLEM = "application/problem+json"
MOST_ITEMS = 500
MOST_ON_A_PAGE = 200

_LINE = "^[^\\u0000-\\u001f\\u007f]+$"
_SHOWN = r"[^\x00-\x1f\x7f\ud800-\udfff]*"
_UNSTORABLE = re.compile(r"[\x00\ud800-\udfff]")
_UNSTORABLE_TOLD = _("There is a character here that is none. Remove it.")
_DIGITS = re.compile(r"[0-9]{1,9}")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")

_IDEMPOTENCY_KEY = {
    "in": "header",
    "name": "Idempotency-Key",
    "required": False,
    "schema": {"type": "string", "pattern": "^[!-~]{1,200}$"},
    "description": _("Sending the same key again returns the same answer, for a day."),
}

T = TypeVar("T")
M = TypeVar("M", bound=CityModel)

Answer = dict[str, Any] | tuple[dict[str, Any], int, dict[str, str]]
"""What an operation answers, before its schema: a body, or a body, a status and headers."""
Operation = TypeVar("Operation", bound=Callable[..., Answer])


@dataclass(frozen=True)
class BodyProblem:
    """What is wrong with one field of a body; ``pointer`` is a JSON Pointer (RFC 6901)."""

    pointer: str
    message: Text

    def as_dict(self) -> dict[str, str]:
        """As JSON."""
        return {"pointer": self.pointer, "message": str(self.message)}


class CheckedApart(ma.fields.List[Any]):
    """A list whose items are bodies of their own, each checked by itself."""


class Body(ma.Schema):
    """The base of what is sent: unknown keys are refused, and said to be in the description."""

    class Meta:
        """See above."""

        unknown = ma.RAISE

    @ma.pre_load
    def _refuse_unstorable(self, data: Any, **kwargs: Any) -> Any:
        whole = data
        if isinstance(data, Mapping):
            apart = {key for key, one in self.fields.items() if isinstance(one, CheckedApart)}
            whole = {key: one for key, one in data.items() if key not in apart}
        if found := _unstorable(whole):
            raise ma.ValidationError(found)
        return data


def _unstorable(value: Any) -> Any:
    """Where a value of JSON has text that no database and no UTF-8 can have: U+0000 and lone
    surrogates; as messages of marshmallow, None for nowhere."""
    if isinstance(value, str):
        return [_UNSTORABLE_TOLD] if _UNSTORABLE.search(value) else None
    if isinstance(value, Mapping):
        if any(_unstorable(key) for key in value):
            return [_UNSTORABLE_TOLD]
        return {key: told for key, one in value.items() if (told := _unstorable(one))} or None
    if isinstance(value, list):
        return {n: told for n, one in enumerate(value) if (told := _unstorable(one))} or None
    return None


class Whole(ma.fields.Integer):
    """A whole JSON number: ``3``, never ``"3"``, ``true``, ``3.5`` or ``3.0``: who sends a
    fraction counts in another unit."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if isinstance(value, bool) or not isinstance(value, int):
            raise self.make_error("invalid", input=value)
        return super()._deserialize(value, attr, data, **kwargs)


class Counted(ma.fields.Integer):
    """A whole number in a query: digits alone."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if isinstance(value, str) and not _DIGITS.fullmatch(value):
            raise self.make_error("invalid", input=value)
        return super()._deserialize(value, attr, data, **kwargs)


class Cell(ma.fields.String):
    """One line of text of limited length, with nothing in it that does not show. One that need
    not be there may be empty, which empties what is stored."""

    def __init__(self, longest: int, **options: Any) -> None:
        least = 1 if options.get("required") else 0
        pattern = _LINE if least else _LINE.replace("+", "*")
        options["metadata"] = {"pattern": pattern, **options.get("metadata", {})}
        options.setdefault("allow_none", not least)
        fits = ma.validate.And(ma.validate.Length(least, longest), matches_whole(_SHOWN))
        super().__init__(validate=fits, **options)


class Shaped(ma.fields.String):
    """Text that a pattern fits from its first character to its last: no line may follow it."""

    def __init__(self, pattern: str, **options: Any) -> None:
        options["metadata"] = {"pattern": f"^{pattern}$", **options.get("metadata", {})}
        super().__init__(validate=matches_whole(pattern), **options)


class Day(ma.fields.Date):
    """A date (ISO 8601) of our century. One that need not be there may be empty."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("allow_none", not options.get("required"))
        super().__init__(**options)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if value == "" and not self.required:
            return ""
        found = read_day(value) if isinstance(value, str) and _DAY.fullmatch(value) else None
        if found is None:
            raise self.make_error("invalid", obj_type=self.OBJ_TYPE)
        return found


def matches_whole(pattern: str) -> Callable[[str], str]:
    """A validator of texts that a pattern fits from the first character to the very last;
    marshmallow's own takes what begins so, and ``$`` a line's end behind it."""
    compiled = re.compile(pattern)

    def check(value: str) -> str:
        if not compiled.fullmatch(value):
            raise ma.ValidationError("String does not match expected pattern.")
        return value

    return check


class PageQuery(Body):
    """Which page of a list."""

    cursor = ma.fields.String(
        validate=ma.validate.Length(max=200),
        metadata={
            "description": _(
                "`next_cursor` from the previous page. Leave it out for the first page."
            )
        },
    )
    limit = Counted(
        load_default=50,
        validate=ma.validate.Range(1, MOST_ON_A_PAGE),
        metadata={"description": _("Items per page.")},
    )


class FieldProblemSchema(ma.Schema):
    """What is wrong with one field."""

    pointer = ma.fields.String(metadata={"description": _("JSON Pointer into the body.")})
    message = ma.fields.String()


class ProblemSchema(ma.Schema):
    """Problem details (RFC 9457)."""

    type = ma.fields.String()
    title = ma.fields.String()
    status = ma.fields.Integer()
    detail = ma.fields.String()
    problems = ma.fields.List(ma.fields.Nested(FieldProblemSchema))
    see = ma.fields.String(
        metadata={"description": _("The address on the city's site that shows what is in the way.")}
    )


class TextSchema(ma.Schema):
    """A text in both languages."""

    zh = ma.fields.String()
    en = ma.fields.String()


class MoneySchema(ma.Schema):
    """An amount in the minor unit of an ISO 4217 currency."""

    amount = ma.fields.Integer()
    currency = ma.fields.String()


class _Parser(FlaskParser):
    """JSON only where it says that it is, and no unknown parameter in a query."""

    DEFAULT_UNKNOWN_BY_LOCATION = {
        **FlaskParser.DEFAULT_UNKNOWN_BY_LOCATION,
        "query": ma.RAISE,
    }

    def _raw_load_json(self, req: Any) -> Any:
        if not req.get_data(cache=True):
            return webargs.core.missing
        if not webargs.core.is_json(req.mimetype):
            raise UnsupportedMediaType
        try:
            return strict_json(req.get_data(cache=True))
        except (RecursionError, ValueError):  # broken, or nested or written beyond all measure
            raise BadRequest from None


class ApiBlueprint(Blueprint):  # type: ignore[misc] # flask-smorest has no types
    """JSON operations on every city's hosts, each with its policy, like pages."""

    ARGUMENTS_PARSER = _Parser()

    def __init__(
        self,
        name: str,
        import_name: str,
        *,
        service: str | ServiceLookup | None = None,
        **options: Any,
    ) -> None:
        super().__init__(name, import_name, **options)
        self.service = service
        self.policies: dict[str, Policy] = {}
        self._prepare_doc_cbks.append(_describe_all)

    def operation(
        self,
        rule: str,
        *,
        who: Who,
        method: str = "GET",
        scope: str | None = None,
        availability: Availability = Availability.NEW_BUSINESS,
        across_services: bool = False,
    ) -> Callable[[Operation], Operation]:
        """Register an operation: for ``everyone``, a ``resident``, or a ``client`` that holds a
        ``scope``. It stands outermost, so that who may not is told so before anything is read. One
        ``across_services`` belongs to none of them."""
        policy = Policy(
            who=who,
            service=None if across_services else self.service,
            availability=availability,
            scope=scope,
            caller=Caller.API,
        )
        security: dict[str, list[dict[str, list[str]]]] = {
            "everyone": [],
            "resident": [{"session": []}, {"bearer": []}],
            "client": [{"oauth2": [scope or ""]}],
        }

        def register(view: Operation) -> Operation:
            self.policies[f"{self.name}.{view.__name__}"] = policy
            described = self.doc(operationId=view.__name__, security=security[str(who)])(view)
            registered: Operation = self.route(
                rule, endpoint=view.__name__, methods=[method], host=CITY_HOST
            )(described)
            return registered

        return register

    def arguments(self, *arguments: Any, **options: Any) -> Callable[[Operation], Operation]:
        """What is sent, by a schema."""
        found: Callable[[Operation], Operation] = super().arguments(*arguments, **options)
        return found

    def response(self, *arguments: Any, **options: Any) -> Callable[[Operation], Operation]:
        """What is answered, by a schema."""
        found: Callable[[Operation], Operation] = super().response(*arguments, **options)
        return found

    def register(self, app: App, options: dict[str, Any]) -> None:
        """Register the operations and their policies."""
        super().register(app, options)
        declare(app, self.policies)


class _Paths(FlaskPlugin):  # type: ignore[misc] # flask-smorest has no types
    """Parameters of the path alone: the symbolic host is none."""

    def rule_to_params(self, rule: Any) -> Any:
        """Leave out what does not stand in the path."""
        path = self.flaskpath2openapi(rule.rule)
        return [p for p in super().rule_to_params(rule) if f"{{{p['name']}}}" in path]


class CityApi(Api):  # type: ignore[misc] # flask-smorest has no types
    """The description of the API; errors are rendered by the product itself."""

    ERROR_SCHEMA = ProblemSchema

    def _register_error_handlers(self) -> None:
        pass

    def _register_responses(self) -> None:
        known = [(one.name, one.phrase, one >= 400) for one in HTTPStatus]
        for name, text, is_error in [*known, ("DEFAULT_ERROR", "Problem details", True)]:
            response = {"description": text, **({"schema": ProblemSchema} if is_error else {})}
            prepare_response(response, self.spec, PROBLEM)
            self.spec.components.response(name, response, lazy=True)


def init_api(
    app: Flask, blueprints: Sequence[ApiBlueprint], scopes: Mapping[str, Any]
) -> dict[str, Any]:
    """Register the JSON of every service; returns its description in OpenAPI 3.1."""
    app.config.update(
        API_TITLE="smartcity",
        API_VERSION="1",
        OPENAPI_VERSION="3.1.0",
        API_SPEC_OPTIONS={
            "servers": [{"url": "/"}],
            "info": {
                "description": _(
                    "One city's public services, on that city's own host. Amounts are whole numbers of the minor unit with an ISO 4217 code. Times are RFC 3339 in UTC. Errors are problem details (RFC 9457). A write may carry `Idempotency-Key`: sending the same key again returns the same answer, for a day."
                )
            },
        },
    )
    api = CityApi(app, spec_kwargs={"flask_plugin": _Paths()})
    components = api.spec.components
    components.security_scheme(
        "oauth2",
        {
            "type": "oauth2",
            "flows": {
                "clientCredentials": {
                    "tokenUrl": "/oauth/token",
                    "scopes": {name: str(words) for name, words in scopes.items()},
                }
            },
        },
    )
    components.security_scheme("bearer", {"type": "http", "scheme": "bearer"})
    components.security_scheme("session", {"type": "apiKey", "in": "cookie", "name": "session"})
    for blueprint in blueprints:
        api.register_blueprint(blueprint)
    description: dict[str, Any] = api.spec.to_dict()
    for operations in description["paths"].values():
        for operation in operations.values():
            if "summary" in operation:  # a docstring is broken into lines, its translation is not
                operation["summary"] = " ".join(operation["summary"].split())
    return description


def field_problems(error: Any) -> list[BodyProblem]:
    """What webargs found wrong, one problem a field, by pointer; a parameter of the query has the
    pointer ``/?name``."""
    messages = (getattr(error, "data", None) or {}).get("messages") or {}
    return [
        BodyProblem(("/?" if place in ("query", "headers") else "/") + _pointer(path), said)
        for place, node in messages.items()
        for path, said in _flattened(node, ())
    ]


def problems_of(messages: Any, path: Sequence[Any]) -> list[BodyProblem]:
    """What marshmallow found wrong with a part of a body that stands at a path."""
    found = _flattened(messages, tuple(path))
    return [BodyProblem("/" + _pointer(place), said) for place, said in found]


def rows_after(model: type[M], asked: Mapping[str, Any]) -> list[M]:
    """The rows of the city that a page asks for, in the order of their keys, and one more where
    there is one.

    Raises:
        Invalid: The cursor is none of ours.
    """
    query = select(model).order_by(model.id).limit(asked["limit"] + 1)
    after = _cursor_of(asked.get("cursor"))
    if after is not None:
        query = query.where(model.id > after)
    return list(db.session.scalars(query))


def page_of(rows: Sequence[T], limit: int, shown: Callable[[T], Any]) -> Answer:
    """A page of a list, and the way to the next: ``rows`` are one more than the page if there is
    one. Rows have an ``id`` and are in its order."""
    page: dict[str, Any] = {"items": [shown(row) for row in rows[:limit]], "next_cursor": None}
    if len(rows) <= limit:
        return page
    last: Any = rows[limit - 1]
    page["next_cursor"] = base64.urlsafe_b64encode(last.id.bytes).decode()
    link = f'<{request.base_url}?limit={limit}&cursor={page["next_cursor"]}>; rel="next"'
    return page, 200, {"Link": link}


def page_schema(name: str, item: type[ma.Schema]) -> type[ma.Schema]:
    """The schema of a page of a list."""
    return ma.Schema.from_dict(
        {
            "items": ma.fields.List(ma.fields.Nested(item)),
            "next_cursor": ma.fields.String(allow_none=True),
        },
        name=name,
    )


def money(amount: int, currency: str) -> dict[str, Any]:
    """An amount in the minor unit with its ISO 4217 code."""
    return {"amount": amount, "currency": currency}


def moment(value: datetime | None) -> str | None:
    """A moment as RFC 3339, in UTC."""
    return None if value is None else value.isoformat().replace("+00:00", "Z")


def _cursor_of(text: str | None) -> uuid.UUID | None:
    """The key that a page goes on from.

    Raises:
        Invalid: It is no cursor of ours.
    """
    if text is None:
        return None
    try:
        return uuid.UUID(bytes=base64.urlsafe_b64decode(text.encode()))
    except (ValueError, binascii.Error, UnicodeError):
        wrong = BodyProblem("/?cursor", _("Use the value of next_cursor."))
        raise Invalid(_("Some fields are not valid."), [wrong]) from None


def _flattened(node: Any, path: tuple[Any, ...]) -> Iterator[tuple[tuple[Any, ...], str]]:
    if isinstance(node, Mapping):
        for key, inner in node.items():
            yield from _flattened(inner, path if key == "_schema" else (*path, key))
        return
    for said in node if isinstance(node, (list, tuple)) else [node]:
        if isinstance(said, (Mapping, list)):
            yield from _flattened(said, path)
        else:
            yield path, str(said)


def _pointer(path: Sequence[Any]) -> str:
    return "/".join(str(part).replace("~", "~0").replace("/", "~1") for part in path)


def _describe_all(
    doc: dict[str, Any], doc_info: Any, *, method: str, **ignored: Any
) -> dict[str, Any]:
    """What every operation may answer, and every write may carry, said once."""
    if method.upper() != "GET":
        doc.setdefault("parameters", []).append(_IDEMPOTENCY_KEY)
    responses = doc.setdefault("responses", {})
    responses.setdefault(429, "TOO_MANY_REQUESTS")
    if doc.get("security"):
        responses.setdefault(401, "UNAUTHORIZED")
        responses.setdefault(403, "FORBIDDEN")
    if "requestBody" in doc:
        responses.setdefault(400, "BAD_REQUEST")
        responses.setdefault(415, "UNSUPPORTED_MEDIA_TYPE")
    return doc
