"""The wall: no statement reads or writes another city's rows, whoever wrote it.

``models`` declares the two kinds of table, ``statements`` judges every statement just before
the cursor, ``session`` opens transactions, ``roles`` holds what PostgreSQL adds.
"""

from smartcity_saas.database.models import (
    Base,
    CityModel,
    PlatformModel,
    UTCDateTime,
    city_foreign_key,
    city_relationship,
    city_tables,
)
from smartcity_saas.database.transactions import (
    command,
    db,
    init_database,
    insert_once,
    unwalled,
    upsert_into,
)

__all__ = [
    "Base",
    "CityModel",
    "PlatformModel",
    "UTCDateTime",
    "city_foreign_key",
    "city_relationship",
    "city_tables",
    "command",
    "db",
    "init_database",
    "insert_once",
    "unwalled",
    "upsert_into",
]
