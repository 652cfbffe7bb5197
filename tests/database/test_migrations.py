"""Migrations: what they build is what the models say, on both databases, with rows in place."""

from __future__ import annotations

import contextlib
import os
import re
import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, inspect, select, text, update
from sqlalchemy.exc import DBAPIError

from smartcity_saas import migrations
from smartcity_saas.app import create_app
from smartcity_saas.audit import AuditEvent, record, system, verify_city_chain, verify_place_chain
from smartcity_saas.cli.operations import upgrade_database
from smartcity_saas.clock import utc_now
from smartcity_saas.configuration.host_ownership import own_hosts
from smartcity_saas.configuration.states import HostState
from smartcity_saas.credentials import Keyring, credentials, province_secrets
from smartcity_saas.database import city_tables, transaction
from smartcity_saas.database.models import Base
from smartcity_saas.database.transactions import db
from smartcity_saas.errors import SettingsError
from smartcity_saas.health import readiness
from smartcity_saas.identity.federation.models import LoginRequest
from smartcity_saas.identity.residents.models import Resident
from smartcity_saas.migrations import migrate_to
from smartcity_saas.outbox import backlogs
from smartcity_saas.services.city_credit.models import (
    CreditAppeal,
    CreditMembership,
    CreditQuestion,
)
from smartcity_saas.services.hospital_appointments import patients
from smartcity_saas.services.hospital_appointments.models import Patient
from smartcity_saas.settings import Settings
from smartcity_saas.tenancy.context import tenant_context
from tests.support import postgres
from tests.support.browser import fresh
from tests.support.paths import SOURCE
from tests.support.world import World


