"""Single-use links from the console to a draft's own host, for reading only.

A link is opened by the route of unknown hosts: a draft's host is one until a browser shows the
cookie that the link has left there, so that nothing tells the two apart.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from flask import Request, Response
from itsdangerous import BadData, URLSafeSerializer
from sqlalchemy import update

from smartcity_saas.audit import record
from smartcity_saas.audit.actor import Actor
from smartcity_saas.configuration.city import City, LiveDocument
from smartcity_saas.database import transaction
from smartcity_saas.identity.staff.models import PreviewLink
from smartcity_saas.identity.tokens import new_token, token_hash
from smartcity_saas.tenancy.flask_app import SiteFlask
from smartcity_saas.web.security import cookie_name

LINK_LENGTH = timedelta(minutes=10)
SHOWN_SECONDS = 2 * 3600
COOKIE = "preview"
PATH = "/preview/"


def shows_draft(app: SiteFlask, request: Request, city: City, now: datetime) -> bool:
    """Whether a request fetches a page of a draft whose link its browser has opened not too long
    ago. Another link is opened as the first was."""
    if request.method != "GET" or request.path.startswith(PATH):
        return False
    try:
        opened = _signer(app, city).loads(request.cookies.get(cookie_name(COOKIE, request), ""))
    except BadData:
        return False
    return bool(now.timestamp() - opened < SHOWN_SECONDS)


def show_draft(
    app: SiteFlask, request: Request, response: Response, city: City, now: datetime
) -> Response:
    """Let the browser that is answered read a draft for a while."""
    response.set_cookie(
        cookie_name(COOKIE, request),
        _signer(app, city).dumps(now.timestamp()),
        SHOWN_SECONDS,
        httponly=True,
        samesite="Lax",
        secure=request.is_secure,
    )
    return response


def create_preview_link(actor: Actor, document: LiveDocument, now: datetime) -> str:
    """A token that opens a draft once, within ten minutes."""
    token = new_token()
    with transaction() as session:
        session.add(
            PreviewLink(
                token_hash=token_hash(token),
                document_id=document.id,
                created_by=actor.name,
                expires_at=now + LINK_LENGTH,
            )
        )
        record(actor, "document.preview", document.name, {}, now)
    return token


def use_preview_link(token: str, document_id: int, now: datetime) -> bool:
    """Use a link up; False if it is unknown, used, too old or another city's."""
    with transaction() as session:
        used = session.scalars(
            update(PreviewLink)
            .where(
                PreviewLink.token_hash == token_hash(token),
                PreviewLink.document_id == document_id,
                PreviewLink.used_at.is_(None),
                PreviewLink.expires_at > now,
            )
            .values(used_at=now)
            .returning(PreviewLink.document_id)
        ).all()
    return bool(used)


def _signer(app: SiteFlask, city: City) -> URLSafeSerializer:
    """One city's own: the cookie of a draft is nothing at another."""
    return URLSafeSerializer(app.secret_key or "", salt=f"preview:{city.id}")
