"""Machine clients of the current city: its back offices, by OAuth 2.0 client credentials
(RFC 6749, section 4.4). Secrets are shown once and kept as hashes; tokens live an hour."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.integrations.flask_oauth2.requests import FlaskOAuth2Request
from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import ClientMixin, InvalidScopeError
from authlib.oauth2.rfc6749.grants import ClientCredentialsGrant
from flask import Response, current_app, jsonify
from flask import request as current_request
from flask_babel import lazy_gettext as _
from sqlalchemy import and_, delete, or_, select, update

from smartcity_saas.audit import Actor, record
from smartcity_saas.database import db, one_or_404, transaction
from smartcity_saas.errors import FieldErrors
from smartcity_saas.identity.api_clients.models import ApiClient, ApiToken
from smartcity_saas.identity.tokens import token_hash
from smartcity_saas.product import product
from smartcity_saas.tenancy.current import current_time
from smartcity_saas.tenancy.flask_app import SiteFlask
from smartcity_saas.texts import LazyText

TOKEN_SECONDS = 3600
OVERLAP = timedelta(hours=24)
LONGEST_NAME = 60


@dataclass(frozen=True)
class SignedInClient:
    """A back office that shows a good token."""

    client_id: str
    name: str
    scopes: frozenset[str]

    @property
    def actor(self) -> Actor:
        """This client in the city's audit log."""
        return Actor(f"client:{self.client_id}", self.name, "nothing")


@dataclass(frozen=True)
class NewClient:
    """A client as it is shown once: its id, and the secret."""

    client_id: str
    secret: str


def create_client(actor: Actor, name: str, scopes: Sequence[str], now: datetime) -> NewClient:
    """Make a client.

    Raises:
        FieldErrors: It has no ``name``, or no ``scopes`` but such as nothing offers.
    """
    name, wanted = name.strip(), sorted(set(scopes))
    errors: dict[str, Any] = {}
    if not name or len(name) > LONGEST_NAME:
        errors["name"] = _("Enter a client name of 1 to 60 characters.")
    if not wanted or not set(wanted) <= set(known_scopes()):
        words = ", ".join(sorted(known_scopes()))
        errors["scopes"] = _("Choose from these scopes: %(words)s.", words=words)
    if errors:
        raise FieldErrors(errors)
    made = NewClient(f"c-{secrets.token_hex(8)}", secrets.token_urlsafe(32))
    with transaction() as session:
        session.add(
            ApiClient(
                client_id=made.client_id,
                name=name,
                secret_hash=token_hash(made.secret),
                scopes=wanted,
                created_at=now,
                created_by=actor.name,
            )
        )
        record(actor, "client.create", made.client_id, {"scopes": wanted}, now)
    return made


def rotate_secret(actor: Actor, client_id: str, now: datetime) -> NewClient:
    """A new secret; the one before is good for another day.

    Raises:
        NotFound: There is no such client.
    """
    made = NewClient(client_id, secrets.token_urlsafe(32))
    with transaction():
        row = _live(client_id)
        row.before_hash, row.before_until = row.secret_hash, now + OVERLAP
        row.secret_hash = token_hash(made.secret)
        record(actor, "client.rotate", client_id, {}, now)
    return made


def revoke_client(actor: Actor, client_id: str, now: datetime) -> None:
    """Close a client; its tokens are void at once.

    Raises:
        NotFound: There is no such client.
    """
    with transaction() as session:
        row = _live(client_id)
        row.revoked_at = now
        session.execute(delete(ApiToken).where(ApiToken.client_id == row.id))
        record(actor, "client.revoke", client_id, {}, now)


def clients() -> list[ApiClient]:
    """The city's clients, the newest first."""
    return list(db.session.scalars(select(ApiClient).order_by(ApiClient.created_at.desc())))


def known_scopes() -> Mapping[str, LazyText]:
    """Every scope that the installed services offer, with what it is for."""
    return product().scopes


def client_of_token(token: str, now: datetime) -> SignedInClient | None:
    """Who holds a token; None if it is unknown, too old, or its client is closed."""
    row = db.session.execute(
        select(ApiClient, ApiToken)
        .join(ApiToken, ApiToken.client_id == ApiClient.id)
        .where(ApiToken.token_hash == token_hash(token))
    ).one_or_none()
    if row is None or row[1].expires_at <= now or row[0].revoked_at is not None:
        return None
    return SignedInClient(row[0].client_id, row[0].name, frozenset(row[1].scopes))


def client_of_secret(secret: str, now: datetime) -> SignedInClient | None:
    """Whose secret it is, for a protocol whose one key is that; None if nobody's, or its client is closed.
    The secret before is good for as long as with the token endpoint."""
    given = token_hash(secret)
    row = db.session.scalars(
        select(ApiClient).where(
            ApiClient.revoked_at.is_(None),
            or_(
                ApiClient.secret_hash == given,
                and_(ApiClient.before_hash == given, ApiClient.before_until > now),
            ),
        )
    ).one_or_none()
    if row is None:
        return None
    return SignedInClient(row.client_id, row.name, frozenset(row.scopes))


