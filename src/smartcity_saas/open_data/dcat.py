"""The catalogue of a city's datasets in DCAT, as JSON-LD.

Classes and properties by the vocabulary of DCAT version 3 (W3C) and, for what must be there, the
shapes of DCAT-AP 3.0; frequencies by the Dublin Core Collection Description Frequency Vocabulary,
checksums by SPDX.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from smartcity_saas.catalog.datasets import Dataset
from smartcity_saas.configuration.city import City, Localized
from smartcity_saas.open_data.formats import FORMATS, DataFile, Format

CONTEXT = {
    "dcat": "http://www.w3.org/ns/dcat#",
    "dcterms": "http://purl.org/dc/terms/",
    "foaf": "http://xmlns.com/foaf/0.1/",
    "skos": "http://www.w3.org/2004/02/skos/core#",
    "spdx": "http://spdx.org/rdf/terms#",
    "vcard": "http://www.w3.org/2006/vcard/ns#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}
FREQUENCIES = "http://purl.org/cld/freq/"
MEDIA_TYPES = "https://www.iana.org/assignments/media-types/"
LANGUAGES = ("http://id.loc.gov/vocabulary/iso639-1/zh", "http://id.loc.gov/vocabulary/iso639-1/en")
TABLE_SCHEMA = "https://specs.frictionlessdata.io/table-schema/"


@dataclass(frozen=True)
class CatalogedDataset:
    """A dataset with its files by their endings (none where they are others each time), when it
    last changed, and the days that its files have, where it is by day."""

    dataset: Dataset
    files: Mapping[str, DataFile]
    changed: datetime | None
    days: tuple[date, date]


def catalogue(city: City, site: str, datasets: Iterable[CatalogedDataset]) -> dict[str, Any]:
    """The catalogue as an object for JSON.

    Args:
        city: Whose datasets they are.
        site: The address of the city's site, without a slash at its end.
        datasets: What it gives away.
    """
    page = f"{site}/data"
    name = city.site.get("operator") or city.name
    publisher = {"@id": f"{site}/#publisher", "@type": "foaf:Agent", "foaf:name": _texts(name)}
    described = [_dataset(city, page, one) for one in datasets]
    return {
        "@context": CONTEXT,
        "@id": f"{page}/catalog.jsonld#catalog",
        "@type": "dcat:Catalog",
        "dcterms:title": _texts(
            {"zh": f"{city.name['zh']}公开数据", "en": f"{city.name['en']}: open data"}
        ),
        "dcterms:description": _texts(
            {
                "zh": f"{city.name['zh']}城市服务公开的数据。",
                "en": f"The data that the city services of {city.name['en']} give away.",
            }
        ),
        "dcterms:publisher": publisher,
        "dcterms:license": _licence(city),
        "dcterms:language": [_is(one, "dcterms:LinguisticSystem") for one in LANGUAGES],
        "dcterms:spatial": _place(city),
        "foaf:homepage": _is(page, "foaf:Document"),
        "dcat:dataset": [
            made | {"dcterms:publisher": {"@id": publisher["@id"]}} for made in described
        ],
    }


def _dataset(city: City, page: str, found: CatalogedDataset) -> dict[str, Any]:
    dataset = found.dataset
    address = f"{page}/{dataset.path}"
    made: dict[str, Any] = {
        "@id": f"{address}#dataset",
        "@type": "dcat:Dataset",
        "dcterms:identifier": f"{city.slug}/{dataset.path}",
        "dcterms:title": _texts(dataset.title),
        "dcterms:description": _texts(dataset.description),
        "dcterms:license": {"@id": city.data_licence.url},
        "dcterms:accrualPeriodicity": _is(
            f"{FREQUENCIES}{dataset.frequency.value}", "dcterms:Frequency"
        ),
        "dcterms:spatial": _place(city),
        "dcterms:conformsTo": _is(f"{address}.schema.json", "dcterms:Standard"),
        "dcat:landingPage": _is(address, "foaf:Document"),
        "dcat:contactPoint": {
            "@type": "vcard:Organization",
            "vcard:fn": _texts(city.name),
            "vcard:hasTelephone": {"@id": f"tel:{city.site['hotline'].replace(' ', '')}"},
        },
        "dcat:distribution": [
            _distribution(city, address, dataset, one, found.files.get(one.ending))
            for one in FORMATS.values()
        ],
    }
    if found.changed is not None:
        made["dcterms:modified"] = _typed(
            "dateTime", found.changed.astimezone(UTC).isoformat(timespec="seconds")
        )
    if dataset.by_day:
        since, until = (_typed("date", day.isoformat()) for day in found.days)
        made["dcterms:temporal"] = {
            "@type": "dcterms:PeriodOfTime",
            "dcat:startDate": since,
            "dcat:endDate": until,
        }
        made["dcat:temporalResolution"] = _typed("duration", "P1D")
    return made


def _distribution(
    city: City, address: str, dataset: Dataset, form: Format, file: DataFile | None
) -> dict[str, Any]:
    url = f"{address}.{form.ending}"
    made = {
        "@id": f"{address}#{form.ending}",
        "@type": "dcat:Distribution",
        "dcterms:title": _texts(
            {language: f"{text} ({form.name})" for language, text in dataset.title.items()}
        ),
        "dcat:accessURL": {"@id": url},
        "dcat:downloadURL": {"@id": url},
        "dcat:mediaType": _is(f"{MEDIA_TYPES}{form.media_type}", "dcterms:MediaType"),
        "dcterms:license": {"@id": city.data_licence.url},
    }
    if form.ending == "csv":
        made["dcterms:conformsTo"] = _is(TABLE_SCHEMA, "dcterms:Standard")
    if file is not None:
        made["dcat:byteSize"] = _typed("nonNegativeInteger", str(len(file.body)))
        made["spdx:checksum"] = {
            "@type": "spdx:Checksum",
            "spdx:algorithm": _is(
                "http://spdx.org/rdf/terms#checksumAlgorithm_sha256", "spdx:ChecksumAlgorithm"
            ),
            "spdx:checksumValue": _typed("hexBinary", file.sha256),
        }
    return made


def _place(city: City) -> dict[str, Any]:
    """The city as a place, by its division code (GB/T 2260)."""
    return {
        "@id": f"urn:gbt2260:{city.division_code}",
        "@type": "dcterms:Location",
        "dcterms:identifier": city.division_code,
        "skos:prefLabel": _texts(city.name),
    }


def _licence(city: City) -> dict[str, Any]:
    found = city.data_licence
    return {
        "@id": found.url,
        "@type": "dcterms:LicenseDocument",
        "dcterms:identifier": found.id,
        "dcterms:title": {"@value": found.name, "@language": "en"},
    }


def _texts(text: Localized) -> list[dict[str, str]]:
    return [{"@value": text[one], "@language": one} for one in ("zh", "en")]


def _is(address: str, kind: str) -> dict[str, str]:
    return {"@id": address, "@type": kind}


def _typed(kind: str, value: str) -> dict[str, str]:
    return {"@value": value, "@type": f"xsd:{kind}"}
