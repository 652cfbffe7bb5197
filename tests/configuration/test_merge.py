"""Merging platform, province and city, with locks."""

from __future__ import annotations

from smartcity_saas.configuration.merge import Ignored, Layer, merge


def merged(*layers: dict[str, object]) -> object:
    names = ("platform", "province:zhejiang", "hangzhou")
    return merge([Layer(name, values) for name, values in zip(names, layers, strict=False)])


def test_mappings_merge_lists_and_texts_replace() -> None:
    """Key by key down the tree; a list or a text in two languages is one value."""
    found = merged(
        {"a": {"x": 1, "y": {"p": 1}}, "l": [1, 2], "t": {"zh": "甲", "en": "A"}},
        {"a": {"y": {"q": 2}}, "l": [3]},
        {"t": {"zh": "乙", "en": "B"}},
    )
    assert found.values == {
        "a": {"x": 1, "y": {"p": 1, "q": 2}},
        "l": [3],
        "t": {"zh": "乙", "en": "B"},
    }
    assert found.origins["a", "x"] == "platform"
    assert found.origins["a", "y", "q"] == "province:zhejiang"
    assert found.origins["t",] == "hangzhou"


def test_another_kind_replaces_the_whole_mapping() -> None:
    """A connector of another kind keeps no key of the old one."""
    found = merged({"c": {"kind": "http", "url": "x"}}, {}, {"c": {"kind": "local"}})
    assert found.values == {"c": {"kind": "local"}}
    same = merged({"c": {"kind": "http", "url": "x"}}, {}, {"c": {"kind": "http", "limit": 1}})
    assert same.values == {"c": {"kind": "http", "url": "x", "limit": 1}}


def test_a_lock_wins_over_what_is_there_already() -> None:
    """A locked subtree comes from the locking layer, and what it overrules is named."""
    found = merged(
        {"services": {"bills": {"state": "open"}}},
        {"services": {"bills": {"state": "closed"}}, "locked": ["services.bills"]},
        {"services": {"bills": {"state": "open"}}, "branding": {"color": "x"}},
    )
    assert found.values["services"] == {"bills": {"state": "closed"}}
    assert found.ignored == (
        Ignored("hangzhou", ("services", "bills", "state"), "province:zhejiang"),
    )
    assert found.values["branding"] == {"color": "x"}


def test_the_platforms_lock_binds_the_province_too() -> None:
    """A lock binds every layer below it."""
    found = merged({"a": {"b": 1}, "locked": ["a.b"]}, {"a": {"b": 2, "c": 3}}, {"a": {"b": 4}})
    assert found.values["a"] == {"b": 1, "c": 3}
    assert {ignored.document for ignored in found.ignored} == {"province:zhejiang", "hangzhou"}


def test_replacing_around_a_lock_is_overruled() -> None:
    """Another kind would throw the locked key away with the rest, so it does not count."""
    found = merged(
        {}, {"c": {"kind": "http", "url": "x"}, "locked": ["c.url"]}, {"c": {"kind": "local"}}
    )
    assert found.values["c"] == {"kind": "http", "url": "x"}
    assert found.ignored[0].document == "hangzhou"


def test_merging_changes_no_layer() -> None:
    """The layers' own values are left as they are."""
    city = {"services": {"bills": {"state": "open", "x": 1}}}
    merged({"locked": ["services.bills.state"]}, {}, city)
    assert city == {"services": {"bills": {"state": "open", "x": 1}}}
