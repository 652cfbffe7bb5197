"""Commands on the hosts of cities' own: hosts list, check."""

from __future__ import annotations

import sys
from collections.abc import Collection

import click

from smartcity_saas.audit import system
from smartcity_saas.cli.output import format_option, say, say_json
from smartcity_saas.configuration.host_ownership import own_hosts
from smartcity_saas.errors import NotFound
from smartcity_saas.portals.host_words import HostRow, host_row
from smartcity_saas.product import product
from smartcity_saas.tenancy.current import current_time
from smartcity_saas.tenancy.host_checks import check_hosts

city_option = click.option("--city", help="Only this city's.")


@click.group("hosts")
def hosts() -> None:
    """Hosts of cities' own, and the DNS records that prove them."""


@hosts.command("list")
@city_option
@format_option
def list_hosts(city: str | None, style: str) -> None:
    """List the hosts that documents name, with state and record, those first that need somebody."""
    _say(_rows(city), style)


@hosts.command()
@city_option
@format_option
def check(city: str | None, style: str) -> None:
    """Look for the records of all hosts now. Exit code 1 if one is not found.

    What is found counts at once, as if the worker had looked.
    """
    wanted = [row for row in _rows(city) if row.host.record_name]
    keys = [(row.host.city_id, row.host.host) for row in wanted]
    check_hosts(keys, system("cli"), current_time())
    rows = [row for row in _rows(city) if row.host.record_name]
    _say(rows, style)
    if any(row.needs_record for row in rows):
        sys.exit(1)


COMMANDS = (hosts,)


def say_records(cities: Collection[str]) -> None:
    """The records that some cities' hosts wait for, a line each, as they stand in a zone file."""
    lacking = [
        row for row in map(host_row, own_hosts()) if row.needs_record and row.host.city in cities
    ]
    if lacking:
        say("These hosts are served once their DNS records are found:")
    for row in lacking:
        say(f"    {row.host.record}")


def _rows(city: str | None) -> list[HostRow]:
    found = own_hosts(None if city is None else [_key_of(city)])
    return sorted(map(host_row, found), key=lambda row: row.order)


def _key_of(city: str) -> int:
    registry = product().registry
    registry.refresh()
    if (found := registry.snapshot.index.get(city)) is None:
        raise NotFound(f"There is no city “{city}”.")
    return found.own.id


def _say(rows: list[HostRow], style: str) -> None:
    if style == "json":
        say_json([row.data() for row in rows])
        return
    for row in rows:  # no table: a record is copied whole
        say(f"{row.host.city}  {row.host.host}  {row.host.state.value}")
        for line in (row.host.record if row.host.record_name else "", *row.sentences):
            if line:
                say(f"    {line}")
