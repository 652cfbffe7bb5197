"""Running migrations, as the owner of the tables, outside the wall."""

from alembic import context
from flask import current_app
from sqlalchemy import create_engine

from smartcity_saas.database.models import Base


def run() -> None:
    """Migrate online, in one transaction."""
    engine = create_engine(current_app.config["SETTINGS"].owner_url)
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
