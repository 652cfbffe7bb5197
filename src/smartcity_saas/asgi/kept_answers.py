"""Strangers' pages answered before the loop, from whole answers that are kept in front of Flask.

What is kept is made once for all who ask at that moment, of a request that has nothing of any of
them, and only where the endpoint's policy says ``kept``. Before each look into what is kept, the
process looks for changes if it is time to.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextvars import Context
from dataclasses import dataclass
from typing import Any

from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect

from smartcity_saas.asgi.answer_cache import (
    TRY_AGAIN,
    AnswerCache,
    KeptAnswer,
    NotKept,
    kept_answer,
)
from smartcity_saas.asgi.early_start import on_the_loop
from smartcity_saas.asgi.fair_share import Crowded
from smartcity_saas.asgi.request_quotas import Answer, RequestQuotas
from smartcity_saas.asgi.strangers import AnswerKey, Reader, Strangers
from smartcity_saas.logs import get_logger
from smartcity_saas.tenancy.answer_life import AnswerLife
from smartcity_saas.tenancy.flask_app import SiteFlask
from smartcity_saas.tenancy.hosts import UNKNOWN_HOST, Site, site_of
from smartcity_saas.tenancy.registry import PATIENCE_SECONDS
from smartcity_saas.tenancy.snapshot import Snapshot

MOST_HOSTS = 4096
"""Hosts whose sites are remembered; whoever asks by more of them lets all be forgotten."""

Work = Callable[[dict[str, Any]], Answer]
"""Serves a WSGI environment; called in a thread."""
InTurn = Callable[[Site, Callable[[Any], Any], Any], Awaitable[Any]]
"""Calls a function with its argument in a thread of the requests', when it is the site's turn."""

log = get_logger(__name__)


@dataclass(frozen=True)
class BeyondQuota:
    """That a city may have no page made now, and in how many seconds it may."""

    seconds: float


class KeptAnswers:
    """The answers to strangers of one process. Making them belongs to the loop that serves; giving what is
    there does not.

    Args:
        app: The product.
        work: Has it serve a request.
        in_turn: Where that is done.
        quotas: What is made counts in them; what is kept already does not.
    """

    def __init__(self, app: SiteFlask, work: Work, in_turn: InTurn, quotas: RequestQuotas) -> None:
        settings = app.product.settings
        self.app = app
        self.work = work
        self.in_turn = in_turn
        self.quotas = quotas
        self.cache = AnswerCache()
        self.strangers = Strangers(
            app.product.channels, settings.trusted_proxies, demo=settings.demo
        )
        self._under_way: dict[AnswerKey, asyncio.Task[KeptAnswer | None]] = {}
        self._looker = ThreadPoolExecutor(1, "look")
        self._look: asyncio.Future[None] | None = None
        self._sites: tuple[Snapshot, dict[str, Site]] = (app.registry.snapshot, {})

    async def answer(self, scope: Mapping[str, Any]) -> Answer | None:
        """The answer to a request: status, head and body; None where the application has to give it.
        What is there is given where the request began, and the rest on the loop."""
        begun = time.perf_counter()
        reader, found = self.strangers.read(scope), None
        if reader is not None and not self._is_behind():
            site, key = self._place(reader)
            found = None if key is None else self.cache.get(key, self.app.product.clock())
        if reader is None or not isinstance(found, KeptAnswer):
            await on_the_loop()
            if reader is None or not await self._is_up_to_date():
                return None
            site, key = self._place(reader)
            kept = None if key is None else await self._kept(key, reader, site)
            if isinstance(kept, BeyondQuota):
                return self.quotas.answer(scope, site, kept.seconds)
            if kept is None:
                return None
            found = kept
        return self._told(reader, site, found, begun)

    def _place(self, reader: Reader) -> tuple[Site, AnswerKey | None]:
        snapshot, sites = self._sites
        if snapshot is not self.app.registry.snapshot or len(sites) > MOST_HOSTS:
            snapshot, sites = self._sites = self.app.registry.snapshot, {}
        site = sites.get(reader.host)
        if site is None:
            try:
                site = sites[reader.host] = site_of(reader.host, self.app.registry)
            except ValueError:
                return Site(UNKNOWN_HOST), None
        return site, reader.key(site)

    def _told(self, reader: Reader, site: Site, found: KeptAnswer, begun: float) -> Answer:
        known = bool(reader.if_none_match) and found.is_known(reader.if_none_match)
        status = 304 if known else found.status
        self.app.count_request(site.kind, status, time.perf_counter() - begun)
        if known:
            return status, found.unchanged, b""
        return status, found.head, b"" if reader.head_only else found.body

    def _is_behind(self) -> bool:
        registry = self.app.registry
        return registry.due or not registry.loaded

    async def _is_up_to_date(self) -> bool:
        """Look for changes if it is time to, once for all who wait; False where that takes longer than
        a page is to wait for it."""
        registry = self.app.registry
        if registry.due:
            if self._look is None or self._look.done():
                loop = asyncio.get_running_loop()
                look = Context().run
                self._look = loop.run_in_executor(self._looker, look, self.app.look_for_changes)
            await asyncio.wait([self._look], timeout=PATIENCE_SECONDS)
        return not self._is_behind()

    async def _kept(
        self, key: AnswerKey, reader: Reader, site: Site
    ) -> KeptAnswer | BeyondQuota | None:
        found = self.cache.get(key, self.app.product.clock())
        if isinstance(found, KeptAnswer):
            return found
        if isinstance(found, NotKept) or not self._may_be_kept(reader, site):
            return None
        if key not in self._under_way:
            if seconds := self.quotas.take(site, reader.path):
                return BeyondQuota(seconds)
            task = asyncio.get_running_loop().create_task(self._made(key, reader, site))
            self._under_way[key] = task
            task.add_done_callback(lambda _task: self._under_way.pop(key, None))
        # Whoever began it may leave; the others still wait for it.
        return await asyncio.shield(self._under_way[key])

    def _may_be_kept(self, reader: Reader, site: Site) -> bool:
        """Whether the policy of the address says so; an address of no page has none."""
        routes = self.app.url_map.bind(site.kind, path_info=reader.path)
        try:
            endpoint, _arguments = routes.match(method="GET")
        except (HTTPException, RequestRedirect):
            return False
        policy = self.app.policies.get(endpoint)
        return policy is not None and policy.kept is not None

    async def _made(self, key: AnswerKey, reader: Reader, site: Site) -> KeptAnswer | None:
        try:
            made: KeptAnswer | None = await self.in_turn(site, self._make, reader)
        except Crowded:
            return None
        except Exception as error:  # whoever waits is served, and told, by the application
            log.warning("answer_not_kept", path=reader.path, error=type(error).__name__)
            made = None
        now = self.app.product.clock()
        self.cache.put(key, made or NotKept(now, now + TRY_AGAIN))
        return made

    def _make(self, reader: Reader) -> KeptAnswer | None:
        life, now = AnswerLife(), self.app.product.clock()
        status, headers, body = self.work(reader.environ(life))
        if status != life.status or life.granted is None:
            return None
        return kept_answer(headers, body, now, life.granted, compressed=reader.gzip, status=status)
