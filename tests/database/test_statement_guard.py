"""Statements on their way to the database: a name means what it means there, what is not known is refused."""

from __future__ import annotations

import pytest

from smartcity_saas.database.statement_guard import Tables, check_statement
from smartcity_saas.errors import TenantIsolationError

CITY = Tables({"resident": frozenset({"city_id", "id", "name"})})
PLATFORM = Tables({"staff": frozenset({"username"})})
MINE = "resident.city_id = :c"
REFUSED = (
    "SELECT name FROM pg_class WHERE EXISTS (WITH pg_class AS (SELECT 1) SELECT 1 FROM pg_class)",
    "SELECT 1 FROM pg_class UNION SELECT 1 FROM (WITH pg_class AS (SELECT 1) SELECT 1 FROM pg_class)",
    "WITH a AS (SELECT 1 FROM pg_class), pg_class AS (SELECT 1) SELECT 1 FROM a",
    "WITH pg_class AS (SELECT 1 FROM pg_class) SELECT 1 FROM pg_class",
    "WITH pg_class AS (SELECT 1) DELETE FROM pg_class",
    "WITH pg_class AS (SELECT 1) UPDATE pg_class SET x = 1",
    "WITH pg_class AS (SELECT 1) INSERT INTO pg_class VALUES (1)",
    "WITH a AS (WITH pg_class AS (SELECT 1) SELECT 1 FROM pg_class) SELECT 1 FROM pg_class",
    "WITH resident AS (SELECT 1) SELECT 1 FROM resident",
    "SELECT 1 FROM (WITH staff AS (SELECT 1) SELECT 1 FROM staff) AS x",
    "SELECT 1 IN resident",
    "SELECT 1 IN staff",
    "SELECT 1 IN pg_class",
    "SELECT 1 IN main.resident",
    f"SELECT name FROM resident WHERE {MINE} AND name NOT IN resident",
    f"SELECT name FROM resident WHERE {MINE} ORDER BY name IN resident",
    f"SELECT CASE WHEN id IN resident THEN 1 END FROM resident WHERE {MINE}",
    'SELECT "R".name FROM resident AS "R", resident AS r WHERE r.city_id = :c',
    'WITH "PG_CLASS" AS (SELECT 1) SELECT 1 FROM pg_class',
    'WITH a AS (SELECT 1) SELECT 1 FROM "A"',
    "SELECT r.name FROM resident r, resident r WHERE r.city_id = :c",
    f"SELECT name FROM resident, (SELECT 1 AS city_id) AS resident WHERE {MINE}",
    "SELECT name FROM resident r LEFT JOIN staff r ON r.city_id = :c WHERE r.city_id = :c",
    "SELECT name FROM resident AS r (id, city_id, name) WHERE r.city_id = :c",
    "SELECT name FROM resident WHERE resident.city_id = CAST(:c AS NUMERIC(2, 1))",
)
PASSED = (
    f"WITH a AS (SELECT name FROM resident WHERE {MINE}) SELECT name FROM a",
    f"WITH a AS (SELECT name FROM resident WHERE {MINE}), b AS (SELECT 1 FROM a) SELECT 1 FROM b",
    "WITH RECURSIVE a AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM a WHERE n < 9) SELECT n FROM a",
    "WITH a AS (SELECT 1) SELECT 1 FROM (SELECT 1 FROM a) AS x WHERE EXISTS (SELECT 1 FROM a)",
    "SELECT 1 FROM (WITH a AS (SELECT 1) SELECT 1 FROM a) AS x",
    f"SELECT name FROM resident WHERE {MINE} AND name IN ('a', 'b')",
    f"SELECT name FROM resident WHERE {MINE} AND name IN (SELECT username FROM staff)",
    f"WITH a AS (SELECT 1) DELETE FROM resident WHERE {MINE} AND id IN (SELECT 1 FROM a)",
    f'SELECT name AS "Name" FROM resident WHERE {MINE}',
    "SELECT r.name FROM resident r, resident q WHERE r.city_id = :c AND q.city_id = :c",
    "SELECT name FROM resident WHERE resident.city_id = CAST(:c AS BIGINT)",
)


@pytest.mark.parametrize("dialect", ["sqlite", "postgres"])
@pytest.mark.parametrize("sql", REFUSED)
def test_a_name_means_what_it_means_to_the_database(dialect: str, sql: str) -> None:
    """A query's name is known where its WITH clause says, never around it, before it, or as what is
    written; a table after IN is read whole; a name in capitals, given twice or with other columns
    is not the one that a condition seems to bind. Whatever the database would take for a table, is."""
    with pytest.raises(TenantIsolationError):
        check_statement(sql, dialect, CITY, PLATFORM)


@pytest.mark.parametrize("dialect", ["sqlite", "postgres"])
@pytest.mark.parametrize("sql", PASSED)
def test_names_within_their_scope_pass(dialect: str, sql: str) -> None:
    """What the product writes goes on being understood."""
    check_statement(sql, dialect, CITY, PLATFORM)
