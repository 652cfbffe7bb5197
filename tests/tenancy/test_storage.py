"""Storage: what a city's files may take; refused before anything is stored, in figures, with a way out."""

from __future__ import annotations

import ast
import io
from pathlib import Path

import pytest
from PIL import Image
from sqlalchemy import LargeBinary

import smartcity_saas
from smartcity_saas.database import Base, CityModel
from smartcity_saas.errors import Invalid
from smartcity_saas.tenancy.assets import store_asset
from smartcity_saas.tenancy.city_quotas import STORAGE, Use
from smartcity_saas.tenancy.storage import StoredFile, file_models, require_room, storage_use
from tests.support.documents import HANGZHOU
from tests.support.storage import fill_storage
from tests.support.world import World

SMALL = HANGZHOU + "quotas: {storage_megabytes: 1}\n"
SEALED = {"wrapped", "sealed", "real_name", "number", "before", "id_token", "secret", "value"}


def logo() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (64, 64), "red").save(out, "PNG")
    return out.getvalue()


def test_a_file_beyond_the_quota_is_refused_in_figures(world: World) -> None:
    """What is missing and what to do is said; nothing is stored, and what was there stays. The
    neighbour, whose quota is the default, goes on."""
    world.save(SMALL)
    fill_storage(world, "hangzhou", 999_990)
    fill_storage(world, "ningbo", 5_000_000)
    before = _refused(world)
    with world.inside("hangzhou"):
        with pytest.raises(Invalid, match="take 1 MB of 1 MB") as refused:
            store_asset(logo(), world.clock())
        assert "storage_megabytes" in str(refused.value.detail)
        assert storage_use() == (999_990, 1_000_000)
    with world.inside("ningbo"):
        store_asset(logo(), world.clock())
        assert storage_use().used > 5_000_000
    after = _refused(world)
    assert after["hangzhou"] == before["hangzhou"] + 1
    assert after["ningbo"] == before["ningbo"]


def _refused(world: World) -> dict[str, int]:
    """How often each was refused room since this process began, by earlier tests too."""
    used = world.app.product.quotas.used()
    return {
        slug: used.get((world.city_id(slug), STORAGE), Use(0, 0)).refused
        for slug in ("hangzhou", "ningbo")
    }


def test_what_is_stored_already_takes_no_more(world: World) -> None:
    """The same logo again needs no room, so a document that names it can still be saved."""
    world.save(SMALL)
    with world.inside("hangzhou"):
        address = store_asset(logo(), world.clock())
    fill_storage(world, "hangzhou", 999_990)
    with world.inside("hangzhou"):
        assert store_asset(logo(), world.clock()) == address


def test_the_console_says_it_at_the_field(world: World) -> None:
    """A logo for which there is no room is refused on its page, in the reader's language, and no
    revision is made."""
    world.save(SMALL)
    fill_storage(world, "hangzhou", 999_990)
    page = "/cities/hangzhou/branding"
    staff = world.city_staff()
    refused = staff.post(page, page, logo=(io.BytesIO(logo()), "logo.png"))
    assert refused.status_code == 422
    assert "There is no room for these" in refused.text
    assert world.documents().live("hangzhou").number == 2


def test_residents_leave_a_reserve_to_the_city(world: World) -> None:
    """However much residents send, what the city itself issues finds room until the quota is full."""
    world.save(SMALL)
    fill_storage(world, "hangzhou", 899_000)
    with world.inside("hangzhou"):
        require_room(1_000, "")
        with pytest.raises(Invalid, match=r"of 0\.9 MB"):
            require_room(1_001, "")
        require_room(101_000, "", from_reserve=True)
        with pytest.raises(Invalid):
            require_room(101_001, "", from_reserve=True)
    with world.inside("ningbo"):
        require_room(101_001, "")


def test_every_file_counts_as_storage() -> None:
    """A table whose rows hold bytes that are no secret is a table of files, and whatever makes such a
    row asks for room before."""
    for mapper in Base.registry.mappers:
        bytes_in = {c.name for c in mapper.local_table.columns if isinstance(c.type, LargeBinary)}
        if issubclass(mapper.class_, CityModel) and bytes_in - SEALED:
            assert issubclass(mapper.class_, StoredFile), (mapper.class_, bytes_in)
    names = {model.__name__ for model in file_models()}
    assert {"Asset", "DisputePhoto", "CreditAppealPhoto"} <= names
    for path in Path(smartcity_saas.__file__).parent.rglob("*.py"):
        text = path.read_text("utf-8")
        called = {
            node.func.id
            for node in ast.walk(ast.parse(text))
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        }
        if called & names:
            assert called & {"require_room", "read_objection"}, path
