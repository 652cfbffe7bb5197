"""Values that are kept loaded: told apart word for word, and never shared."""

from __future__ import annotations

import json
import operator
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest
from marshmallow import Schema, ValidationError, fields

from smartcity_saas.configuration import kept_nested
from smartcity_saas.configuration.kept_nested import KeptNested
from smartcity_saas.configuration.merge import copied


class Part(Schema):
    word = fields.String(required=True)
    rows = fields.List(fields.Dict())


class Whole(Schema):
    part = KeptNested(Part)


def test_what_one_city_does_to_its_values_is_not_anothers() -> None:
    """Two cities that say the same are given the same, of which nothing can be changed, down to the lists; a
    copy of it can be, and is written as JSON like any other value."""
    said = {"part": {"word": "a", "rows": [{"price": "1.00"}]}}
    schema = Whole()
    one, other = schema.load(said), schema.load(said)
    assert one["part"] is other["part"]
    changes: list[Callable[[], object]] = [
        lambda: one["part"].update(word="b"),
        lambda: one["part"].__setitem__("word", "b"),
        lambda: one["part"].pop("word"),
        lambda: one["part"]["rows"].append({}),
        lambda: one["part"]["rows"].sort(),
        lambda: one["part"]["rows"].__setitem__(0, {}),
        lambda: one["part"]["rows"][0].clear(),
        lambda: operator.ior(one["part"], {"word": "b"}),
        lambda: operator.iadd(one["part"]["rows"], [{}]),
        lambda: operator.delitem(one["part"]["rows"], 0),
    ]
    for change in changes:
        with pytest.raises(TypeError):
            change()
    own = copied(one["part"])
    own["rows"][0]["price"] = "9.00"
    assert (other, schema.load(said)) == (said, said)
    assert json.loads(json.dumps(one)) == said
    assert deepcopy(one) == said


@pytest.mark.parametrize("wrong", [1, True, None, ["a"]])
def test_what_only_looks_the_same_is_loaded_itself(wrong: Any) -> None:
    """A value that loads lets none through that would not; what lacks in a layer lacks in the whole."""
    schema = Whole()
    schema.load({"part": {"word": "1"}})
    schema.load({"part": {}}, partial=True)
    for refused in ({"word": wrong}, {1: "1"}, {}):
        with pytest.raises(ValidationError):
            schema.load({"part": refused})


def test_many_different_values_are_not_all_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten thousand cities that differ cost no more memory than a few."""
    monkeypatch.setattr(kept_nested, "MOST_KEPT", 3)
    schema = Whole()
    for number in range(20):
        assert schema.load({"part": {"word": str(number)}}) == {"part": {"word": str(number)}}
    assert len(schema.fields["part"]._kept) <= 3
