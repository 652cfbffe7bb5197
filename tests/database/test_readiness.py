"""Which databases a node can serve from, by the migrations that they have."""

from __future__ import annotations

from smartcity_saas.health import applied_migrations, expected_migrations, is_migrated
from tests.support.later_release import LATER
from tests.support.world import World


def test_a_node_is_ready_on_what_a_newer_release_has_migrated(world: World) -> None:
    """So a rolling upgrade migrates first. One that lacks a migration of its own is not ready,
    whatever else the database has: of a service that was taken out, say."""
    known = expected_migrations()
    newest = max(name for name in known if name[0] == "0")
    others = applied_migrations() - {newest}
    assert is_migrated(frozenset({newest, *others}))
    assert is_migrated(frozenset({LATER, *others}))
    assert is_migrated(frozenset({newest, *others - {"city_credit_0002"}, "city_credit_0003"}))
    assert not is_migrated(frozenset({"0024_scorecard", *others}))
    assert not is_migrated(frozenset({"0024_scorecard", *others, "parking_0001"}))
    assert not is_migrated(
        frozenset({newest, *others - {"utility_bills_0003"}, "utility_bills_0002"})
    )
    assert not is_migrated(frozenset())
