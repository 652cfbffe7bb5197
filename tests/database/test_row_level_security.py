"""Row-level security: PostgreSQL isolates cities by itself."""

from __future__ import annotations

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError

from smartcity_saas.database.row_level_security import refuse_powerful_role
from smartcity_saas.errors import SettingsError
from tests.support.world import World


def test_postgresql_says_it_again(peopled: World) -> None:
    """Row-level security holds where the application's own checks are not: a raw connection."""
    if peopled.engine != "postgresql":
        pytest.skip("row-level security is PostgreSQL's; SQLite has none")
    here, there = peopled.city_id("hangzhou"), peopled.city_id("shanghai")
    raw = create_engine(peopled.app.product.settings.database_url)
    with raw.connect() as connection:
        assert connection.execute(text("SELECT name FROM resident")).all() == []
    with raw.connect() as connection:
        connection.execute(text(f"SET LOCAL app.city_id = '{here}'"))
        assert connection.scalars(text("SELECT name FROM resident")).all() == ["hangzhou"]
        with pytest.raises(DBAPIError):
            connection.execute(text(f"UPDATE resident SET city_id = {there}"))
    with raw.connect() as connection:
        assert connection.execute(text("SELECT name FROM resident")).all() == []
    raw.dispose()


def test_start_up_refuses_a_powerful_role(peopled: World) -> None:
    """The owner's role, which row-level security may not hold, is refused by name."""
    if peopled.engine != "postgresql":
        pytest.skip("roles are PostgreSQL's; SQLite has none")
    owner = create_engine(peopled.app.product.settings.owner_url)
    with pytest.raises(SettingsError, match="owns"):
        refuse_powerful_role(owner)
    application = create_engine(peopled.app.product.settings.database_url)
    refuse_powerful_role(application)
    owner.dispose()
    application.dispose()
