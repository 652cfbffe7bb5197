"""Write docs/database-tables.md: every table, whose it is, and what its model says it holds.

``python tools/database_tables.py > docs/database-tables.md``; a test fails while it is stale.
"""

from __future__ import annotations

from smartcity_saas.app import create_app
from smartcity_saas.database.models import Base
from smartcity_saas.settings import Settings

HEAD = """\
# Tables of the database

Made from the models by `make generated`; a test fails while it is stale. A *city* table's rows are
one city's each, behind the tenant isolation ([architecture](architecture.md)); a *platform* table
is read outside cities.

| table | whose | what its model says | module |
| --- | --- | --- | --- |
"""


def tables() -> str:
    """The document, from the models that are loaded: create an application before."""
    rows = []
    for mapper in sorted(Base.registry.mappers, key=lambda one: one.local_table.name):
        model, table = mapper.class_, mapper.local_table
        said = " ".join((model.__doc__ or "").split()).partition(". ")[0].rstrip(".")
        said = said.replace("``", "`")
        module = model.__module__.removeprefix("smartcity_saas.")
        rows.append(f"| `{table.name}` | {table.info['owner']} | {said} | `{module}` |\n")
    return HEAD + "".join(rows)


if __name__ == "__main__":
    create_app(Settings(demo=True, database_url="sqlite://", owner_url="sqlite://"), serving=False)
    print(tables(), end="")
