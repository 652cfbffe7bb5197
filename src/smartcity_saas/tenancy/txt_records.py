"""TXT records as DNS has them now: one question, by the resolver of this machine or those that are set.

A CNAME is followed, as whoever delegates the name of a challenge wants it. Signatures (DNSSEC) are the
resolver's to check; one that finds them wrong answers ``SERVFAIL``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from smartcity_saas.configuration.states import Finding
from smartcity_saas.lazy_imports import LazyLibrary

if TYPE_CHECKING:
    import dns.exception as dns_exception
    import dns.nameserver as dns_nameserver
    import dns.resolver as dns_resolver
else:
    dns_exception = LazyLibrary("dns.exception")
    dns_nameserver = LazyLibrary("dns.nameserver")
    dns_resolver = LazyLibrary("dns.resolver")

SECONDS = 5.0
MOST_ALIASES = 8


@dataclass(frozen=True)
class TxtAnswer:
    """What a question brought: ``finding`` is ``OTHER`` where there are records, since nothing is
    known here of those that are looked for. ``values`` are whole, their strings
    joined; ``name`` is where they stand, or where a CNAME led to nothing."""

    finding: Finding
    name: str
    values: tuple[str, ...] = ()


TxtLookup = Callable[[str], TxtAnswer]
"""Asks for the TXT records of a name; never raises."""


class DnsTxtLookup:
    """Asks DNS, for five seconds at most.

    Args:
        servers: Addresses and ports of recursive servers; empty for those of ``/etc/resolv.conf``.
        seconds: How long.
    """

    def __init__(self, servers: Sequence[tuple[str, int]] = (), seconds: float = SECONDS) -> None:
        self.servers = servers
        self.seconds = seconds

    def __call__(self, name: str) -> TxtAnswer:
        """The TXT records of a name."""
        try:
            return self._asked(self._resolver(), name)
        except (dns_resolver.NoResolverConfiguration, OSError):
            return TxtAnswer(Finding.UNREACHABLE, name)

    def _resolver(self) -> dns_resolver.Resolver:
        resolver = dns_resolver.Resolver(configure=not self.servers)
        if self.servers:
            resolver.nameservers = [
                dns_nameserver.Do53Nameserver(address, port) for address, port in self.servers
            ]
        resolver.lifetime = self.seconds
        return resolver

    def _asked(self, resolver: dns_resolver.Resolver, name: str) -> TxtAnswer:
        """Ask, and ask again where a server gives a CNAME without what stands behind it."""
        for _alias in range(MOST_ALIASES):
            try:
                answer = resolver.resolve(name, "TXT", search=False, raise_on_no_answer=False)
            except dns_resolver.NXDOMAIN as error:
                return TxtAnswer(Finding.ABSENT, _text(error.canonical_name))
            except dns_resolver.LifetimeTimeout:
                return TxtAnswer(Finding.TIMEOUT, name)
            except dns_resolver.NoNameservers as error:
                return TxtAnswer(_why_refused(error), name)
            except dns_exception.DNSException:  # an answer that breaks the rules, such as a loop
                return TxtAnswer(Finding.SERVFAIL, name)
            found = _text(answer.canonical_name)
            if answer.rrset is not None:
                return TxtAnswer(Finding.OTHER, found, tuple(sorted(map(_joined, answer.rrset))))
            if found == name:
                return TxtAnswer(Finding.ABSENT, name)
            name = found
        return TxtAnswer(Finding.SERVFAIL, name)


def _text(name: Any) -> str:
    return str(name.to_text(omit_final_dot=True)).lower()


def _joined(record: Any) -> str:
    return b"".join(record.strings).decode("utf-8", "replace")


def _why_refused(error: Any) -> Finding:
    """Whether a server answered that it cannot, or none could be reached."""
    answered = any(response is not None for *_where, response in error.kwargs.get("errors", ()))
    return Finding.SERVFAIL if answered else Finding.UNREACHABLE
