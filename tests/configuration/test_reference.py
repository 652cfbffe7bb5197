"""The reference and the JSON Schemas come from the schemas, and say what those say."""

from __future__ import annotations

from pathlib import Path

import jsonschema
import pytest
from ruamel.yaml import YAML

from smartcity_saas.configuration.reference import every_key, json_schema, markdown
from tests.support.documents import installed
from tests.support.paths import ROOT

EXTENSIONS = installed()


def test_the_reference_is_not_stale() -> None:
    """docs/configuration.md is what the schemas say today."""
    assert (ROOT / "docs/configuration.md").read_text("utf-8") == markdown(EXTENSIONS), (
        "run: smartcity schema --markdown > docs/configuration.md"
    )


def test_every_key_is_documented() -> None:
    """A key without a description does not get in."""
    text = markdown(EXTENSIONS)
    undescribed = [
        line for line in text.splitlines() if line.startswith("| `") and line.endswith("|  |")
    ]
    assert undescribed == []
    assert every_key(EXTENSIONS) >= {"city", "services.utility_bills.state", "locked"}


@pytest.mark.parametrize("path", sorted((ROOT / "tenants").glob("*.yaml")), ids=lambda p: p.stem)
def test_shipped_cities_fit_the_json_schema(path: Path) -> None:
    """What an editor is told agrees with what the product takes."""
    schema = json_schema("city", EXTENSIONS)
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(YAML(typ="safe", pure=True).load(path.read_text("utf-8")), schema)
