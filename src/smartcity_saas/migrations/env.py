"""Running migrations, as the owner of the tables, without the statement guard."""

from alembic import context
from sqlalchemy import create_engine

from smartcity_saas.database.models import Base
from smartcity_saas.product import product


def run() -> None:
    """Migrate online, in one transaction."""
    engine = create_engine(product().settings.owner_url)
    with engine.connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=Base.metadata,
            transaction_per_migration=False,
            compare_type=True,
        )
        with context.begin_transaction():
            context.run_migrations()
    engine.dispose()


run()
