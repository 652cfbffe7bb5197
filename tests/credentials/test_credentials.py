"""Secrets: encrypted at rest, each city's with its own key, refused when anything is wrong."""

from __future__ import annotations

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from smartcity_saas.audit import city_trail, system
from smartcity_saas.credentials import (
    CredentialError,
    Keyring,
    credential_names,
    read_credential,
    store_credential,
)
from smartcity_saas.credentials.keyring import seal, unseal
from smartcity_saas.credentials.models import CityKey, Credential
from smartcity_saas.credentials.personal import personal_index
from smartcity_saas.database import command, db
from smartcity_saas.errors import Invalid
from tests.conftest import World

SECRET = "sk_live_not_a_real_key_0123456789"
ACTOR = system("test")


def keep(world: World, city: str, name: str = "stripe_secret_key", value: str = SECRET) -> None:
    with world.inside(city):
        store_credential(world.app.extensions["keyring"], ACTOR, name, value, world.clock())


def test_a_secret_comes_back_and_is_not_in_the_rows(world: World) -> None:
    """What is stored is not what was given; the trail names it without its value."""
    keep(world, "hangzhou")
    with world.inside("hangzhou"):
        assert read_credential(world.app.extensions["keyring"], "stripe_secret_key") == SECRET
        row = db.session.scalars(select(Credential)).one()
        assert SECRET.encode() not in row.sealed
        assert list(credential_names()) == ["stripe_secret_key"]
        assert SECRET not in str([event.detail for event in city_trail(10)])


def test_another_citys_ciphertext_does_not_open(world: World) -> None:
    """Moved to another city or another name, changed by one bit, or with another master key:
    refused, with a sentence."""
    keep(world, "hangzhou")
    keep(world, "ningbo", value="other")
    ring = world.app.extensions["keyring"]
    with world.inside("hangzhou"):
        stolen = db.session.scalars(select(Credential.sealed)).one()
    with world.inside("ningbo"):
        with command() as session:
            session.scalars(select(Credential)).one().sealed = stolen
        with pytest.raises(CredentialError, match="cannot be opened"):
            read_credential(ring, "stripe_secret_key")
    with world.inside("hangzhou"):
        with command() as session:
            row = session.scalars(select(Credential)).one()
            row.sealed = row.sealed[:-1] + bytes([row.sealed[-1] ^ 1])
        with pytest.raises(CredentialError, match="cannot be opened"):
            read_credential(ring, "stripe_secret_key")
        with pytest.raises(CredentialError, match="SMARTCITY_MASTER_KEY"):
            read_credential(Keyring("another master key, quite as long as it"), "stripe_secret_key")
        with command() as session:
            session.scalars(select(CityKey)).one().wrapped = b"x" * 60
        with pytest.raises(CredentialError, match="SMARTCITY_MASTER_KEY"):
            read_credential(ring, "stripe_secret_key")


@pytest.mark.parametrize("name, value", [("Bad", "x"), ("ok_name", ""), ("ok_name", "x" * 9000)])
def test_odd_secrets_are_refused(world: World, name: str, value: str) -> None:
    """A name that documents could not write, nothing, and far too much."""
    with pytest.raises(Invalid):
        keep(world, "hangzhou", name, value)


def test_a_missing_secret_says_which(world: World) -> None:
    """The name is in the message, so that staff know what to set."""
    with world.inside("hangzhou"), pytest.raises(CredentialError, match="not_there"):
        read_credential(world.app.extensions["keyring"], "not_there")


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
            ring, now = world.app.extensions["keyring"], world.clock()
            one = personal_index(ring, "licence", "1", now)
            assert one == personal_index(ring, "licence", "1", now)
            found |= {one, personal_index(ring, "resident", "1", now)}
    assert len(found) == 4
