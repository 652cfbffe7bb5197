"""Which requests are a stranger's, and what an answer to one is made of: nothing that is anyone's.

A request is a stranger's if it asks for a page and brings nothing of its own: no cookie but the two
switches, no credentials, no condition but an ETag. Whatever is not known to be harmless passes on to
the application.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from werkzeug.datastructures import Accept, LanguageAccept
from werkzeug.http import parse_accept_header, parse_cookie

from smartcity_saas.addresses import Network, is_loopback
from smartcity_saas.identity.federation.channels import Channel
from smartcity_saas.identity.user_agents import IN_APP, in_app
from smartcity_saas.tenancy.answer_life import ANSWER_LIFE, AnswerLife
from smartcity_saas.tenancy.hosts import Site
from smartcity_saas.web.languages import COOKIE, LANGUAGES, preferred_language
from smartcity_saas.web.preferences import TEXT_COOKIE
from smartcity_saas.web.security import is_trusted
from smartcity_saas.web.static_files import STATIC

_READ = frozenset(
    [
        b"host",
        b"cookie",
        b"accept-language",
        b"accept-encoding",
        b"user-agent",
        b"if-none-match",
        b"x-forwarded-proto",
        b"x-forwarded-for",
        b"content-length",
    ]
)
_OWN = frozenset(
    [
        b"authorization",
        b"proxy-authorization",
        b"transfer-encoding",
        b"range",
        b"if-range",
        b"if-match",
        b"if-modified-since",
        b"if-unmodified-since",
        b"hx-request",
    ]
)
"""Headers by which an answer is somebody's, or another one than usual."""
_SECURE = {"http": False, "https": True}
LONGEST = 500
"""Bytes of a header up to which it is read here: what is remembered of each is bounded so."""


class AnswerKey(NamedTuple):
    """What a kept answer is made of. A file that the product ships is the same for every reader at
    every site, and has only the first four."""

    path: str
    query: bytes
    secure: bool
    gzip: bool
    host: str = ""
    city: int = 0
    fingerprint: str = ""
    content_version: int = 0
    language: str = ""
    large_text: bool = False
    app: str = ""


class Reader(NamedTuple):
    """What a stranger's request says of its reader."""

    path: str
    query: bytes
    host: str
    secure: bool
    gzip: bool
    language: str
    large_text: bool
    app: str
    if_none_match: str
    head_only: bool

    def key(self, site: Site) -> AnswerKey | None:
        """What the answer at a site is made of; None where none is kept."""
        if self.path.startswith(STATIC):
            return AnswerKey(self.path, self.query, self.secure, self.gzip)
        city = site.city
        if city is None or city.is_draft or self.query:
            return None
        return AnswerKey(
            self.path,
            self.query,
            self.secure,
            self.gzip,
            self.host,
            city.id,
            city.fingerprint,
            city.content_version,
            self.language,
            self.large_text,
            self.app,
        )

    def environ(self, life: AnswerLife) -> dict[str, Any]:
        """The request of nobody in particular to which the answer is made: it has what stands in the
        key, so no view can put into it what came with a visitor."""
        text = f"; {TEXT_COOKIE}=large" if self.large_text else ""
        return {
            "REQUEST_METHOD": "GET",
            "SCRIPT_NAME": "",
            "PATH_INFO": self.path.encode().decode("latin-1"),
            "QUERY_STRING": self.query.decode("latin-1"),
            "SERVER_PROTOCOL": "HTTP/1.1",
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "80",
            "REMOTE_ADDR": "127.0.0.1",
            "HTTP_HOST": self.host,
            "HTTP_COOKIE": f"{COOKIE}={self.language}{text}",
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "https" if self.secure else "http",
            "wsgi.input": io.BytesIO(),
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": True,
            "wsgi.run_once": False,
            IN_APP: self.app,
            ANSWER_LIFE: life,
        }


