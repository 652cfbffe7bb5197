"""What signing in at other sites shares: Authlib's OAuth 2.0 client over our guarded connections.

A client is made anew for each sign-in from the settings and secrets of the city, or the province,
so that no registry can give one's client to another.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus, urlencode, urlsplit

from authlib.oauth2.base import OAuth2Error
from authlib.oauth2.client import OAuth2Client

from smartcity_saas.configuration.secret_uses import SecretUse
from smartcity_saas.connectors.http_client import call_once
from smartcity_saas.connectors.outbound_calls import outbound
from smartcity_saas.credentials import CredentialError, read_credential
from smartcity_saas.identity.federation.channels import (
    Cancelled,
    ChannelDown,
    ChannelRefused,
)
from smartcity_saas.lazy_imports import LazyLibrary
from smartcity_saas.logs import get_logger
from smartcity_saas.product import product

if TYPE_CHECKING:
    import httpx
else:
    httpx = LazyLibrary("httpx", without="rich")

log = get_logger(__name__)


@dataclass(frozen=True)
class Answer:
    """What came back, whatever its ``Content-Type`` says: some send JSON as plain text."""

    status_code: int
    content: bytes

    def json(self) -> Any:
        """The body as JSON.

        Raises:
            ValueError: It is none.
        """
        try:
            return json.loads(self.content)
        except RecursionError:
            raise ValueError("nested too deeply") from None

    def raise_for_status(self) -> None:
        """Raise where the other side has not said yes.

        Raises:
            ChannelDown: It has not.
        """
        if self.status_code >= 400:
            raise ChannelDown(f"status {self.status_code}")


class GuardedSession:
    """The connections of one sign-in: guarded by address, limited in time, size and number.

    ``owner`` says whose provider it is; by default that of the current city.
    """

    def __init__(self, owner: str | None = None) -> None:
        self.owner = owner

    def post(self, url: str, data: Mapping[str, str], **options: Any) -> Answer:
        """Send a form."""
        return self.request("POST", url, data=data, **options)

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None = None,
        auth: Any = None,
        data: Mapping[str, str] | None = None,
    ) -> Answer:
        """One call. A fault of the other side (5xx) is no answer.

        Raises:
            ChannelDown: It did not work out.
        """
        body = urlencode(data) if data else ""
        sent = dict(headers or {})
        if auth is not None:
            url, sent, body = auth.prepare(method, url, sent, body)
        if method == "POST":
            sent.setdefault("Content-Type", "application/x-www-form-urlencoded")
        try:
            with outbound(url, self.owner):
                answer = Answer(*call_once(method, url, body.encode() or None, sent))
                if answer.status_code >= 500:
                    raise ChannelDown(f"status {answer.status_code}")
                return answer
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
            raise ChannelDown(type(error).__name__) from None

    def close(self) -> None:
        """Nothing stays open."""


def client_of(
    client_id: str,
    client_secret: str | None,
    *,
    owner: str | None = None,
    client_auth: str | None = None,
    **options: Any,
) -> OAuth2Client:
    """An OAuth 2.0 client for one sign-in; ``client_auth`` is how it shows its secret (HTTP Basic
    by default), ``owner`` whose provider it is."""
    options["token_endpoint_auth_method"] = client_auth
    client = OAuth2Client(GuardedSession(owner), client_id, client_secret, **options)
    client.register_client_auth_method(("client_secret_basic", _basic))
    return client


def refuse_errors(client: OAuth2Client, refuse: Callable[[Mapping[str, Any]], None]) -> None:
    """Look at what comes back for a code before Authlib does, which does not know errors of
    another dialect (with status 200, or that say “try again”); ``refuse`` raises for one."""

    def look(answer: Answer) -> Answer:
        try:
            found = answer.json()
        except ValueError:
            raise ChannelDown("token: no JSON") from None
        if isinstance(found, dict):
            refuse(found)
        return answer

    client.register_compliance_hook("access_token_response", look)


def granted_code(back: Mapping[str, str]) -> str:
    """The code in what comes back by way of the browser (RFC 6749, section 4.1.2).

    Raises:
        Cancelled: The person said no there.
        ChannelRefused: There is none.
    """
    if back.get("error") == "access_denied":
        raise Cancelled
    if not back.get("code"):
        raise ChannelRefused(f"answer: {back.get('error', 'no code')[:60]}")
    return back["code"]


def fetch_token(client: OAuth2Client, url: str, **parameters: Any) -> Mapping[str, Any]:
    """Turn a code into a token.

    Raises:
        ChannelDown: The other side does not answer as it should.
        ChannelRefused: It will not have the code.
    """
    try:
        token: Mapping[str, Any] = client.fetch_token(
            url, grant_type="authorization_code", **parameters
        )
    except OAuth2Error as error:
        raise ChannelRefused(f"token: {error.error}") from None
    except ValueError:
        raise ChannelDown("token: no JSON") from None
    if not isinstance(token.get("access_token"), str):
        raise ChannelDown("token: none")
    return token


def get_json(
    url: str,
    parameters: Mapping[str, str],
    token: str | None = None,
    *,
    owner: str | None = None,
    strict: bool = False,
) -> dict[str, Any]:
    """Ask for a JSON object; ``strict`` where an error has no JSON of its own dialect, ``owner``
    where the provider is not of the current city.

    Raises:
        ChannelDown: There is none.
    """
    session = GuardedSession(owner)
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    address = f"{url}?{urlencode(parameters)}" if parameters else url
    answer = session.request("GET", address, headers)
    try:
        found = answer.json()
    except ValueError:
        raise ChannelDown("no JSON") from None
    worst = 200 if strict else 499
    if answer.status_code > worst or not isinstance(found, dict):
        raise ChannelDown(f"status {answer.status_code}")
    return found


def secret(use: SecretUse) -> str:
    """A secret of the current city, for the use that its settings make of it.

    Raises:
        ChannelDown: It has not been set for this use, or cannot be opened.
    """
    try:
        return read_credential(product().keyring, use)
    except CredentialError:
        raise ChannelDown("credential") from None


def at(url: str) -> str:
    """An address of a provider; in demo mode (and tests) its place at the sandbox."""
    base = product().settings.channel_base
    parts = urlsplit(url)
    return f"{base}/{parts.netloc}{parts.path}" if base else url


def origin(url: str) -> str:
    """The origin of an address, for ``form-action``."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def address_of(url: str, parameters: Mapping[str, str], fragment: str = "") -> str:
    """An address with its parameters in the order given: WeChat is strict about it."""
    return f"{url}?{urlencode(parameters)}" + (f"#{fragment}" if fragment else "")


def _basic(auth: Any, method: str, uri: str, headers: Any, body: Any) -> Any:
    """HTTP Basic with both parts form-encoded first (RFC 6749, section 2.3.1)."""
    pair = f"{quote_plus(auth.client_id)}:{quote_plus(auth.client_secret)}"
    encoded = base64.b64encode(pair.encode()).decode()
    return uri, {**headers, "Authorization": f"Basic {encoded}"}, body