def test_models_and_migrations_agree(empty: World) -> None:
    """Nothing is in the models that a migration does not make, and the other way round."""
    engine = create_engine(empty.app.product.settings.owner_url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": False})
        found = compare_metadata(context, Base.metadata)
    engine.dispose()
    assert found == []


def test_the_files_say_what_alembic_reads_of_them(empty: World) -> None:
    """``/readyz`` knows every migration and what it builds on without loading Alembic."""
    folders = "\n".join(map(str, migrations.migration_folders()))
    config = Config()
    for name, value in {
        "script_location": str(migrations.HERE),
        "path_separator": "newline",
        "version_locations": folders,
    }.items():
        config.set_main_option(name, value)
    for one in ScriptDirectory.from_config(config).walk_revisions():
        builds_on = {*one._versioned_down_revisions, *one._resolved_dependencies}
        assert set(migrations.parents_of_migrations()[one.revision]) == builds_on
    assert len(migrations.parents_of_migrations()) > 30


def test_city_keys_start_with_the_city(empty: World) -> None:
    """Every city table's primary key is (city_id, id), and every foreign key carries city_id."""
    engine = create_engine(empty.app.product.settings.owner_url)
    inspector = inspect(engine)
    assert len(city_tables()) > 20
    for table in city_tables():
        assert inspector.get_pk_constraint(table)["constrained_columns"] == ["city_id", "id"]
        for key in inspector.get_foreign_keys(table):
            assert "city_id" in key["constrained_columns"], table
            assert key["referred_table"] in city_tables(), table
        for unique in inspector.get_unique_constraints(table):
            assert "city_id" in unique["column_names"], table
    engine.dispose()


def test_row_security_is_forced_on_every_city_table(empty: World) -> None:
    """On PostgreSQL no city table is left without a forced policy, the owner included."""
    if empty.engine != "postgresql":
        pytest.skip("row-level security is PostgreSQL's; SQLite has none")
    engine = create_engine(empty.app.product.settings.owner_url)
    with engine.connect() as connection:
        forced = connection.scalars(
            text("SELECT relname FROM pg_class WHERE relrowsecurity AND relforcerowsecurity")
        ).all()
    engine.dispose()
    assert set(forced) == city_tables()


def test_a_constraint_over_an_orphan_is_not_passed_unseen(world: World) -> None:
    """With FORCE a migration sees no rows, so a foreign key over an orphan would pass as
    valid: the recipe of docs/operations.md (NO FORCE, constraint, FORCE) finds it."""
    if world.engine != "postgresql":
        pytest.skip("row-level security is PostgreSQL's; SQLite has none")
    for city in ("hangzhou", "shanghai"):
        with world.inside(city), transaction() as session:
            session.add(Resident(name=city, created_at=world.clock()))
    add = (
        "ALTER TABLE resident ADD CONSTRAINT only_named CHECK (name <> 'shanghai') NOT VALID;"
        "ALTER TABLE resident VALIDATE CONSTRAINT only_named"
    )
    engine = create_engine(world.app.product.settings.owner_url)
    with engine.connect() as connection:
        assert connection.execute(text("UPDATE resident SET name = name")).rowcount == 0
        connection.rollback()
        connection.execute(text("ALTER TABLE resident NO FORCE ROW LEVEL SECURITY"))
        with pytest.raises(DBAPIError):
            connection.execute(text(add))
    engine.dispose()


def test_each_folder_of_migrations_is_one_line() -> None:
    """No two migrations of the platform, or of one service, build on the same one: two heads leave
    their order to chance."""
    heads = 0
    for folder in sorted(SOURCE.rglob("migrations")):
        files = [*folder.glob("*.py"), *folder.glob("versions/*.py")]
        text = "\n".join(one.read_text("utf-8") for one in files)
        found = re.findall(r"^down_revision\b[^=\n]*= (.+)$", text, re.M)
        heads += found.count("None")
        assert sorted(found) == sorted(set(found)), folder
    assert heads >= 4


def test_upgrading_again_changes_nothing(world: World) -> None:
    """An upgrade of an up-to-date database is harmless, and readiness says it is up to date."""
    upgrade_database(world.app.product.settings)
    assert set(readiness().values()) == {True}


@pytest.fixture
def old(empty: World, tmp_path: Path) -> Iterator[Settings]:
    """An installation with a database of its own, which nothing has been done to yet."""
    settings = empty.app.product.settings
    with contextlib.ExitStack() as stack:
        if empty.engine == "postgresql":
            made = stack.enter_context(postgres.test_database(os.environ[postgres.VARIABLE]))
            urls = (made.application, made.owner)
        else:
            urls = (f"sqlite:///{tmp_path}/old.sqlite3",) * 2
        yield replace(settings, database_url=urls[0], owner_url=urls[1])


def add_cities(connection: Connection) -> Iterator[int]:
    """Two cities, and their rows open to the statements meanwhile."""
    for city in (1, 2):
        connection.execute(
            text(
                "INSERT INTO document (id, name, kind, live_number, went_live,"
                " changed_at_version, content_version)"
                f" VALUES ({city}, 'c{city}', 'city', 0, false, 0, 0)"
            )
        )
        if connection.dialect.name == "postgresql":
            connection.execute(text(f"SET LOCAL app.city_id = '{city}'"))
        yield city


def new_id(connection: Connection) -> str:
    """A key as the database writes it."""
    made = uuid.uuid4()
    return str(made) if connection.dialect.name == "postgresql" else made.hex


def test_a_log_that_stands_already_is_linked(old: Settings) -> None:
    """Upgrading from before the chain: acts of two cities become two whole chains."""
    fresh(lambda: _upgrade_with_acts(old))  # type: ignore[arg-type, return-value]


def test_telephones_that_stand_open_are_sealed(old: Settings) -> None:
    """Upgrading from before: each opens in its own city, is found by its index, and nothing of it
    stands in the table any more."""
    fresh(lambda: _upgrade_with_patients(old))  # type: ignore[arg-type, return-value]


def test_secrets_that_exist_already_are_bound_to_what_names_them(old: Settings) -> None:
    """Upgrading from before: each secret goes on serving what the live documents name, one that
    payments and something else name serves payments alone, and one that nobody names nothing."""
    fresh(lambda: _upgrade_with_secrets(old))  # type: ignore[arg-type, return-value]


def test_login_requests_under_way_go_on(old: Settings) -> None:
    """Upgrading while somebody signs in: the request is there under the table's new name, in its
    own city alone."""
    fresh(lambda: _upgrade_with_login_requests(old))  # type: ignore[arg-type, return-value]


def test_tasks_that_were_given_up_are_counted_across_cities(old: Settings) -> None:
    """Upgrading with failed tasks in two cities: each is counted at its own, and what is done is not."""
    fresh(lambda: _upgrade_with_failed_tasks(old))  # type: ignore[arg-type, return-value]


def test_members_of_city_credit_are_asked_again(old: Settings) -> None:
    """Upgrading from consent for all sources at once: members of two cities stay members, are asked
    again, keep their appeals, and whoever asked about a code still stands there."""
    fresh(lambda: _upgrade_with_members(old))  # type: ignore[arg-type, return-value]


def test_hosts_that_led_to_a_city_go_on_to(old: Settings) -> None:
    """Upgrading with hosts of two cities: each leads where it led, without a record that nobody was
    asked for; a key for the records of others is there."""
    fresh(lambda: _upgrade_with_hosts(old))  # type: ignore[arg-type, return-value]


def _upgrade_with_hosts(settings: Settings) -> None:
    with create_app(settings, serving=False).app_context():
        migrate_to("0029_quota_use")
        engine = create_engine(settings.owner_url)
        with engine.begin() as connection:
            for city in add_cities(connection):
                for host in (f"www.city-{city}.cn", f"city-{city}.example"):
                    row = f"host_claim (host, document_id) VALUES ('{host}', {city})"
                    connection.execute(text(f"INSERT INTO {row}"))
        engine.dispose()
        upgrade_database(settings)
        found = {(one.city_id, one.host): one for one in own_hosts()}
        assert {key: one.state for key, one in found.items()} == {
            (1, "www.city-1.cn"): HostState.EARLIER,
            (1, "city-1.example"): HostState.EXEMPT,
            (2, "www.city-2.cn"): HostState.EARLIER,
            (2, "city-2.example"): HostState.EXEMPT,
        }
        assert all(one.is_served for one in found.values())
        values = {one.record_value for one in found.values()}
        assert len(values - {""}) == 2
        db.engine.dispose()


def _upgrade_with_members(settings: Settings) -> None:
    at = "'2026-01-01 08:00:00.000000+00:00'"
    with create_app(settings, serving=False).app_context():
        for before in ("0020_login_request", "city_credit_0001"):
            migrate_to(before)
        engine = create_engine(settings.owner_url)
        with engine.begin() as connection:
            for city in add_cities(connection):
                who, entry, appeal = (new_id(connection) for _n in range(3))
                key = f"{city}, '{new_id(connection)}', '{who}'"
                for row in (
                    f"resident (city_id, id, name, demo, created_at, assurance) VALUES ({city},"
                    f" '{who}', 'x', true, {at}, 'none')",
                    "credit_membership (city_id, id, resident_id, consent_version, joined_at)"
                    f" VALUES ({key}, '1', {at})",
                    "credit_entry (city_id, id, resident_id, source, reference, day, quantity,"
                    f" claimed, revision, recorded_at, sample) VALUES ({city}, '{entry}', '{who}',"
                    f" 's', 'r', '2026-01-01', 0, 1, 1, {at}, false)",
                    "credit_appeal (city_id, id, resident_id, entry_id, reason, state, due_on,"
                    f" created_at) VALUES ({city}, '{appeal}', '{who}', '{entry}', 'r', 'open',"
                    f" '2026-02-01', {at})",
                    "credit_certificate (city_id, id, resident_id, benefit, code_hash, expires_at,"
                    f" asked_at, asked_by, held_then) VALUES ({key}, 'b', 'h', {at}, {at}, 'p',"
                    " true)",
                ):
                    connection.execute(text(f"INSERT INTO {row}"))
        engine.dispose()
        upgrade_database(settings)
        for city in (1, 2):
            with tenant_context(city):
                member = db.session.scalars(select(CreditMembership)).one()
                assert (member.answered, member.agreed_at) == ("", member.joined_at)
                assert db.session.scalars(select(CreditAppeal.again)).all() == [False]
                assert db.session.scalars(select(CreditQuestion.holds)).all() == [True]
        db.engine.dispose()


def _upgrade_with_failed_tasks(settings: Settings) -> None:
    with create_app(settings, serving=False).app_context():
        migrate_to("0024_scorecard")
        engine = create_engine(settings.owner_url)
        with engine.begin() as connection:
            for city in add_cities(connection):
                for failed in ["'2026-01-01 08:00:00.000000+00:00'"] * city + ["NULL"]:
                    connection.execute(
                        text(
                            "INSERT INTO outbox_task (city_id, id, kind, payload, created_at,"
                            f" attempts, failed_at) VALUES ({city}, '{new_id(connection)}', 'note',"
                            f" '{{}}', '2026-01-01 08:00:00.000000+00:00', 40, {failed})"
                        )
                    )
        engine.dispose()
        upgrade_database(settings)
        found = backlogs(datetime(2026, 1, 2, tzinfo=UTC))
        assert {city: (one.failed, one.waiting) for city, one in found.items()} == {
            1: (1, 0),
            2: (2, 0),
        }
        db.engine.dispose()


OIDC = '{"oidc": {"issuer": "https://id.p.example/", "client_secret": {"credential": "%s"}}}'
LIVE = {
    "platform": '{"platform": "x", "payments": {"provider": "stripe",'
    ' "secret_key": {"credential": "key"}, "webhook_secret": {"credential": "hook"}}}',
    "province:p": f'{{"province": "p", "channels": {OIDC % "oidc"}, "single_sign_on":'
    ' {"issuer": "https://sso.example", "client_secret": {"credential": "sso"}}}',
    "c1": '{"city": "c1", "province": "p"}',
    "c2": f'{{"city": "c2", "province": "p", "channels": {OIDC % "key"}}}',
}
SIGN_IN = ["channels.oidc.client_secret", "https://id.p.example"]
BOUND = {
    1: {
        "key": [["payments.secret_key", "stripe"]],
        "hook": [["payments.webhook_secret", "stripe"]],
        "oidc": [SIGN_IN],
        "nobody": [],
    },
    2: {
        "key": [["payments.secret_key", "stripe"]],
        "hook": [["payments.webhook_secret", "stripe"]],
        "oidc": [],
        "nobody": [],
    },
}


def _upgrade_with_secrets(settings: Settings) -> None:
    with create_app(settings, serving=False).app_context():
        migrate_to("0012_trail_of_documents")
        engine = create_engine(settings.owner_url)
        with engine.begin() as connection:
            for key, name in enumerate(("c1", "c2", "platform", "province:p"), 1):
                kind = name.partition(":")[0] if key > 2 else "city"
                connection.execute(
                    text(
                        "INSERT INTO document (id, name, kind, province, live_number, went_live,"
                        " changed_at_version, content_version) VALUES"
                        f" ({key}, '{name}', '{kind}', 'p', 1, true, 0, 0)"
                    )
                )
                connection.execute(
                    text(
                        'INSERT INTO revision (document_id, number, text, "values", files, since,'
                        f" author, author_label, message, origin, created_at) VALUES ({key}, 1,"
                        " '', :said, '{}', '{}', 'x', 'X', '', 'file', '2026-01-01 08:00:00+00')"
                    ),
                    {"said": LIVE[name]},
                )
            for city, names in BOUND.items():
                if connection.dialect.name == "postgresql":
                    connection.execute(text(f"SET LOCAL app.city_id = '{city}'"))
                for name in names:
                    connection.execute(
                        text(
                            "INSERT INTO credential (city_id, id, name, sealed, updated_at) VALUES"
                            f" ({city}, '{new_id(connection)}', '{name}', :sealed,"
                            " '2026-01-01 08:00:00+00')"
                        ),
                        {"sealed": b"x"},
                    )
            connection.execute(
                text(
                    "INSERT INTO province_secret (id, province, name, updated_by, sealed,"
                    f" updated_at) VALUES ('{new_id(connection)}', 'p', 'sso', '', :sealed,"
                    " '2026-01-01 08:00:00+00')"
                ),
                {"sealed": b"x"},
            )
        engine.dispose()
        upgrade_database(settings)
        for city, wanted in BOUND.items():
            with tenant_context(city):
                assert {row.name: row.bound_to for row in credentials()} == wanted
        assert [row.bound_to for row in province_secrets("p")] == [
            [["single_sign_on.client_secret", "https://sso.example"]]
        ]
        db.engine.dispose()


def _upgrade_with_acts(settings: Settings) -> None:
    app = create_app(settings, serving=False)
    with app.app_context():
        migrate_to("0002_money")
        engine = create_engine(settings.owner_url)
        with engine.begin() as connection:
            for city in add_cities(connection):
                for act in range(3):
                    connection.execute(
                        text(
                            "INSERT INTO city_audit_event (city_id, id, at, actor, actor_label,"
                            " action, subject, detail) VALUES"
                            f" ({city}, '{new_id(connection)}',"
                            f" '2026-01-0{act + 1} 08:00:00.000000', 'staff:x', 'X', 'a.b', 's',"
                            """ '{"n": 1, "title": {"zh": "一"}}')"""
                        )
                    )
        engine.dispose()
        upgrade_database(settings)
        for city in (1, 2):
            with tenant_context(city):
                report = verify_city_chain()
                assert (report.count, report.found) == (3, None)
        db.engine.dispose()


def test_acts_on_documents_that_stand_already_are_linked(old: Settings) -> None:
    """Upgrading from before: acts on documents and on accounts become one whole chain a place,
    whatever is in them, and what is done next follows."""
    fresh(lambda: _upgrade_with_documents(old))  # type: ignore[arg-type, return-value]


ACTS = (
    ("c1", "document.file", '{"revision": 1, "message": "\u4e00 \\u2028 x"}', "08:00:00.000001"),
    ("staff:a", "staff.create", '{"roles": ["desk:x"], "at": "c1"}', "08:00:00.120000"),
    ("c1", "document.console", '{"revision": 2, "message": ""}', "08:00:00.120000"),
    ("c2", "document.file", '{"revision": 1, "message": ""}', "08:00:00.999999"),
    ("province:p", "document.file", '{"b": 1, "a": [1, {"z": null, "y": true}]}', "08:00:00"),
    ("staff:b", "staff.sign_in", "{}", "08:00:00"),
    ("p", "staff.invite", '{"roles": ["province_admin"]}', "08:00:01"),
    ("c1", "staff.invite", '{"roles": ["city_admin"]}', "08:00:01"),
    ("c1", "staff.invite", '{"roles": ["province_admin"]}', "08:00:02"),
    ("staff:o", "staff.sign_in", "{}", "08:00:00"),
    ("staff:gone", "staff.sign_in", "{}", "08:00:00"),
    ("platform", "staff.uninvite", "{}", "08:00:03"),
)
PLACES = {"c1": 4, "c2": 1, "province:p": 3, "province:c1": 1, "platform": 3}


def _upgrade_with_documents(settings: Settings) -> None:
    with create_app(settings, serving=False).app_context():
        migrate_to("0011_counter_sessions")
        engine = create_engine(settings.owner_url)
        with engine.begin() as connection:
            list(add_cities(connection))
            for key, name in ((3, "province:p"), (4, "province:c1")):
                connection.execute(
                    text(
                        "INSERT INTO document (id, name, kind, live_number, went_live,"
                        " changed_at_version, content_version)"
                        f" VALUES ({key}, '{name}', 'province', 0, false, 0, 0)"
                    )
                )
            for name, province, city in (("a", None, "c1"), ("b", "p", None), ("o", None, None)):
                connection.execute(
                    text(
                        "INSERT INTO staff (id, username, name, password_hash, roles, province,"
                        f" city, demo, created_at) VALUES ('{new_id(connection)}', '{name}', 'N',"
                        " '', '[]', :province, :city, false, '2026-01-01 00:00:00.000000')"
                    ),
                    {"province": province, "city": city},
                )
            zone = "+00" if connection.dialect.name == "postgresql" else ""
            for subject, action, detail, at in ACTS:
                connection.execute(
                    text(
                        "INSERT INTO audit_event (id, at, actor, actor_label, action, subject,"
                        f" detail) VALUES ('{new_id(connection)}', :at, 'staff:x', 'X', :action,"
                        " :subject, :detail)"
                    ),
                    {
                        "at": f"2026-01-01 {at if '.' in at else f'{at}.000000'}{zone}",
                        "action": action,
                        "subject": subject,
                        "detail": detail,
                    },
                )
        engine.dispose()
        upgrade_database(settings)
        for place, count in PLACES.items():
            found = verify_place_chain(place)
            assert (found.count, found.found) == (count, None), place
        with transaction():
            record(system("test"), "document.file", "c1", {"revision": 3}, utc_now())
        found = verify_place_chain("c1")
        assert (found.count, found.found) == (PLACES["c1"] + 1, None)
        with pytest.raises(DBAPIError), transaction() as session:  # and is append-only again
            session.execute(update(AuditEvent).values(actor="staff:other"))
        db.engine.dispose()


def _upgrade_with_login_requests(settings: Settings) -> None:
    with create_app(settings, serving=False).app_context():
        migrate_to("0019_rollout_reading")
        engine = create_engine(settings.owner_url)
        texts = "state_hash, browser_hash, channel, purpose, nonce, verifier, redirect_uri, next"
        with engine.begin() as connection:
            for city in add_cities(connection):
                connection.execute(
                    text(
                        f"INSERT INTO sign_in_handshake (city_id, id, {texts}, in_app, expires_at)"
                        f" VALUES ({city}, '{new_id(connection)}', 's{city}', 'b', 'oidc',"
                        " 'sign_in', 'n', 'v', 'https://c.example', '/me', false,"
                        " '2026-01-01 08:00:00.000000')"
                    )
                )
        engine.dispose()
        upgrade_database(settings)
        for city in (1, 2):
            with tenant_context(city):
                found = db.session.scalars(select(LoginRequest.state_hash)).all()
                assert found == [f"s{city}"]
        db.engine.dispose()


def _upgrade_with_patients(settings: Settings) -> None:
    with create_app(settings, serving=False).app_context():
        migrate_to("0010_single_sign_on")
        migrate_to("hospital_appointments_0001")
        keyring = Keyring(settings.master_key)
        engine = create_engine(settings.owner_url)
        with engine.begin() as connection:
            for city in add_cities(connection):
                resident = new_id(connection)
                connection.execute(
                    text(
                        "INSERT INTO resident (city_id, id, name, demo, created_at, assurance)"
                        f" VALUES ({city}, '{resident}', 'R', false, '2026-01-01', 'none')"
                    )
                )
                for phone in (f"1380000000{city}", "12345", ""):
                    connection.execute(
                        text(
                            "INSERT INTO patient (city_id, id, resident_id, name, relation, phone,"
                            f" created_at) VALUES ({city}, '{new_id(connection)}', '{resident}',"
                            f" 'P', 'self', '{phone}', '2026-01-01 08:00:00.000000')"
                        )
                    )
            connection.execute(
                text(
                    "INSERT INTO city_key (city_id, id, wrapped, master_mark, created_at) VALUES"
                    f" (2, '{new_id(connection)}', :wrapped, :mark, '2026-01-01')"
                ),
                {"wrapped": keyring.new_data_key(2), "mark": keyring.mark},
            )
        engine.dispose()
    for key, said in (("", "is not set"), ("another master key of 32 characters", "not the one")):
        wrong = replace(settings, master_key=key)
        with create_app(wrong, serving=False).app_context():
            with pytest.raises(SettingsError, match=said):
                upgrade_database(wrong)
            db.engine.dispose()
    with create_app(settings, serving=False).app_context():
        upgrade_database(settings)
        now = datetime.now(UTC)
        for city in (1, 2):
            with tenant_context(city):
                found = db.session.scalars(select(Patient)).all()
                phones = {patients.phone_of(one, now): one.shown for one in found}
                assert phones == {
                    f"1380000000{city}": f"138****000{city}",
                    "12345": "****45",
                    "": "",
                }
                wanted = patients.has_phone(f"138-0000-000{city}", now)
                assert len(db.session.scalars(select(Patient).where(wanted)).all()) == 1
        db.engine.dispose()
        assert "phone" not in {one["name"] for one in inspect(engine).get_columns("patient")}
        engine.dispose()
