"""Commands for the work of a city: import, reconcile; and the worker of all cities."""

from __future__ import annotations

import signal
import sys
import threading
from dataclasses import asdict
from datetime import date, timedelta
from pathlib import Path

import click

from smartcity_saas.audit import system
from smartcity_saas.catalog.service import Imported, ImportRequest
from smartcity_saas.cli.city_context import inside
from smartcity_saas.cli.output import counted, format_option, report, say, say_json, say_table
from smartcity_saas.cli.parameters import Day
from smartcity_saas.clock import today_in
from smartcity_saas.errors import Invalid, NotFound
from smartcity_saas.payments.reconciliation import day_span
from smartcity_saas.payments.reconciliation import reconcile as compare
from smartcity_saas.product import product, running_app
from smartcity_saas.tenancy.current import current_time
from smartcity_saas.web.money import format_money
from smartcity_saas.worker import make_runner

LISTS = ("problems", "notes")


@click.command("import")
@click.argument("city")
@click.argument("service")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--all-or-nothing", is_flag=True, help="Store nothing if any row has a fault.")
@format_option
def import_file(city: str, service: str, file: Path, all_or_nothing: bool, style: str) -> None:
    """Import a CSV into a service of a city. Importing it again changes nothing."""
    with inside(city) as found:
        chosen = product().services.get(service.replace("-", "_"))
        if chosen is None or chosen.importer is None:
            known = [n for n, s in product().services.items() if s.importer]
            raise NotFound(f"There is no such service. Known: {', '.join(known)}.")
        if found.catalog[chosen.name].is_closed and not found.catalog[chosen.name].settings:
            raise Invalid(f"{city} has no settings of {chosen.name}.")
        result = chosen.importer(
            ImportRequest(
                system("cli"),
                found,
                file.read_bytes(),
                file.name,
                current_time(),
                all_or_nothing=all_or_nothing,
            )
        )
    _tell_import(result, style)
    if result.problems:
        sys.exit(1)


@click.command()
@click.argument("city")
@click.option("--since", type=Day(), help="First day; thirty days ago by default.")
@click.option("--until", type=Day(), help="Last day; today by default.")
@format_option
def reconcile(city: str, since: date | None, until: date | None, style: str) -> None:
    """Compare a city's ledger with its payment provider. Exit code 1 if something differs."""
    with inside(city) as found:
        today = today_in(found.timezone, current_time())
        first, last = since or today - timedelta(days=30), until or today
        begin, end = day_span(found, first)[0], day_span(found, last)[1]
        result = compare(found, begin, end)
    if style == "json":
        say_json(
            {
                "city": city,
                "since": first,
                "until": last,
                "ledger_moves": result.ledger_moves,
                "provider_moves": result.provider_moves,
                "differences": [asdict(one) for one in result.differences],
            }
        )
    else:
        say(
            f"{city}, {first} to {last}: {counted(result.ledger_moves, 'move')} in the ledger, "
            f"{result.provider_moves} at the provider."
        )
        if result.differences:
            say_table(
                ["reference", "payment", "difference", "ledger", "provider"],
                [
                    [
                        one.reference,
                        one.payment or "",
                        one.kind,
                        _money(one.ledger, one.currency),
                        _money(one.provider, one.currency),
                    ]
                    for one in result.differences
                ],
            )
        else:
            say("No difference.")
    if result.differences:
        sys.exit(1)


@click.command()
@click.option("--once", is_flag=True, help="Do what is due now, then stop.")
@click.option("--with-parent", is_flag=True, hidden=True)
def worker(once: bool, with_parent: bool) -> None:
    """Run the worker: messages, reminders, webhooks, refunds. One process for all cities."""
    runner = make_runner(running_app())
    if once:
        say(f"{runner.run_due()} done.")
        return
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_ignored: stop.set())
    if with_parent:
        threading.Thread(target=_stop_with_parent, args=(stop,), daemon=True).start()
    runner.run_until(stop)


COMMANDS = (import_file, reconcile, worker)


def _tell_import(result: Imported, style: str) -> None:
    if style == "json":
        lists = {name: [one.as_dict() for one in getattr(result, name)] for name in LISTS}
        say_json({**vars(result), **lists})
        return
    report(result.problems, style)
    for note in result.notes:
        say(str(note))
    say(f"Read as {result.encoding}.")
    if result.unread:
        say(f"Columns that were not read: {', '.join(result.unread)}.")
    if result.paid_differs:
        say(f"Of what is paid already, {counted(result.paid_differs, 'line')} said something else.")
    if result.holders_changed:
        say(f"{counted(result.holders_changed, 'holder')} changed.")
    say(f"{result.added} added, {result.changed} changed, {result.same} as before.")


def _stop_with_parent(stop: threading.Event) -> None:
    sys.stdin.read()
    stop.set()


def _money(amount: int | None, currency: str) -> str:
    return "—" if amount is None else format_money(amount, currency)
