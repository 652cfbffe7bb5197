"""Files and catalogues, as the validators of their own formats read them."""

from __future__ import annotations

import hashlib
import io
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import frictionless
import pyarrow.parquet
import pytest
from pyshacl import validate
from rdflib import DCAT, DCTERMS, Graph, Literal, Namespace, URIRef

from smartcity_saas.audit import system
from smartcity_saas.catalog.datasets import ColumnType
from smartcity_saas.measures import Measure, count
from smartcity_saas.open_data.formats import FORMATS
from smartcity_saas.open_data.publication import installed_datasets, published_datasets
from smartcity_saas.tenancy.announcements import publish
from tests.support.clinic import Clinic
from tests.support.documents import HANGZHOU
from tests.support.world import World

SHAPES = Path(__file__).parent / "dcat-shapes.ttl"
SPDX = Namespace("http://spdx.org/rdf/terms#")
FORMULA = {"zh": "=HYPERLINK(1)", "en": "=HYPERLINK(1)"}
LINES = {"zh": "一行，“引号”\n第二行", "en": 'One line, "quoted"\nand another'}


@pytest.fixture
def published(clinic: Clinic) -> World:
    """A city with rows in every dataset: an announcement that is hard to write, a paused service."""
    world = clinic.world
    with world.inside("hangzhou"):
        publish(system("test"), FORMULA, LINES, LINES, world.clock(), urgent=True)
        for back in (1, 2):
            day = world.clock() - timedelta(days=back)
            count("utility_bills", Measure.DONE, day, value=40 // back**4)
            count("utility_bills", Measure.WAIT, day, detail="5", value=40)
    pause = "{state: paused, notice: {zh: 升级, en: Upgrade}, until: '2099-01-02T08:00'}"
    world.save(f"{HANGZHOU}services: {{traffic_tickets: {pause}}}\n")
    clinic.book("zhang")
    return world


def fetch(world: World, path: str) -> bytes:
    answer = world.client("hangzhou.localhost").get(path)
    assert answer.status_code == 200, answer.text
    return answer.data


def test_the_data_package_and_its_data_are_valid(published: World, tmp_path: Path) -> None:
    """Promise: ``frictionless`` finds no fault with the package, nor with any value of any CSV by
    its declared columns, keys, codes, sizes and hashes."""
    descriptor = json.loads(fetch(published, "/data/datapackage.json"))
    (tmp_path / "datapackage.json").write_text(json.dumps(descriptor), "utf-8")
    for resource in descriptor["resources"]:
        (tmp_path / resource["path"]).write_bytes(fetch(published, f"/data/{resource['path']}"))
    report = frictionless.validate(str(tmp_path / "datapackage.json"))
    assert report.valid, report.flatten(["title", "rowNumber", "fieldName", "message"])
    assert len(report.tasks) == len(installed_datasets())
    sized = {one["name"] for one in descriptor["resources"] if "hash" in one}
    assert {"services", "announcements", "utility-tariffs"} <= sized
    assert sized.isdisjoint({"clinic-places", "clinic-fees"}), "another file each time"


def test_a_value_that_does_not_fit_would_be_found(published: World, tmp_path: Path) -> None:
    """The validator reads the columns that we declare: a wrong code, a lost key, no date."""
    descriptor = json.loads(fetch(published, "/data/datapackage.json"))
    resource = next(one for one in descriptor["resources"] if one["name"] == "clinic-places")
    text = fetch(published, "/data/clinic-places.csv").decode().replace(",am,", ",noon,")
    (tmp_path / "clinic-places.csv").write_text(text, "utf-8")
    found = frictionless.Resource.from_descriptor(resource, basepath=str(tmp_path))
    assert not frictionless.validate(found).valid


def test_the_catalogue_is_dcat(published: World) -> None:
    """Promise: the catalogue is RDF that holds to the shapes of DCAT: publisher, licence, place,
    frequency, columns, and three files of each dataset."""
    graph = Graph().parse(data=fetch(published, "/data/catalog.jsonld"), format="json-ld")
    fits, _report, said = validate(graph, shacl_graph=Graph().parse(SHAPES), meta_shacl=True)
    assert fits, said
    city = published.city("hangzhou")
    assert len(set(graph.subjects(None, DCAT.Dataset))) == len(published_datasets(city))
    assert (None, DCTERMS.identifier, Literal("330100")) in graph
    assert (None, DCTERMS.license, URIRef("https://creativecommons.org/licenses/by/4.0/")) in graph


@pytest.mark.parametrize(
    "lost", [DCTERMS.license, DCTERMS.publisher, DCAT.accessURL, SPDX.checksumValue], ids=str
)
def test_a_catalogue_that_lacks_something_would_be_found(published: World, lost: URIRef) -> None:
    """The shapes notice what is gone."""
    graph = Graph().parse(data=fetch(published, "/data/catalog.jsonld"), format="json-ld")
    graph.remove((None, lost, None))
    fits, _report, _said = validate(graph, shacl_graph=Graph().parse(SHAPES))
    assert not fits


def test_sizes_and_checksums_are_those_of_the_files(published: World) -> None:
    """Promise: what the catalogue says of a file is true of the file at that address."""
    graph = Graph().parse(data=fetch(published, "/data/catalog.jsonld"), format="json-ld")
    sized = 0
    for file, size in graph.subject_objects(DCAT.byteSize):
        address = str(graph.value(file, DCAT.downloadURL))
        body = fetch(published, address.removeprefix("http://hangzhou.localhost"))
        checksum = graph.value(graph.value(file, SPDX.checksum), SPDX.checksumValue)
        assert (int(str(size)), str(checksum)) == (len(body), hashlib.sha256(body).hexdigest())
        sized += 1
    assert sized >= 3 * len(FORMATS)


def test_every_address_of_the_catalogue_answers(published: World) -> None:
    """Promise: pages, files and schemas are where the catalogue says."""
    graph = Graph().parse(data=fetch(published, "/data/catalog.jsonld"), format="json-ld")
    own = {
        str(one).partition("#")[0]
        for predicate in (DCAT.downloadURL, DCAT.landingPage, DCTERMS.conformsTo)
        for one in graph.objects(None, predicate)
        if str(one).startswith("http://hangzhou.localhost/")
    }
    assert len(own) >= 5 * len(published_datasets(published.city("hangzhou")))
    for address in own:
        assert fetch(published, address.removeprefix("http://hangzhou.localhost"))


def test_the_three_formats_say_the_same(published: World) -> None:
    """Promise: JSON and Parquet have the rows of the CSV, each value of its declared type, with the
    meaning of every column in the Parquet's own metadata."""
    for dataset in published_datasets(published.city("hangzhou")):
        records = json.loads(fetch(published, f"/data/{dataset.path}.json"))["records"]
        table = pyarrow.parquet.read_table(
            io.BytesIO(fetch(published, f"/data/{dataset.path}.parquet"))
        )
        lines = fetch(published, f"/data/{dataset.path}.csv").decode("utf-8-sig")
        assert lines.splitlines()[0] == ",".join(column.name for column in dataset.columns)
        assert table.num_rows == len(records) > 0, dataset.name
        for column in dataset.columns:
            field = table.schema.field(column.name)
            assert field.metadata[b"title_zh"].decode() == column.title["zh"]
            assert field.nullable == column.empty
            values = table.column(column.name).to_pylist()
            told = [record[column.name] for record in records]
            assert [plain(value, column.type) for value in values] == told, column.name
        assert b"creativecommons.org" in table.schema.metadata[b"licence"]


def plain(value: Any, kind: ColumnType) -> Any:
    """A value of a Parquet as JSON has it."""
    if value is None:
        return None
    if kind is ColumnType.MOMENT:
        return value.isoformat().replace("+00:00", "Z")
    if kind is ColumnType.DATE:
        return value.isoformat()
    return float(value) if kind is ColumnType.DECIMAL else value
