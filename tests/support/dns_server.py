"""A small DNS server over UDP on this machine, whose zone a test writes."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import dns.flags
import dns.message
import dns.rcode
import dns.rrset

from smartcity_saas.tenancy.txt_records import DnsTxtLookup

TTL = 60


@dataclass
class DnsServer:
    """What it answers: the TXT records of a name, each as one string or several; the name that a CNAME
    leads to; and names of which it knows nothing but their existence, says ``SERVFAIL``, or nothing."""

    port: int = 0
    texts: dict[str, list[tuple[str, ...]]] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    empty: set[str] = field(default_factory=set)
    broken: set[str] = field(default_factory=set)
    silent: set[str] = field(default_factory=set)
    lazy: bool = False
    """Whether it gives a CNAME without what stands behind it."""
    asked: list[str] = field(default_factory=list)

    def lookup(self, seconds: float = 5.0) -> DnsTxtLookup:
        """The product's own question, asked here."""
        return DnsTxtLookup([("127.0.0.1", self.port)], seconds)

    def say(self, name: str, *texts: str) -> None:
        """Let one string each be the TXT records of a name."""
        self.texts[name] = [(one,) for one in texts]

    def answer(self, query: Any) -> Any:
        """The answer to a question; None for none at all."""
        name = query.question[0].name.to_text(omit_final_dot=True).lower()
        self.asked.append(name)
        if name in self.silent:
            return None
        response = dns.message.make_response(query)
        response.flags |= dns.flags.RA
        if name in self.broken:
            response.set_rcode(dns.rcode.SERVFAIL)
            return response
        while (target := self.aliases.get(name)) is not None:
            response.answer.append(
                dns.rrset.from_text(f"{name}.", TTL, "IN", "CNAME", f"{target}.")
            )
            name = target
            if self.lazy or len(response.answer) > 3:
                return response
        if (found := self.texts.get(name)) is not None:
            texts = [" ".join(f'"{part}"' for part in parts) for parts in found]
            response.answer.append(dns.rrset.from_text_list(f"{name}.", TTL, "IN", "TXT", texts))
        elif name not in self.empty:
            response.set_rcode(dns.rcode.NXDOMAIN)
        return response


@contextmanager
def dns_server() -> Iterator[DnsServer]:
    """A server on a free port, for the length of a block."""
    known = DnsServer()

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            wire, line = self.request
            response = known.answer(dns.message.from_wire(wire))
            if response is not None:
                line.sendto(response.to_wire(), self.client_address)

    with socketserver.ThreadingUDPServer(("127.0.0.1", 0), Handler) as server:
        known.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield known
        finally:
            server.shutdown()
            thread.join()
