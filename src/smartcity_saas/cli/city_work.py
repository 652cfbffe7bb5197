"""Commands for the work of a city: import, reconcile; and the processes that work for all cities."""

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
from smartcity_saas.errors import Invalid, NotFound, SettingsError
from smartcity_saas.outbox.dispatcher import TaskQueue
from smartcity_saas.payments.reconciliation import day_span
from smartcity_saas.payments.reconciliation import reconcile as compare
from smartcity_saas.product import product, running_app
from smartcity_saas.tenancy.current import current_time
from smartcity_saas.web.money import format_money
from smartcity_saas.worker import make_dispatcher, make_runner

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
    """Run the worker: messages, reminders, webhooks, refunds. Several may run at once."""
    runner = make_runner(running_app())
    if once:
        say(f"{runner.run_due()} done.")
        return
    stop = _told_to_stop()
    if with_parent:
        threading.Thread(target=_stop_with_parent, args=(stop,), daemon=True).start()
    runner.run_until(stop)


@click.command()
def dispatcher() -> None:
    """Run the dispatcher: it sends what is due to the workers of Celery, by SMARTCITY_BROKER.

    The workers are started by `celery -A smartcity_saas.celery_app worker`. Several dispatchers and
    workers may run at once.
    """
    make_dispatcher(running_app(), _celery_queue()).run_until(_told_to_stop())


COMMANDS = (import_file, reconcile, worker, dispatcher)


def _celery_queue() -> TaskQueue:
    broker = product().settings.broker
    if not broker:
        raise SettingsError("SMARTCITY_BROKER is not set: the dispatcher needs a broker.")
    try:
        from smartcity_saas.task_queue import CeleryQueue, make_celery  # an extra
    except ImportError:
        raise SettingsError(
            "Celery is not installed: `pip install 'smartcity-saas[celery]'`."
        ) from None
    return CeleryQueue(make_celery(broker, running_app))


def _told_to_stop() -> threading.Event:
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_ignored: stop.set())
    return stop


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
