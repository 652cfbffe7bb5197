"""Forms of the console for whoever may look at a page and not send what stands on it."""

from __future__ import annotations

import re
from urllib.parse import urljoin, urlsplit

from flask import current_app, request
from flask_babel import gettext
from markupsafe import Markup, escape
from werkzeug.exceptions import HTTPException

from smartcity_saas.identity.staff.roles import StaffMember
from smartcity_saas.web.policy import policy_of, service_of

_FORM = re.compile(r"<form\b([^>]*)>(.*?)</form>", re.DOTALL)
_ACTION = re.compile(r'\baction="([^"]*)"')
_BUTTON = re.compile(r"<button\b.*?</button>", re.DOTALL)
_FIELD = re.compile(r"<(input|select|textarea)\b(?![^>]*\btype=\"hidden\")")


def offered(page: str, member: StaffMember | None) -> Markup:
    """A page of ours whose forms can be sent by its reader: one that would be refused is a form to
    look at, without a button and with a line that says so; where it was a button alone, it is gone.
    """

    def form(found: re.Match[str]) -> str:
        attributes, inside = found.groups()
        if 'method="post"' not in attributes or not member or _may(attributes, member):
            return found[0]
        shown = _FIELD.sub(_closed, _BUTTON.sub("", inside))
        if not _FIELD.search(inside):
            return ""
        said = escape(gettext("You may look at this, not change it."))
        return f'<form{attributes}>{shown}<p class="help">{said}</p></form>'

    return Markup(_FORM.sub(form, page))  # noqa: S704 -- a page that is made already


def _closed(field: re.Match[str]) -> str:
    """A field that cannot be changed; a text can still be scrolled and copied."""
    return f"{field[0]} {'readonly' if field[1] == 'textarea' else 'disabled'}"


def _may(attributes: str, member: StaffMember) -> bool:
    """Whether the page that takes a form lets somebody in; authorization asks the same again."""
    action = _ACTION.search(attributes)
    path = urlsplit(urljoin(request.path, action[1] if action else "")).path
    pages = current_app.create_url_adapter(request)
    if pages is None:
        return True
    try:
        endpoint, values = pages.match(path, method="POST")
    except HTTPException:
        return True
    policy = policy_of(endpoint)
    if policy is None or policy.permission is None:
        return True
    return member.may(policy.permission, service=service_of(policy, values))
