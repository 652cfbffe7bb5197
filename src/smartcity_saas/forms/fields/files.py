"""Files and photographs: which of those that are stored are the answer.

Storing them is not done here. An answer names them by their ids, and what it is read with
(``Context.files``) knows which there are.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from smartcity_saas.forms.definition import Field
from smartcity_saas.forms.fields.kinds import Context, Kind, Unfit, WebForm, control, quoted
from smartcity_saas.texts import lazy_gettext as _

REMOVE = "remove-file"
"""The name of the button that takes a file out of an answer; its value is the file's id."""
REMOVED = "removed-file"
"""The name of the controls by which a page that does not store it sends again what was taken out."""
NEW = "new"
"""The part of a field's control by which a browser sends a file that is not stored yet."""


def _gather(name: str, form: WebForm) -> Any:
    removed = {*form.getlist(REMOVE), *form.getlist(REMOVED)}
    return [one for one in form.getlist(control(name)) if one not in removed]


def _read(field: Field, given: Any, context: Context) -> list[dict[str, str]] | None:
    if given is None:
        return None
    if not isinstance(given, list):
        raise Unfit(
            _("“%(value)s” is not a list. Give a list of files by their ids.", value=quoted(given))
        )
    found = {key: context.files[key] for key in (_key(one, context) for one in given)}
    if len(found) > field.files:
        raise Unfit(
            _(
                "%(found)s were added: at most %(most)s can be. Remove the others.",
                found=len(found),
                most=field.files,
            )
        )
    return [{"id": key, "name": name} for key, name in found.items()] or None


def _key(given: Any, context: Context) -> str:
    """The id of a file that there is."""
    key = given.get("id") if isinstance(given, Mapping) else given
    if not isinstance(key, str) or key not in context.files:
        name = given.get("name", key) if isinstance(given, Mapping) else key
        raise Unfit(
            _("The file “%(name)s” is not there any more. Add it again.", name=quoted(name))
        )
    return key


def _typed(value: Any) -> Any:
    """The ids by which a web form sends again what is stored."""
    if not isinstance(value, list):
        return value
    return [one.get("id") if isinstance(one, Mapping) else one for one in value]


def _words(field: Field, value: Any, language: str) -> str:
    return ("、" if language == "zh" else ", ").join(one["name"] for one in value)


FILE = Kind(_read, _words, _("Add a file."), gather=_gather, typed=_typed)
PHOTOGRAPH = Kind(_read, _words, _("Add a photograph."), gather=_gather, typed=_typed)
