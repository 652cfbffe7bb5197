"""What somebody declares by ticking a box."""

from __future__ import annotations

from typing import Any

from smartcity_saas.configuration.city import Localized
from smartcity_saas.forms.definition import Field
from smartcity_saas.forms.fields.kinds import Context, Kind, Unfit, quoted, read_text
from smartcity_saas.forms.names import YES
from smartcity_saas.texts import lazy_gettext as _

DECLARED: Localized = {"zh": "已声明", "en": "Declared"}


def _read(field: Field, given: Any, context: Context) -> str | None:
    if isinstance(given, bool):
        return YES if given else None
    value = read_text(given)
    if value not in ("", YES):
        raise Unfit(
            _("“%(value)s” declares nothing. Tick the box, or send “yes”.", value=quoted(value))
        )
    return value or None


def _words(field: Field, value: Any, language: str) -> str:
    return DECLARED[language]


DECLARATION = Kind(_read, _words, _("Read this and tick the box: without it this cannot go on."))
