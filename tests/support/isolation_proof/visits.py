"""What is asked: the pages that each visitor finds by following links, their own and others'."""

from __future__ import annotations

import gzip
import http.client
import random
import re
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from html import unescape
from multiprocessing import get_context

import pypdfium2

from tests.support.isolation_proof.cities import Visitor
from tests.support.isolation_proof.marks import Findings, Marks, Reader

LINK = re.compile(r'(?:href|src)="(/[^"#]*)"')
LEFT_OUT = re.compile(
    r"^/(static|brand|sign-in|preview|assets)\b|/remove$|/unlink$|[?&](lang|text|language)="
)
APPLICATIONS = ("/applications", "/verify/", "/services/problem-reports")
MOST_PAGES = 120
OWN_SHARE, CROSSED_HOST_SHARE = 0.7, 0.15
PROCESSES, THREADS = 2, 8
READING = threading.Lock()
"""The library of PDF reads one document at a time."""


@dataclass(frozen=True)
class Visit:
    """One request, and who reads the answer."""

    kind: str
    host: str
    path: str
    headers: Mapping[str, str]
    reader: Reader


@dataclass(frozen=True)
class Plan:
    """What a client process needs to know."""

    visitors: list[Visitor]
    pages: dict[str, list[str]]
    marks: Marks
    ports: list[int]


class Lines:
    """Connections to the nodes, kept open, one of each a thread."""

    def __init__(self) -> None:
        self._local = threading.local()

    def ask(self, port: int, visit: Visit, *, packed: bool = False) -> tuple[int, str]:
        """The status, and all text of the answer."""
        headers = {"Host": visit.host, **visit.headers}
        if packed:
            headers["Accept-Encoding"] = "gzip"
        answer, body = self._send(port, visit.path, headers)
        if answer.getheader("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        return answer.status, f"{answer.headers}\n{_text_of(body)}"

    def _send(
        self, port: int, path: str, headers: dict[str, str]
    ) -> tuple[http.client.HTTPResponse, bytes]:
        made = self._local.__dict__.setdefault("lines", {})
        for attempt in range(2):
            line = made.get(port) or made.setdefault(
                port, http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            )
            try:
                line.request("GET", path, headers=headers)
                answer = line.getresponse()
                return answer, answer.read()
            except (OSError, http.client.HTTPException):  # an idle line that was closed
                line.close()
                del made[port]
                if attempt:
                    raise
        raise AssertionError("unreachable")


def found_pages(visitors: list[Visitor], port: int) -> dict[str, list[str]]:
    """The pages of each visitor, by following links from their seeds."""
    lines = Lines()
    with ThreadPoolExecutor(THREADS) as pool:
        return dict(
            zip(
                (one.name for one in visitors),
                pool.map(lambda one: _follow(lines, port, one), visitors),
                strict=True,
            )
        )


def _follow(lines: Lines, port: int, visitor: Visitor) -> list[str]:
    wanted, seen = list(visitor.seeds), []
    while wanted and len(seen) < MOST_PAGES:
        path = wanted.pop(0)
        if path in seen:
            continue
        status, text = lines.ask(port, _visit(visitor, path))
        if status != 200:
            continue
        seen.append(path)
        links = map(unescape, LINK.findall(text))
        wanted += [link for link in links if link not in seen and _leads_on(visitor, link)]
    return seen


def _leads_on(visitor: Visitor, link: str) -> bool:
    """Whether a link is worth following; on the console, only within the city's own pages."""
    if LEFT_OUT.search(link):
        return False
    return visitor.host != "console.localhost" or link.startswith(f"/cities/{visitor.reader.city}")


def visit_all(plan: Plan, requests: int, seed: int) -> Findings:
    """So many requests, interleaved over processes, threads and nodes."""
    share = requests // (PROCESSES * THREADS)
    with ProcessPoolExecutor(PROCESSES, mp_context=get_context("spawn")) as pool:
        found = pool.map(
            _client, [plan] * PROCESSES, [share] * PROCESSES, range(seed, seed + PROCESSES)
        )
        return Findings().add(list(found))


def _client(plan: Plan, share: int, seed: int) -> Findings:
    lines = Lines()
    with ThreadPoolExecutor(THREADS) as pool:
        seeds = [seed * 1_000 + number for number in range(THREADS)]
        return Findings().add(list(pool.map(lambda one: _walk(plan, lines, share, one), seeds)))


def _walk(plan: Plan, lines: Lines, share: int, seed: int) -> Findings:
    chance, findings = random.Random(seed), Findings()
    for visit in _visits(plan, chance, share):
        status, text = lines.ask(chance.choice(plan.ports), visit, packed=chance.random() < 0.5)
        findings.note(
            visit.kind, f"{visit.host}{visit.path}", status, text, visit.reader, plan.marks
        )
    return findings


def _visits(plan: Plan, chance: random.Random, share: int) -> Iterator[Visit]:
    for _number in range(share):
        mine, other = chance.choice(plan.visitors), chance.choice(plan.visitors)
        own, others = plan.pages[mine.name] or ["/"], plan.pages[other.name] or ["/"]
        language = {"Accept-Language": chance.choice(("zh", "en"))}
        drawn = chance.random()
        if drawn < OWN_SHARE:
            yield _visit(mine, chance.choice(own), language)
        elif drawn < OWN_SHARE + CROSSED_HOST_SHARE:
            yield _at_host_of(mine, other, chance.choice(others), language)
        else:
            visit = _visit(mine, chance.choice(others), language)
            yield Visit("another's address", visit.host, visit.path, visit.headers, visit.reader)


def _visit(visitor: Visitor, path: str, language: Mapping[str, str] | None = None) -> Visit:
    headers = {**visitor.headers, **(language or {})}
    return Visit(_kind(visitor, path), visitor.host, path, headers, visitor.reader)


def _at_host_of(mine: Visitor, other: Visitor, path: str, language: Mapping[str, str]) -> Visit:
    """With one's own cookie or token at the site of somebody else."""
    here = mine.host == other.host
    reader = mine.reader if here else Reader(other.reader.city)
    headers = {**mine.headers, **language}
    return Visit("own cookie at another's site", other.host, path, headers, reader)


def _kind(visitor: Visitor, path: str) -> str:
    if path.startswith("/api/"):
        return "API"
    if path.startswith(APPLICATIONS):
        return "application, paper or report"
    if path.endswith(".pdf"):
        return "PDF"
    if ".csv" in path:
        return "CSV"
    if path.startswith("/search"):
        return "search"
    if not visitor.headers:
        return "page of nobody, kept by the cache"
    return "page of the console" if visitor.host == "console.localhost" else "page of a resident"


def _text_of(body: bytes) -> str:
    if body.startswith(b"%PDF"):
        with READING, closing(pypdfium2.PdfDocument(body)) as document:
            return "\n".join(page.get_textpage().get_text_range() for page in document)
    return body.decode("utf-8", "replace")
