"""Tenant isolation: no statement reads or writes another city's rows, whoever wrote it.

``models`` declares the two kinds of table, ``statement_guard`` checks every statement just before
the cursor, ``transactions`` opens transactions, ``core_statements`` runs what is run often,
``row_level_security`` holds what PostgreSQL adds.
"""

from smartcity_saas.database.change_notices import change_notices, tell_of_change
from smartcity_saas.database.core_statements import (
    CITY,
    insert_once,
    insert_rows,
    load,
    load_related,
    run,
    run_each,
    send_together,
    store,
    write_changes,
)
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
    table_of,
)
from smartcity_saas.database.transactions import (
    db,
    end_read,
    init_database,
    transaction,
    upsert_into,
    without_statement_guard,
)

__all__ = [
    "CITY",
    "Base",
    "CityModel",
    "PlatformModel",
    "StoredEnum",
    "Timestamp",
    "change_notices",
    "city_foreign_key",
    "city_relationship",
    "city_tables",
    "db",
    "end_read",
    "init_database",
    "insert_once",
    "insert_rows",
    "load",
    "load_related",
    "one_or_404",
    "run",
    "run_each",
    "send_together",
    "store",
    "table_of",
    "tell_of_change",
    "transaction",
    "upsert_into",
    "without_statement_guard",
    "write_changes",
]
