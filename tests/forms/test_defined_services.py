"""Services that a document defines are services like any other, of the cities that have them alone."""

from __future__ import annotations

import pytest

from smartcity_saas.configuration.document_files import read_files
from smartcity_saas.errors import Invalid
from smartcity_saas.tenancy.city_services import city_services
from tests.support.documents import HANGZHOU, NINGBO, ZHEJIANG
from tests.support.forms import LETTER, SAMPLES, with_services
from tests.support.paths import ROOT
from tests.support.world import World

PATH = "/services/walking-permit"


def test_a_form_is_live_once_its_document_is_saved(world: World) -> None:
    """Promise: a service of thirty lines of YAML has its page, its tile and its words to search for as
    soon as the document is saved, in that city and in no other."""
    assert world.client("hangzhou.localhost").get(PATH).status_code == 404
    world.save(with_services(HANGZHOU, LETTER))
    page = world.client("hangzhou.localhost").get(PATH)
    assert page.status_code == 200
    assert "Walking permit" in page.text
    assert "Walking permit" in world.client("hangzhou.localhost").get("/services").text
    assert "Walking permit" in world.client("hangzhou.localhost").get("/search?q=sanbu").text
    assert world.client("ningbo.localhost").get(PATH).status_code == 404
    assert "Walking permit" not in world.client("ningbo.localhost").get("/services").text


def test_a_province_gives_its_cities_a_form(world: World) -> None:
    """Promise: what a province defines every city of it has, and one can close it for itself."""
    world.save(with_services(ZHEJIANG, LETTER))
    world.save(NINGBO + "services: {walking_permit: {state: closed}}\n")
    assert world.client("hangzhou.localhost").get(PATH).status_code == 200
    assert "This service is not open" in world.client("ningbo.localhost").get(PATH).text
    assert world.client("shanghai.localhost").get(PATH).status_code == 404


def test_a_province_that_takes_a_form_away_names_the_cities_that_need_it(world: World) -> None:
    """Promise: a baseline without a form that a city's document still speaks of is refused."""
    world.save(with_services(ZHEJIANG, LETTER))
    world.save(NINGBO + "services: {walking_permit: {state: closed}}\n")
    with pytest.raises(Invalid) as refused:
        world.save(ZHEJIANG)
    assert "ningbo" in str(refused.value.problems[0])


def test_pausing_a_form_is_one_press(world: World) -> None:
    """Promise: staff open, pause and close a defined service as they do an installed one."""
    world.save(with_services(HANGZHOU, LETTER))
    console = world.city_staff("hangzhou")
    console.post("/cities/hangzhou/services/walking-permit/close", "/cities/hangzhou", revision="2")
    assert world.city("hangzhou").catalog["walking_permit"].is_closed
    assert "Walking permit" in console.get("/cities/hangzhou").text


def test_a_name_that_nothing_defines_is_told_as_before(world: World) -> None:
    """Promise: a service written wrong is told at its line, with the name that was meant."""
    with pytest.raises(Invalid) as refused:
        world.save(HANGZHOU + "services: {utility_bill: {state: open}}\n")
    [problem] = refused.value.problems
    assert "utility_bill" in str(problem.message)
    assert "utility_bills" in str(problem.hint)


def test_the_address_has_hyphens_alone(world: World) -> None:
    """Promise: each service has one address."""
    world.save(with_services(HANGZHOU, LETTER))
    assert world.client("hangzhou.localhost").get("/services/walking_permit").status_code == 404
    assert (
        len(city_services(world.city("hangzhou"))) == len(city_services(world.city("ningbo"))) + 1
    )


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
def test_each_sample_definition_can_be_pasted(world: World, sample: object) -> None:
    """Promise: a definition of the library is live in a city as it stands."""
    text = sample.read_text("utf-8")  # type: ignore[attr-defined]
    world.save(with_services(HANGZHOU, text))
    for language in ("zh", "en"):
        path = f"/services/{sample.stem.replace('_', '-')}"  # type: ignore[attr-defined]
        assert world.client("hangzhou.localhost", language).get(path).status_code == 200


def test_the_library_lies_beside_documents_and_is_none() -> None:
    """Promise: ``config`` is applied whole, and its folder of samples is passed over; one that is named is
    told where it belongs."""
    found, problems = read_files([ROOT / "config"])
    assert not problems
    assert not [one for one in found if one.path in SAMPLES]
    _none, [problem] = read_files([SAMPLES[0]])
    assert SAMPLES[0].name in str(problem.message)
