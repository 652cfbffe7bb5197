"""Whose a host is, in words: for the city's page, the operator's and the command."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext
from flask_babel import lazy_gettext as _

from smartcity_saas.attention import Attention, Urgency
from smartcity_saas.clock import COMMON_ZONE, today_in
from smartcity_saas.configuration.city import City, LiveDocument
from smartcity_saas.configuration.documents import Documents
from smartcity_saas.configuration.host_ownership import OwnHost, own_hosts
from smartcity_saas.configuration.states import Finding, HostState
from smartcity_saas.texts import Text
from smartcity_saas.web.formats import moment_of

STATES: dict[HostState, tuple[Text, str, str]] = {
    HostState.EXEMPT: (_("No proof needed"), "quiet", "circle-check"),
    HostState.EARLIER: (_("In use, not proved"), "quiet", "circle-check"),
    HostState.WAITING: (_("Waiting for its record"), "warn", "clock"),
    HostState.PROVED: (_("Proved"), "ok", "circle-check"),
    HostState.MISSING: (_("Record is missing"), "warn", "alert-triangle"),
    HostState.LOST: (_("No longer in use"), "error", "alert-circle"),
}
"""What each state is called, how its tag looks, and its icon."""
_ORDER = (
    HostState.LOST,
    HostState.MISSING,
    HostState.WAITING,
    HostState.EARLIER,
    HostState.PROVED,
    HostState.EXEMPT,
)
_URGENCY = {
    HostState.LOST: Urgency.DOWN,
    HostState.MISSING: Urgency.WAITING,
    HostState.WAITING: Urgency.ROUTINE,
}
HolderName = Callable[[OwnHost], str]
"""Names the city that has a host, to whoever may know which it is."""


@dataclass(frozen=True)
class HostRow:
    """A host as it is shown: its state and what there is to say of it."""

    host: OwnHost
    sentences: tuple[str, ...]

    @property
    def words(self) -> Text:
        """What its state is called."""
        return STATES[self.host.state][0]

    @property
    def tone(self) -> str:
        """How its tag looks."""
        return STATES[self.host.state][1]

    @property
    def icon(self) -> str:
        """The icon of its state."""
        return STATES[self.host.state][2]

    @property
    def is_proved(self) -> bool:
        """Whether its record is there."""
        return self.host.state is HostState.PROVED

    @property
    def needs_record(self) -> bool:
        """Whether somebody has a record to write."""
        return self.host.state in (HostState.WAITING, HostState.MISSING, HostState.LOST)

    @property
    def order(self) -> tuple[int, str, str]:
        """Those first that need somebody."""
        return _ORDER.index(self.host.state), self.host.city, self.host.host

    def data(self) -> dict[str, Any]:
        """The same for a program."""
        one = self.host
        moments = {
            name: moment.isoformat() if moment else None
            for name, moment in (
                ("proved_at", one.proved_at),
                ("missing_since", one.missing_since),
                ("checked_at", one.checked_at),
            )
        }
        return {
            "city": one.city,
            "host": one.host,
            "state": one.state.value,
            "served": one.is_served,
            "record_name": one.record_name or None,
            "record_value": one.record_value or None,
            "finding": one.finding.value if one.finding else None,
            "seen": one.seen,
            **moments,
            "detail": " ".join(self.sentences),
        }


def host_row(host: OwnHost, zone: str = COMMON_ZONE, holder: HolderName | None = None) -> HostRow:
    """A host with what there is to say of it.

    Args:
        host: Which.
        zone: The zone (IANA) of its city.
        holder: Names another city that has it; by its slug, by default.
    """
    named = holder(host) if holder and host.holder else host.holder
    said = (str(one) for one in (_of_state(host, zone, named or ""), _found(host, named or "")))
    return HostRow(host, tuple(filter(None, said)))


def holder_within(documents: Documents) -> HolderName:
    """Names another city where it lies within the reach of whoever reads."""

    def name(host: OwnHost) -> str:
        found: list[LiveDocument] = documents.named([host.holder or ""])
        return found[0].name if found else str(gettext("another city"))

    return name


def host_attention(city: City) -> Iterator[Attention]:
    """The hosts of a city that are lost or wait for somebody, a row each; outside any city."""
    for host in own_hosts([city.id]):
        row = host_row(host, city.timezone)
        if not row.needs_record:
            continue
        until = host.served_until
        yield Attention(
            kind=f"hosts.{host.state.value}",
            title=f"{host.unicode}: {row.words}",
            detail=_("The DNS record that proves the domain."),
            icon="world",
            page="hosts",
            permission="city.see",
            urgency=_URGENCY[host.state],
            since=host.missing_since or host.claimed_at,
            by=today_in(city.timezone, until) if until is not None else None,
        )


def _of_state(host: OwnHost, zone: str, holder: str) -> Any:
    if host.state is HostState.EARLIER:
        return gettext(
            "It was in use before records were asked for, and stays so until another city proves it."
        )
    if host.state is HostState.PROVED and host.proved_at is not None:
        if host.found_at and host.found_at != host.record_name:
            return gettext(
                "Record found at %(name)s, first on %(when)s. Leave it there: we look for it every day.",
                name=host.found_at,
                when=moment_of(host.proved_at, zone),
            )
        return gettext(
            "Record found, first on %(when)s. Leave it there: we look for it every day.",
            when=moment_of(host.proved_at, zone),
        )
    if host.state is HostState.MISSING and host.missing_since is not None:
        return gettext(
            "The record has been gone since %(since)s. The domain is in use until %(until)s unless the record comes back.",
            since=moment_of(host.missing_since, zone),
            until=moment_of(host.served_until or host.missing_since, zone),
        )
    if holder and host.finding is not Finding.HELD:
        return gettext("The domain leads to %(city)s at present.", city=holder)
    return ""


def _found(host: OwnHost, holder: str) -> Any:
    """What the last look found, where that is not what it should."""
    if host.state is HostState.EXEMPT or host.finding is Finding.FOUND:
        return ""
    if host.finding is Finding.ABSENT and host.seen:
        return gettext("The name leads to %(name)s, and there is no record there.", name=host.seen)
    if host.finding is Finding.OTHER:
        return gettext("We found another record there: %(seen)s", seen=host.seen)
    if host.finding is Finding.HELD:
        return gettext(
            "The record is there. So is that of %(city)s, which has the domain: remove one of the two.",
            city=holder or gettext("another city"),
        )
    return _FINDINGS[host.finding]


_FINDINGS: dict[Finding | None, Text] = {
    None: _("We have not looked for the record yet."),
    Finding.ABSENT: _("We did not find the record. A new one can take an hour to be seen."),
    Finding.SERVFAIL: _(
        "The domain's DNS servers answer with an error. Ask whoever runs them. We look again in 15 minutes."
    ),
    Finding.TIMEOUT: _("DNS did not answer in time. We look again in 15 minutes."),
    Finding.UNREACHABLE: _(
        "We cannot reach our own DNS server. Tell the platform operator. We look again in 15 minutes."
    ),
}
