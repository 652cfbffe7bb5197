"""Running migrations, as the owner of the tables, without the statement guard."""

from alembic import context
from sqlalchemy import create_engine, make_url

from smartcity_saas.database.models import Base
from smartcity_saas.migrations.patience import TIMEOUTS
from smartcity_saas.product import product


def run() -> None:
    """Migrate online, each migration in a transaction of its own: what one has locked is free
    before the next begins."""
    url = make_url(product().settings.owner_url)
    engine = create_engine(url)
    with engine.connect() as connection:
        if url.get_backend_name() == "postgresql":
            for setting, value in TIMEOUTS.items():
                connection.exec_driver_sql(f"SET {setting} = '{value}'")
            connection.commit()
        context.configure(
            connection=connection,
            target_metadata=Base.metadata,
            transaction_per_migration=True,
            compare_type=True,
        )
        with context.begin_transaction():
            context.run_migrations()
    engine.dispose()


run()
