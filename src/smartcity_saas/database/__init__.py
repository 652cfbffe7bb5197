"""Tenant isolation: no statement reads or writes another city's rows, whoever wrote it.

``models`` declares the two kinds of table, ``statement_guard`` checks every statement just before
the cursor, ``transactions`` opens transactions, ``row_level_security`` holds what PostgreSQL adds.
"""

from smartcity_saas.database.lookups import one_or_404
from smartcity_saas.database.models import (
    Base,
    CityModel,
    PlatformModel,
    StoredEnum,
    Timestamp,
    city_foreign_key,
    city_relationship,
    city_tables,
)
from smartcity_saas.database.transactions import (
    db,
    init_database,
    insert_once,
    transaction,
    upsert_into,
    without_statement_guard,
)

__all__ = [
    "Base",
    "CityModel",
    "PlatformModel",
    "StoredEnum",
    "Timestamp",
    "city_foreign_key",
    "city_relationship",
    "city_tables",
    "db",
    "init_database",
    "insert_once",
    "one_or_404",
    "transaction",
    "upsert_into",
    "without_statement_guard",
]
