"""Which names a proxy may have a certificate for: what Caddy calls ``ask`` of on-demand TLS.

A proxy that made a certificate for whatever name is asked for could be led by strangers into the
limits of its authority (Let's Encrypt: so many a week), so it asks for each new name here first.
"""

from __future__ import annotations

from flask import Response, request

from smartcity_saas.addresses import is_loopback
from smartcity_saas.errors import NotFound
from smartcity_saas.product import product
from smartcity_saas.tenancy.flask_app import SiteFlask
from smartcity_saas.tenancy.hosts import ALL_HOSTS, UNKNOWN_HOST, UNREADY_HOST, site_of
from smartcity_saas.web.policy import allow_everyone
from smartcity_saas.web.security import is_trusted

PATH = "/internal/tls-ask"


def init_certificate_hosts(app: SiteFlask) -> None:
    """Add the question to every site: a proxy asks a node by an address, not by a name of ours."""
    for host in ALL_HOSTS:
        app.add_url_rule(PATH, "tls_ask", tls_ask, host=host)
    allow_everyone(app, "tls_ask")


def tls_ask() -> Response:
    """200 where ``domain`` is served to everyone: the platform's hosts and those of cities that
    are no drafts. One look-up in memory, so that any number of questions costs no statement.

    Raises:
        NotFound: It is not, or not a proxy asks.
    """
    if not (_comes_from_a_proxy() and _is_served(request.args.get("domain"))):
        raise NotFound
    return Response("served\n", mimetype="text/plain")


def _comes_from_a_proxy() -> bool:
    """Whether a proxy asks for itself. What it forwards for somebody carries a header of that."""
    if "X-Forwarded-For" in request.headers:
        return False
    peer = request.remote_addr
    return is_loopback(peer) or is_trusted(peer, product().settings.trusted_proxies)


def _is_served(domain: str | None) -> bool:
    try:
        site = site_of(domain, product().registry)
    except ValueError:
        return False
    return site.kind not in (UNKNOWN_HOST, UNREADY_HOST) and not site.is_draft