class _Client(ClientMixin):  # type: ignore[misc] # authlib has no types
    """A client as Authlib asks it."""

    def __init__(self, row: ApiClient) -> None:
        self.row = row

    def get_client_id(self) -> str:
        """Its id."""
        return self.row.client_id

    def get_allowed_scope(self, scope: str | None) -> str:
        """What of the asked scopes it may have; all of its own where none is asked."""
        asked = set((scope or " ".join(self.row.scopes)).split())
        return " ".join(sorted(asked & set(self.row.scopes)))

    def check_client_secret(self, client_secret: str) -> bool:
        """Whether this is its secret, or the one before during the overlap."""
        given, now = token_hash(client_secret), current_time()
        good = [self.row.secret_hash]
        if self.row.before_hash and self.row.before_until and self.row.before_until > now:
            good.append(self.row.before_hash)
        return any(secrets.compare_digest(given, one) for one in good)

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        """By HTTP Basic or in the form, on the token endpoint."""
        return endpoint == "token" and method in ("client_secret_basic", "client_secret_post")

    def check_grant_type(self, grant_type: str) -> bool:
        """Client credentials alone."""
        return grant_type == "client_credentials"


class _AsIfSecure:
    """A request of the demo, which has no TLS and answers its own machine alone; Authlib refuses
    unencrypted ones."""

    def __init__(self, plain: Any) -> None:
        self._plain = plain

    def __getattr__(self, name: str) -> Any:
        return getattr(self._plain, name)

    @property
    def url(self) -> str:
        """The address, as TLS would make it."""
        return str(self._plain.url).replace("http://", "https://", 1)


class _Server(AuthorizationServer):  # type: ignore[misc] # authlib has no types
    def create_oauth2_request(self, request: Any) -> Any:
        plain = request or current_request
        return FlaskOAuth2Request(_AsIfSecure(plain) if product().settings.demo else plain)


class _Grant(ClientCredentialsGrant):  # type: ignore[misc] # authlib has no types
    TOKEN_ENDPOINT_AUTH_METHODS = ["client_secret_basic", "client_secret_post"]


def init_clients(app: SiteFlask) -> None:
    """Set up the token endpoint's server. It keeps nothing of a city: clients and tokens are asked
    of, and written to, the city that a request is in."""
    app.config["OAUTH2_TOKEN_EXPIRES_IN"] = {"client_credentials": TOKEN_SECONDS}
    app.config["OAUTH2_SCOPES_SUPPORTED"] = sorted(app.product.scopes)
    server = _Server()
    server.init_app(app, query_client=_query, save_token=_save)
    server.register_grant(_Grant)
    app.extensions["oauth_server"] = server


def issue_token() -> Any:
    """Answer the token endpoint. An unknown client and a wrong secret answer alike."""
    if refusal := _malformed():
        return jsonify(error="invalid_request", error_description=refusal), 400
    try:
        response: Response = current_app.extensions["oauth_server"].create_token_response()
    except ValueError:  # what no header and no form of ours would hold
        response = jsonify({})
        response.status_code = 401
    except OAuth2Error as error:
        response = jsonify(error=error.error, error_description=error.get_error_description())
        response.status_code = error.status_code
    if response.status_code == 401:
        response.set_data(b'{"error": "invalid_client"}')
        response.headers["WWW-Authenticate"] = 'Basic realm="token"'
        response.headers["Content-Type"] = "application/json"
    return response


def _malformed() -> str | None:
    """What RFC 6749 forbids of any request: a parameter twice (section 3.2), two ways of client
    authentication (section 2.3), and no ``grant_type`` (sections 4.4.2 and 5.2). A parameter
    without a value is as one that was left out (section 3.2)."""
    form = current_request.form
    if any(len(values) > 1 for _name, values in form.lists()):
        return "a parameter is included more than once"
    if "Authorization" in current_request.headers and form.get("client_secret"):
        return "more than one way of client authentication"
    return None if form.get("grant_type") else "the form has no grant_type"


def _query(client_id: str) -> _Client | None:
    if "\0" in client_id:
        return None
    row = db.session.scalars(
        select(ApiClient).where(ApiClient.client_id == client_id, ApiClient.revoked_at.is_(None))
    ).one_or_none()
    return _Client(row) if row is not None else None


def _save(token: dict[str, Any], request: Any) -> None:
    now = current_time()
    if not token.get("scope"):
        raise InvalidScopeError
    row = request.client.row
    with transaction() as session:
        session.execute(delete(ApiToken).where(ApiToken.expires_at <= now))
        session.execute(update(ApiClient).where(ApiClient.id == row.id).values(last_used_at=now))
        session.add(
            ApiToken(
                token_hash=token_hash(token["access_token"]),
                client_id=row.id,
                scopes=token["scope"].split(),
                expires_at=now + timedelta(seconds=token["expires_in"]),
            )
        )


def _live(client_id: str) -> ApiClient:
    return one_or_404(
        select(ApiClient)
        .where(ApiClient.client_id == client_id, ApiClient.revoked_at.is_(None))
        .with_for_update(),
        _("We cannot find that client."),
    )
