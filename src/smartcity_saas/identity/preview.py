"""Single-use links from the console to a draft's own host, for reading only."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import update

from smartcity_saas.audit import record
from smartcity_saas.audit.actor import Actor
from smartcity_saas.clock import Clock, utc_now
from smartcity_saas.configuration.city import LiveDocument
from smartcity_saas.database import command
from smartcity_saas.identity.models import PreviewLink
from smartcity_saas.identity.tokens import new_token, token_hash

LINK_LENGTH = timedelta(minutes=10)


def create_preview_link(actor: Actor, document: LiveDocument, clock: Clock = utc_now) -> str:
    """A token that opens a draft once, within ten minutes."""
    token = new_token()
    with command() as session:
        session.add(
            PreviewLink(
                token_hash=token_hash(token),
                document_id=document.id,
                created_by=actor.name,
                expires_at=clock() + LINK_LENGTH,
            )
        )
        record(actor, "document.preview", document.name, {}, clock())
    return token


def use_preview_link(token: str, document_id: int, clock: Clock = utc_now) -> bool:
    """Use a link up; False if it is unknown, used, too old or another city's."""
    with command() as session:
        used = session.scalars(
            update(PreviewLink)
            .where(
                PreviewLink.token_hash == token_hash(token),
                PreviewLink.document_id == document_id,
                PreviewLink.used_at.is_(None),
                PreviewLink.expires_at > clock(),
            )
            .values(used_at=clock())
            .returning(PreviewLink.document_id)
        ).all()
    return bool(used)
