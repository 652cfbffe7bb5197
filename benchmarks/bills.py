"""The signed-in bill page on a small table and on one of many cities' years.

``BENCH_BILLS`` makes fewer bills than ten million, for a quick look; 0 leaves the large table out.
"""

from __future__ import annotations

import os

import psycopg
from tests.support import postgres

from benchmarks import pages
from benchmarks.setting import application, signed_in

SMALL, LARGE = 1_000, int(os.environ.get("BENCH_BILLS", "10000000"))
MONTHS = 24
OTHERS = 351
"""Cities beside the measured one, which has a share of the bills as they have."""
ACCOUNTS = """
INSERT INTO utility_account (city_id, id, kind, number, holder, holder_key, address, sample, updated_at)
SELECT %(city)s + n %% %(cities)s, lpad(to_hex(n), 32, '0')::uuid, 'water', 'bench-' || n,
  'x', 'x', 'x', true, now()
FROM generate_series(%(first)s::bigint, %(last)s) n"""
BILLS = """
INSERT INTO utility_bill
  (city_id, id, account_id, period, usage, amount, currency, issued_on, due_on, paid_on)
SELECT %(city)s + n %% %(cities)s, lpad(to_hex(n * %(months)s + m), 32, '0')::uuid,
  lpad(to_hex(n), 32, '0')::uuid, date '2024-11-01' + make_interval(months => m), 1000, 4350, 'CNY',
  date '2024-12-01' + make_interval(months => m), date '2024-12-20' + make_interval(months => m),
  CASE WHEN m < 23 THEN date '2024-12-10' + make_interval(months => m) END
FROM generate_series(%(first)s::bigint, %(last)s) n, generate_series(0, %(months)s - 1) m"""


def bill_pages(cluster: str) -> None:
    """The page at both sizes, each beside its peers."""
    with postgres.test_database(cluster) as database:
        app = application(database.application, database.owner)
        city_id = app.registry.snapshot.cities["hangzhou"].id
        cookie, path = signed_in(app)  # once: a resident may link so many accounts an hour
        made = 0
        for size in (SMALL, LARGE) if LARGE else (SMALL,):
            fill(database.superuser, city_id, made, size)
            made = size
            pages.bill_page(app, database.application, f"{size:,}", cookie, path)
            with postgres.test_database(cluster) as other:
                pages.bill_page_of_django_tenants(
                    app, database.superuser, other.superuser, f"{size:,}", cookie, path
                )


def fill(superuser: str, city_id: int, made: int, bills: int) -> None:
    """Add accounts with two years of bills, spread over the cities, up to so many bills."""
    values = {
        "city": city_id,
        "cities": OTHERS + 1,
        "months": MONTHS,
        "first": made // MONTHS + 1,
        "last": bills // MONTHS,
    }
    with psycopg.connect(superuser.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute("SET synchronous_commit = off")
        connection.execute(
            "SET session_replication_role = replica"
        )  # no key is checked, none is wrong
        connection.execute(ACCOUNTS, values)
        connection.execute(BILLS, values)
        connection.execute("VACUUM ANALYZE utility_account, utility_bill")