class Strangers:
    """Reads requests as an installation is set up.

    Args:
        channels: Those that are installed, by name: some are apps with a browser of their own.
        proxies: From where ``X-Forwarded-Proto`` counts.
        demo: Only this machine is answered, so a request that is another's passes on.
    """

    def __init__(
        self, channels: Mapping[str, Channel], proxies: tuple[Network, ...], *, demo: bool
    ) -> None:
        self.proxies = proxies
        self.demo = demo

        @lru_cache(maxsize=4096)
        def app_of(agent: bytes) -> str:
            found = in_app(agent.decode("latin-1"), channels)
            return found.name if found else ""

        self._app_of = app_of

    def read(self, scope: Mapping[str, Any]) -> Reader | None:
        """What a request says of its reader; None where it is not a stranger's, or cannot be told."""
        method = scope["method"]
        if method not in ("GET", "HEAD"):
            return None
        headers = scope["headers"]
        sent = dict(headers)
        if not _OWN.isdisjoint(sent) or (len(sent) < len(headers) and _is_doubled(headers)):
            return None
        told = sent.get
        cookie, named, agent = told(b"cookie", b""), told(b"host", b""), told(b"user-agent", b"")
        wanted, packed = told(b"accept-language", b""), told(b"accept-encoding", b"")
        tag = told(b"if-none-match", b"")
        longest = max(len(cookie), len(named), len(agent), len(wanted), len(packed), len(tag))
        if longest > LONGEST or told(b"content-length", b"0") != b"0":
            return None
        secure, switches = self._secure(scope, sent), _switches(cookie)
        host = named.decode("latin-1")
        if secure is None or switches is None or host != host.lower():
            return None
        chosen, large = switches
        return Reader(
            scope["path"],
            scope["query_string"],
            host,
            secure,
            _takes_gzip(packed),
            chosen or language_wanted(wanted),
            large,
            self._app_of(agent),
            tag.decode("latin-1"),
            method == "HEAD",
        )

    def _secure(self, scope: Mapping[str, Any], sent: Mapping[bytes, bytes]) -> bool | None:
        """Whether the request came by TLS, by ``TrustedProxies``' rule; None where it is not plain."""
        peer = (scope.get("client") or ("",))[0]
        if self.demo and (b"x-forwarded-for" in sent or not _is_loopback(peer)):
            return None
        scheme: str = scope["scheme"]
        if b"x-forwarded-proto" in sent and is_trusted(peer, self.proxies):
            scheme = sent[b"x-forwarded-proto"].decode("latin-1")
        return _SECURE.get(scheme)


def _is_doubled(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Whether a header that is read here was sent twice: nobody can say which one counts."""
    read = [name for name, _value in headers if name in _READ]
    return len(read) > len(set(read))


_is_loopback = lru_cache(maxsize=1024)(is_loopback)


@lru_cache(maxsize=1024)
def _switches(header: bytes) -> tuple[str, bool] | None:
    """The language that was chosen, empty for none, and whether the text is large; None where there
    is any other cookie."""
    try:
        cookies = parse_cookie(header.decode("latin-1"))
    except UnicodeDecodeError:
        return None
    if any(name not in (COOKIE, TEXT_COOKIE) for name in cookies):
        return None
    chosen = cookies.get(COOKIE, "")
    return chosen if chosen in LANGUAGES else "", cookies.get(TEXT_COOKIE) == "large"


@lru_cache(maxsize=4096)
def language_wanted(header: bytes) -> str:
    """The language that answers an ``Accept-Language`` of at most ``LONGEST`` bytes best."""
    return preferred_language(parse_accept_header(header.decode("latin-1"), LanguageAccept))


@lru_cache(maxsize=1024)
def _takes_gzip(header: bytes) -> bool:
    """Whether an ``Accept-Encoding`` takes gzip: what it names counts before ``*``, and weight 0 is
    a refusal (RFC 9110, section 12.5.3)."""
    weights = {
        name.lower(): weight
        for name, weight in parse_accept_header(header.decode("latin-1"), Accept)
    }
    return weights.get("gzip", weights.get("*", 0)) > 0
