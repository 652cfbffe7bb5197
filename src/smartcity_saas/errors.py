"""The domain's errors. ``app`` renders them, once, as a branded page or as problem details."""

from __future__ import annotations

from typing import Any

from smartcity_saas.texts import Text


class SmartCityError(Exception):
    """Something that a person can be told about.

    ``status`` is the HTTP status, ``title`` a translatable sentence, ``detail`` what to do next;
    ``see`` the path, on the city's site, of what stands in the way, where the person may see it.
    ``retry_after`` are the seconds after which it may go well, where that is known.
    """

    status = 400
    title: Text = "This cannot be done"
    see: str | None = None
    retry_after: int | None = None

    def __init__(self, detail: Text = "", *, title: Text | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        if title is not None:
            self.title = title


class IllegalTransition(RuntimeError):
    """A row cannot go from one state to another. A fault of the program, nothing that a person
    could be told about."""


class SettingsError(SmartCityError):
    """The installation is set up wrongly; nothing starts."""

    status = 500


class NotFound(SmartCityError):
    """It does not exist, or not for this person: the two answer alike."""

    status = 404


class NotSignedIn(SmartCityError):
    """It is somebody's, and nobody has signed in."""

    status = 401


class NotAllowed(SmartCityError):
    """The person may see it, and may not do this to it."""

    status = 403


class Conflict(SmartCityError):
    """It has changed since the person last saw it."""

    status = 409


class Invalid(SmartCityError):
    """What was typed or sent does not fit; ``problems`` says where.

    ``problems`` is a list of anything that has ``as_dict()``.
    """

    status = 422

    def __init__(self, detail: Any = "", problems: list[Any] | None = None) -> None:
        super().__init__(detail)
        self.problems = problems or []

    def by_field(self, otherwise: str = "") -> dict[str, Any]:
        """The messages by the form's field; what belongs to none, at the field ``otherwise``, or
        over the form where that is empty."""
        return {otherwise: self.detail}


class FieldErrors(Invalid):
    """What is wrong with a form; ``fields`` maps a field's name to its message. ``detail`` is all
    of them, for where there are no fields."""

    def __init__(self, fields: dict[str, Any]) -> None:
        super().__init__(" ".join(str(said) for said in fields.values()))
        self.fields = dict(fields)

    def by_field(self, otherwise: str = "") -> dict[str, Any]:
        """As ``Invalid.by_field``; ``otherwise`` is not needed."""
        return dict(self.fields)


class Throttled(SmartCityError):
    """Too many attempts."""

    status = 429
    retry_after: int

    def __init__(self, detail: Any, retry_after: int) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


class OverQuota(SmartCityError):
    """The city has used what its quota gives it for now; nothing was done."""

    status = 429


class NotReady(SmartCityError):
    """The database cannot be reached, or has not been migrated."""

    status = 503
    retry_after = 10


class TenantIsolationError(RuntimeError):
    """A statement would have left its city. A fault of the program, never of its user."""
