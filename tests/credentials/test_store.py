"""Secrets: encrypted at rest, each city's with its own key, refused when anything is wrong."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from structlog.testing import capture_logs

from smartcity_saas.audit import city_audit_events, system
from smartcity_saas.cli.keys import secrets
from smartcity_saas.cli.operations import _refuse_shut_keys
from smartcity_saas.configuration.secret_uses import SecretUse
from smartcity_saas.credentials import (
    CredentialError,
    Keyring,
    accepted_values,
    credentials,
    read_credential,
    rewrap,
    store_credential,
    usable_secrets,
)
from smartcity_saas.credentials.keyring import seal, unseal
from smartcity_saas.credentials.models import CityKey, Credential
from smartcity_saas.credentials.personal_encryption import personal_index
from smartcity_saas.database import db, transaction
from smartcity_saas.errors import Invalid, SettingsError
from smartcity_saas.identity.staff.accounts import create_staff
from smartcity_saas.identity.staff.sessions import (
    Provided,
    begin_session,
    id_token_of,
    reencrypt_id_tokens,
)
from smartcity_saas.master_keys import read_key
from tests.support.documents import KEY, ZHEJIANG
from tests.support.product import other_parts
from tests.support.world import World

SECRET = "sk_live_not_a_real_key_0123456789"
ACTOR = system("test")
STRIPE = SecretUse("stripe_secret_key", "payments.secret_key", "stripe")


def keep(world: World, city: str, name: str = "stripe_secret_key", value: str = SECRET) -> None:
    with world.inside(city):
        store_credential(world.app.product.keyring, ACTOR, name, value, world.clock())


def test_a_secret_comes_back_and_is_not_in_the_rows(world: World) -> None:
    """What is stored is not what was given; the audit log names it without its value."""
    keep(world, "hangzhou")
    with world.inside("hangzhou"):
        assert read_credential(world.app.product.keyring, STRIPE) == SECRET
        row = db.session.scalars(select(Credential)).one()
        assert SECRET.encode() not in row.sealed
        assert usable_secrets() == {STRIPE}
        assert SECRET not in str([event.detail for event in city_audit_events(10)])


def test_another_citys_ciphertext_does_not_open(world: World) -> None:
    """Moved to another city or another name, changed by one bit, or with another master key:
    refused, with a sentence."""
    keep(world, "hangzhou")
    keep(world, "ningbo", value="other")
    ring = world.app.product.keyring
    with world.inside("hangzhou"):
        stolen = db.session.scalars(select(Credential.sealed)).one()
    with world.inside("ningbo"):
        with transaction() as session:
            session.scalars(select(Credential)).one().sealed = stolen
        with pytest.raises(CredentialError, match="could not decrypt"):
            read_credential(ring, STRIPE)
    with world.inside("hangzhou"):
        with transaction() as session:
            row = session.scalars(select(Credential)).one()
            row.sealed = row.sealed[:-1] + bytes([row.sealed[-1] ^ 1])
        with pytest.raises(CredentialError, match="could not decrypt"):
            read_credential(ring, STRIPE)
        with pytest.raises(CredentialError, match="SMARTCITY_MASTER_KEY"):
            read_credential(Keyring("another master key, quite as long as it"), STRIPE)
        with transaction() as session:
            session.scalars(select(CityKey)).one().wrapped = b"x" * 60
        with pytest.raises(CredentialError, match="SMARTCITY_MASTER_KEY"):
            read_credential(ring, STRIPE)


def test_what_does_not_open_is_logged_without_its_value(world: World) -> None:
    """Whoever runs the product learns which secret does not open, or that a city's key does not,
    and nothing of what they hold."""
    keep(world, "hangzhou")
    keep(world, "ningbo", value="other")
    ring, other = world.app.product.keyring, Keyring(NEW)
    with world.inside("ningbo"):
        stolen = db.session.scalars(select(Credential.sealed)).one()
    with world.inside("hangzhou"), capture_logs() as logs:
        with pytest.raises(CredentialError):
            read_credential(other, STRIPE)
        with transaction() as session:
            session.scalars(select(Credential)).one().sealed = stolen
        with pytest.raises(CredentialError):
            read_credential(ring, STRIPE)
    assert logs == [
        {"event": "city_key_does_not_open", "another_master": True, "log_level": "error"},
        {
            "event": "credential_does_not_open",
            "name": "stripe_secret_key",
            "log_level": "error",
        },
    ]


@pytest.mark.parametrize("name, value", [("Bad", "x"), ("ok_name", ""), ("ok_name", "x" * 9000)])
def test_odd_secrets_are_refused(world: World, name: str, value: str) -> None:
    """A name that documents could not write, nothing, and far too much."""
    with pytest.raises(Invalid):
        keep(world, "hangzhou", name, value)


def test_a_missing_secret_says_which(world: World) -> None:
    """The name is in the message, so that staff know what to set."""
    with world.inside("hangzhou"), pytest.raises(CredentialError, match="not_there"):
        read_credential(world.app.product.keyring, SecretUse("not_there", "payments.secret_key"))


@given(st.binary(min_size=1, max_size=200), st.text(min_size=1, max_size=20))
def test_what_is_sealed_opens_only_at_its_place(plain: bytes, place: str) -> None:
    """Any bytes, any place."""
    key = AESGCM(b"k" * 32)
    sealed = seal(key, plain, place)
    assert unseal(key, sealed, place) == plain
    with pytest.raises(InvalidTag):
        unseal(key, sealed, place + "x")
    assert seal(key, plain, place) != sealed


def test_a_personal_number_has_another_index_in_every_city(world: World) -> None:
    """The same number cannot be compared across cities or purposes."""
    found = set()
    for city in ("hangzhou", "ningbo"):
        with world.inside(city):
            ring, now = world.app.product.keyring, world.clock()
            one = personal_index(ring, "licence", "1", now)
            assert one == personal_index(ring, "licence", "1", now)
            found |= {one, personal_index(ring, "resident", "1", now)}
    assert len(found) == 4


NEW = "the next master key, also longer than thirty-two"


def test_rotating_the_master_key_midway(world: World) -> None:
    """Two cities; stopped after the first, both open with both keys set; run again it finishes,
    and then the new key alone opens everything and the old one nothing."""
    old = KEY
    for city in ("hangzhou", "ningbo"):
        keep(world, city, value=f"secret of {city}")
    both = Keyring(NEW, old)
    with world.inside("hangzhou"):
        assert rewrap(both)
        assert not rewrap(both)
    for city in ("hangzhou", "ningbo"):
        with world.inside(city):
            assert read_credential(both, STRIPE) == f"secret of {city}"
    with other_parts(world.app, keyring=both):
        answer = CliRunner().invoke(secrets, ["rotate-master", "--format", "json"])
        assert json.loads(answer.output)["rewrapped"] == 1
    for city in ("hangzhou", "ningbo"):
        with world.inside(city):
            assert read_credential(Keyring(NEW), STRIPE) == f"secret of {city}"
            with pytest.raises(CredentialError, match="SMARTCITY_MASTER_KEY"):
                read_credential(Keyring(old), STRIPE)


def test_sessions_go_over_to_the_new_master_key_too(world: World) -> None:
    """What a session keeps for signing out at the province's provider opens with the new key alone;
    before that ``doctor`` says what the key that is set does not open."""
    member = create_staff(
        system("test"),
        "wu.min",
        "Wu Min",
        ("province_admin",),
        None,
        province="zhejiang",
        now=world.clock(),
    )
    provided = Provided("zhejiang", "an ID token", world.clock())
    token = begin_session(member, world.clock(), provided=provided)
    with (
        other_parts(world.app, keyring=Keyring(NEW, None)),
        pytest.raises(SettingsError, match="opens 1 of the keys"),
    ):
        _refuse_shut_keys()
    with other_parts(world.app, keyring=Keyring(NEW, KEY)):
        assert reencrypt_id_tokens() == (1, [])
    with other_parts(world.app, keyring=Keyring(NEW, None)):
        _refuse_shut_keys()
        assert id_token_of(token) == ("zhejiang", "an ID token")


def test_rotating_without_the_old_key_loses_nothing(world: World) -> None:
    """The command names the cities and changes nothing."""
    keep(world, "hangzhou")
    with other_parts(world.app, keyring=Keyring(NEW)):
        answer = CliRunner().invoke(secrets, ["rotate-master"])
        assert isinstance(answer.exception, Invalid)
        assert "hangzhou" in str(answer.exception.detail)
    with world.inside("hangzhou"):
        assert read_credential(Keyring(KEY), STRIPE) == SECRET


def test_a_key_comes_from_one_place(tmp_path: Path) -> None:
    """The environment, a file or a command; two at once, and what cannot be read, are refused."""
    file = tmp_path / "key"
    file.write_text("from a file\n")
    name = "SMARTCITY_MASTER_KEY"
    assert read_key({name: "here"}, name) == "here"
    assert read_key({f"{name}_FILE": str(file)}, name) == "from a file"
    assert read_key({f"{name}_COMMAND": f"cat {file}"}, name) == "from a file"
    assert read_key({}, name) == ""
    for env in (
        {name: "x", f"{name}_FILE": str(file)},
        {f"{name}_FILE": str(tmp_path / "none")},
        {f"{name}_COMMAND": "false"},
        {f"{name}_COMMAND": "true"},
    ):
        with pytest.raises(SettingsError):
            read_key(env, name)


def test_a_value_before_is_accepted_for_a_while(world: World) -> None:
    """During the overlap both are accepted and the new one is used; then only the new one."""
    ring = world.app.product.keyring
    keep(world, "hangzhou", value="first")
    with world.inside("hangzhou"):
        store_credential(
            ring, ACTOR, "stripe_secret_key", "second", world.clock(), overlap=timedelta(hours=1)
        )
        assert read_credential(ring, STRIPE) == "second"
        assert accepted_values(ring, STRIPE, world.clock()) == ["second", "first"]
        later = world.clock() + timedelta(hours=2)
        assert accepted_values(ring, STRIPE, later) == ["second"]


def test_webhooks_of_both_secrets_are_taken_during_an_overlap(world: World) -> None:
    """Stripe signs with the old secret until it has been told: no notice is lost meanwhile."""
    stripe = world.open_payments()
    event = {"id": "evt_1", "object": "event", "type": "ping", "data": {"object": {}}}
    with world.inside("hangzhou"):
        store_credential(
            world.app.product.keyring,
            ACTOR,
            "stripe_webhook_secret",
            "whsec_new",
            world.clock(),
            overlap=timedelta(hours=1),
        )
    assert stripe.send(event).status_code == 200
    assert stripe.send({**event, "id": "evt_2"}, secret="whsec_new").status_code == 200
    assert stripe.send({**event, "id": "evt_3"}, secret="whsec_other").status_code == 400
    world.clock.move(hours=2)
    assert stripe.send({**event, "id": "evt_4"}).status_code == 400


def test_the_page_sets_and_never_shows(world: World) -> None:
    """Missing ones stand first; a stored value is on no page; what works is said after asking."""
    world.open_payments()
    staff = world.city_staff("hangzhou")
    page = staff.get("/cities/hangzhou/secrets").text
    assert "payments.secret_key" in page
    answer = staff.post(
        "/cities/hangzhou/secrets", name="stripe_secret_key", secret="sk_test_hangzhou"
    )
    assert answer.status_code == 302, answer.text
    page = staff.get("/cities/hangzhou/secrets").text
    assert "Works" in page
    assert "sk_test_hangzhou" not in page
    assert (
        staff.post(
            "/cities/hangzhou/secrets/stripe_secret_key/remove", "/cities/hangzhou/secrets"
        ).status_code
        == 409
    )


def test_a_secret_that_does_not_work_is_said(world: World) -> None:
    """Stripe refuses the key: the page and the first page of the city say so, and the command
    exits with 1."""
    world.open_payments()
    staff = world.city_staff("hangzhou")
    staff.post("/cities/hangzhou/secrets", name="stripe_secret_key", secret="not a key")
    assert "Does not work" in staff.get("/cities/hangzhou/secrets").text
    assert "does not work" in staff.get("/cities/hangzhou").text
    answer = CliRunner().invoke(secrets, ["probe", "hangzhou"])
    assert (answer.exit_code, "DOES NOT WORK" in answer.output) == (1, True)


def test_a_baselines_secret_is_on_every_citys_list(world: World) -> None:
    """Named in a province's document: the city that is being onboarded has it on its readiness
    list, and a city's page and the command say which document names it."""
    baseline = "channels: {weibo: {client_id: '1', client_secret: {credential: weibo_secret}}}\n"
    world.save(ZHEJIANG + baseline)
    admin = world.province_admin()
    onboarding = admin.get("/provinces/zhejiang/onboard?code=330300").text
    assert "Secret “weibo_secret” is not set" in onboarding
    keep(world, "ningbo", "weibo_secret", "x")
    assert "Secret “weibo_secret” is set but not tested" not in admin.get("/cities/hangzhou").text
    assert "Secret “weibo_secret” is not set" in admin.get("/cities/hangzhou").text
    page = admin.get("/cities/ningbo/secrets").text
    assert "in configuration province:zhejiang" in page
    listed = CliRunner().invoke(secrets, ["list", "ningbo", "--format", "json"]).output
    assert "channels.weibo.client_secret (province:zhejiang)" in listed


def test_when_a_secret_was_last_used_is_known(world: World) -> None:
    """Noted after the request that used it."""
    stripe = world.open_payments()
    event = {"id": "evt_1", "object": "event", "type": "ping", "data": {"object": {}}}
    stripe.send(event)
    with world.inside("hangzhou"):
        used = {row.name: row.used_at for row in credentials()}
    assert used["stripe_webhook_secret"] is not None
