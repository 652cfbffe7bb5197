"""Validation: every fault at once, each with its place and what to do; locks; secrets; all cities together."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import ValidationError, fields

from smartcity_saas.configuration.fields import no_control_characters
from smartcity_saas.configuration.schema import document_schema
from smartcity_saas.configuration.schema_problems import schema_problems
from smartcity_saas.configuration.secrets import names_secret
from smartcity_saas.configuration.yaml_edit import write
from tests.support.documents import (
    HANGZHOU,
    NINGBO,
    PLATFORM,
    SHANGHAI,
    SHANGHAI_PROVINCE,
    ZHEJIANG,
)
from tests.support.validation import BASE, EXTENSIONS, check, said

KEYS = (
    "city",
    "province",
    "division_code",
    "name",
    "state",
    "hosts",
    "branding",
    "color",
    "logo",
    "site",
    "services",
    "utility_bills",
    "settings",
    "suppliers",
    "water",
    "number",
    "tiers",
    "notice",
    "locked",
    "channels",
    "payments",
    "connector",
    "kind",
    "x",
)


def test_the_tests_own_world_has_no_fault() -> None:
    """A plain city of five lines is complete: the rest comes from the baselines."""
    assert check(PLATFORM, ZHEJIANG, SHANGHAI_PROVINCE, HANGZHOU, NINGBO, SHANGHAI, live=()) == []


def test_every_fault_is_told_at_once_with_its_place() -> None:
    """Unknown keys with a suggestion, wrong kinds of value, bad colours: one reading."""
    text = HANGZHOU.replace("branding:", "brandng:").replace("state: live", "state: alive")
    text += "services: {utility_bils: {state: open}, utility_bills: {state: no}}\nsite: {hotline: 12345}\n"
    found = {p.pointer: p for p in check(text)}
    assert found["/brandng"].line == 8
    assert found["/brandng"].column == 1
    assert "branding" in str(found["/brandng"].hint)
    assert (found["/state"].line, found["/state"].column) == (6, 8)
    assert "draft, live, suspended" in str(found["/state"].message)
    assert "utility_bills" in str(found["/services/utility_bils"].hint)
    assert found["/services/utility_bills/state"].line == 10
    assert "quotes" in str(found["/site/hotline"].message)


def test_an_unreadable_colour_is_refused_with_the_nearest_that_work() -> None:
    """Neither white nor dark text reads on the narrow middle band; two shades are offered."""
    message = said(HANGZHOU.replace("#0b6e4f", "#7a7a7a"))
    assert message.count("#") >= 2
    assert "darker" in message
    assert "paler" in message


SECRETS = [
    "payments: {provider: stripe, secret_key: hunter2hunter2}\n",
    "site: {operator: {zh: sk_live_abcdefgh1234, en: x}}\n",
    "channels: {oidc: {client_secret: hunter2hunter2}}\n",
    "api_token: hunter2hunter2\n",
    "hosts: [https://user:hunter2hunter2@x.example]\n",
    'site: {icp: "-----BEGIN PRIVATE KEY----- hunter2hunter2"}\n',
]


@pytest.mark.parametrize("line", SECRETS)
def test_a_literal_secret_is_refused_and_never_repeated(line: str) -> None:
    """Whatever key it stands under: refused, with the way to name it, without its value."""
    message = said(HANGZHOU.replace("hosts: [city.hangzhou.example]\n", "") + line)
    assert "This contains a secret." in message
    assert "credential" in message
    assert "hunter2" not in message
    assert "sk_live" not in message


def test_a_named_credential_is_no_secret() -> None:
    """``{credential: name}`` is the way to refer to one."""
    text = HANGZHOU + "payments: {provider: stripe, secret_key: {credential: stripe_secret_key}}\n"
    assert "A secret" not in said(text)


def test_a_locked_value_is_refused_and_names_the_lock() -> None:
    """Adding below a lock is refused; a value that was there before blocks no other edit."""
    locked = ZHEJIANG + "locked: [branding.color, site.hotline]\n"
    live = (PLATFORM, locked)
    assert "branding.color” is locked by province:zhejiang" in said(HANGZHOU, live=live)
    assert check(HANGZHOU + "site: {}\n", live=(*live, HANGZHOU)) == []
    changed = HANGZHOU.replace("#0b6e4f", "#123456")
    assert "locked by province:zhejiang" in said(changed, live=(*live, HANGZHOU))
    assert check(NINGBO, live=live) == []


def test_a_lock_on_nothing_is_refused() -> None:
    """A misspelled lock would protect nothing."""
    assert "You cannot lock “brandin.color”: it does not exist." in said(
        ZHEJIANG + "locked: [brandin.color]\n"
    )


@pytest.mark.parametrize("path", ["state", "name", "name.zh", "division_code"])
def test_what_each_city_says_for_itself_cannot_be_locked(path: str) -> None:
    """Promise: a lock is refused that would keep any city from being made, with what to do, also
    where no city stands beneath yet that it would break."""
    message = said(ZHEJIANG + f"locked: [{path}]\n")
    assert f"“{path}” is each city's own and cannot be locked." in message
    assert "Take it out of the list" in message


def test_a_baseline_that_would_break_a_city_names_it() -> None:
    """The province's revision is refused, and the message says which cities and why."""
    paused = ZHEJIANG + "services: {utility_bills: {state: paused}}\n"
    message = said(paused, live=(*BASE, HANGZHOU, NINGBO, SHANGHAI))
    assert "This would break hangzhou, ningbo" in message
    assert "notice" in message
    assert "shanghai" not in message.replace("shanghai:", "")


def test_a_paused_service_says_why() -> None:
    """``paused`` without a notice is refused where it stands."""
    found = check(NINGBO + "services: {utility_bills: {state: paused}}\n")
    assert [p.pointer for p in found] == ["/services/utility_bills/notice"]


OVER_ALL_CITIES = {
    "the same host": ("hosts: [CITY.hangzhou.example.]", "is already used by hangzhou"),
    "full-width letters": ("hosts: [ｃｉｔｙ.hangzhou.example]", "host name"),
    "zero-width joiner": ('hosts: ["ci\\u200dty.hangzhou.example"]', "invisible character"),
    "a port": ('hosts: ["city.example:8000"]', "without a port"),
    "an address": ("hosts: [127.0.0.1]", "host name"),
    "a wildcard": ('hosts: ["*.city.cn"]', "“*.city.cn” is a wildcard. Write each host by itself."),
    "no room for its record": (
        f"hosts: [{'a' * 60}.{'b' * 60}.{'c' * 60}.{'d' * 47}.cn]",
        "at most 232",
    ),
    "the console": ("hosts: [console.localhost]", "is the platform's own address"),
    "another city's own": ("hosts: [shanghai.localhost]", "is the platform's own address"),
}


@pytest.mark.parametrize("name", OVER_ALL_CITIES)
def test_hosts_are_unique_after_folding(name: str) -> None:
    """Case, a trailing dot and IDNA are folded before hosts are compared or refused."""
    line, message = OVER_ALL_CITIES[name]
    assert message in said(NINGBO + line + "\n", live=(*BASE, HANGZHOU))


def test_several_cities_may_name_a_host_that_one_of_them_has_to_prove() -> None:
    """Nobody is kept from the own host by whoever has named it first, without owning it."""
    named = "hosts: [www.city.cn]\n"
    others = HANGZHOU.replace("hosts: [city.hangzhou.example]\n", named)
    assert check(NINGBO + named, live=(*BASE, others)) == []
    assert check(others, NINGBO + named) == []


def test_two_cities_in_one_change_do_not_share_a_host() -> None:
    """The check covers what is given together, not only what is live."""
    assert "is already used by hangzhou" in said(
        HANGZHOU, NINGBO + "hosts: [city.hangzhou.example]\n"
    )


@pytest.mark.parametrize(
    "slug", ["console", "www", "api", "a", "-x", "x--y", "Hangzhou", "x_y", "x.y"]
)
def test_odd_and_reserved_slugs_are_refused(slug: str) -> None:
    """A slug is a label of a host, and not one that the platform uses."""
    assert "cannot be used in a web address" in said(NINGBO.replace("ningbo", slug))


def test_codes_belong_to_one_city_in_its_province() -> None:
    """A division code is used once, and starts as its province's does."""
    assert "is already the code of hangzhou" in said(
        NINGBO.replace("330200", "330100"), live=(*BASE, HANGZHOU)
    )
    assert "is not in zhejiang" in said(NINGBO.replace("330200", "449900"))


def test_the_file_is_named_after_the_city() -> None:
    """A renamed file is noticed before it makes a second city."""
    assert "is named hangzou" in said(HANGZHOU, path="tenants/hangzou.yaml")
    assert check(HANGZHOU, path="tenants/hangzhou.yaml") == []


def test_a_city_is_never_draft_again() -> None:
    """Once live it can be suspended; residents keep what they have."""
    draft = HANGZHOU.replace("state: live", "state: draft")
    assert "cannot go back to draft" in said(draft, live=(*BASE, HANGZHOU), went_live="hangzhou")
    assert check(HANGZHOU.replace("state: live", "state: suspended"), went_live="hangzhou") == []


def test_an_unknown_province_says_what_to_apply() -> None:
    """A city without its baseline is told which file is missing."""
    assert "config/provinces/zhejiang.yaml" in said(HANGZHOU, live=(PLATFORM,))


def test_a_missing_logo_is_told() -> None:
    """A picture that is not there is refused before the site lacks it."""
    text = SHANGHAI.replace('"#4b3a9b"', '"#4b3a9b", logo: shanghai/logo.svg')
    assert "There is no picture" in said(text)


def test_references_are_checked_beside_a_misspelling() -> None:
    """One reading tells the unknown key, the unknown province and the missing notice."""
    text = NINGBO.replace("zhejiang", "zhejang") + "brandin: {}\n"
    pointers = {found.pointer for found in check(text)}
    assert {"/brandin", "/province"} <= pointers
    paused = NINGBO + "brandin: {}\nservices: {utility_bills: {state: paused}}\n"
    assert {"/brandin", "/services/utility_bills/notice"} <= {p.pointer for p in check(paused)}


LETTERS = st.characters(blacklist_categories=("Cs", "Cc", "Co", "Cn"))
ODD = st.recursive(
    st.one_of(st.booleans(), st.integers(-999, 999), st.text(LETTERS, max_size=5)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=2), st.dictionaries(st.sampled_from(KEYS), inner, max_size=2)
    ),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from(KEYS), ODD, max_size=5), st.booleans())
def test_any_document_is_checked_without_a_fault_of_ours(
    values: dict[str, Any], city: bool
) -> None:
    """Whatever stands where: problems are told, nothing breaks."""
    text = write({**({"city": "ningbo"} if city else {"province": "zhejiang"}), **values})
    check(text)
    check(ZHEJIANG, text if city else NINGBO)


def city_of(slug: str, code: str, province: str = "zhejiang") -> str:
    return (
        f'city: {slug}\nprovince: {province}\ndivision_code: "{code}"\n'
        "name: {zh: 某市, en: Place}\nstate: draft\n"
    )


@pytest.mark.parametrize(
    "slug, code, told",
    [
        ("huzhou", "330600", "330600 is not the code of huzhou"),
        ("huzhou", "330599", "330599 is not the code of huzhou"),
        ("huzou", "330500", "slug is huzhou, not “huzou”"),
        ("huzhou", "330500", ""),
        ("yiwu", "330782", ""),
        ("hefei", "340100", "another province"),
    ],
)
def test_a_citys_slug_and_code_agree_with_the_official_list(
    slug: str, code: str, told: str
) -> None:
    """A slug or a code that the list knows (GB/T 2260) brings the other with it; what the list
    does not know is the writer's own."""
    found = said(city_of(slug, code), path="live")
    assert (told in found) if told else not found


def test_what_was_live_before_the_list_was_asked_can_still_be_changed() -> None:
    """A city that went live under another's code is not locked: its state can change, its code
    be corrected, and only to the right one."""
    wrong = city_of("huzhou", "330600")
    live = (*BASE, wrong)
    assert not said(wrong.replace("draft", "suspended"), live=live, path="live")
    assert not said(city_of("huzhou", "330500"), live=live, path="live")
    assert "330700 is not the code" in said(city_of("huzhou", "330700"), live=live, path="live")


@pytest.mark.parametrize(
    "slug, code, told",
    [
        ("guangdong", "999999", "999999 is not the code of guangdong"),
        ("guandong", "440000", "slug is guangdong, not “guandong”"),
        ("guandong", "449900", "slug is guangdong"),
        ("guangdong", "440000", ""),
        ("guangdong", "", ""),
        ("taiwan", "710000", ""),
    ],
)
def test_a_provinces_slug_and_code_agree_with_the_official_list(
    slug: str, code: str, told: str
) -> None:
    """A wrong baseline would stand in the way of every city beneath it."""
    text = f"province: {slug}\nname: {{zh: 某省, en: Some}}\n"
    text += f'division_code: "{code}"\n' if code else ""
    found = said(text, path="live")
    assert (told in found) if told else not found


def test_a_provinces_code_is_corrected_while_its_cities_allow_it() -> None:
    """A wrong code can be put right where no city stands beneath it, or where all do within the
    right one; otherwise the cities that lie outside are named."""
    base = "province: island\nname: {zh: 岛, en: Island}\n"
    city = city_of("port", "710100", "island")
    wrong, right = base + 'division_code: "990000"\n', base + 'division_code: "710000"\n'
    assert not said(right, live=(PLATFORM, wrong), path="live")
    assert not said(right, live=(PLATFORM, wrong, city), path="live")
    assert "port would be outside" in said(wrong, live=(PLATFORM, right, city), path="live")
    assert "port would be outside" in said(base, live=(PLATFORM, right, city), path="live")


def test_every_fault_quotes_what_was_written() -> None:
    """A wrong key, a wrong value of each kind, in text and in JSON; what is secret, or is no one
    value, is not repeated."""
    text = (
        HANGZHOU.replace("state: live", "sate: live\nstate: alive")
        .replace('"#0b6e4f"', "red")
        .replace("city.hangzhou.example", "https://x.example/")
        + "site: {hotline: 12345, currency: YUAN, timezone: Mars, icp: true}\n"
        + "services: {utility_bills: {state: open, until: tomorrow, settings: {kinds: [steam]}}}\n"
        + "channels: {phone: {state: of}}\n"
    )
    found = {problem.pointer: problem.as_dict() for problem in check(text, path="live")}
    assert found["/sate"]["message"] == "You cannot use the key “sate” here."
    assert found["/sate"]["hint"] == "Did you mean “state”?"
    for pointer, written in {
        "/state": "alive",
        "/branding/color": "red",
        "/hosts/0": "https://x.example/",
        "/site/hotline": "12345",
        "/site/currency": "YUAN",
        "/site/timezone": "Mars",
        "/site/icp": "true",
        "/services/utility_bills/until": "tomorrow",
        "/services/utility_bills/settings/kinds/0": "steam",
        "/channels/phone/state": "of",
    }.items():
        assert f"“{written}”" in found[pointer]["message"], pointer


def wrong_scalars(schema: Any, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """The path of every single value that a schema knows, mappings' and lists' own ones too."""
    found: list[tuple[str, ...]] = []
    for name, field in schema.fields.items():
        if isinstance(field, fields.Nested):
            found += wrong_scalars(field.schema, (*path, name))
        found.append((*path, name))
    return found


def test_every_field_of_a_document_quotes_a_wrong_value() -> None:
    """Whatever a service, a channel or a provider adds to documents: the message of a value that
    cannot be repeats it."""
    schema = document_schema("city", EXTENSIONS)
    for path in wrong_scalars(schema):
        if any(names_secret(step) for step in path):
            continue
        values: Any = -123456789.5
        for step in reversed(path):
            values = {step: values}
        found = [message for at, message, _hint in schema_problems(schema, values) if at == path]
        assert all("-123456789.5" in str(message) for message in found), (path, found)


@pytest.mark.parametrize(
    "host, told",
    [
        ("xn--0.example", "IDNA"),
        ("xn--6rtr6s.example", ""),
        ("xn--99999999.example", "IDNA"),
        ("ab--cd.example", "IDNA"),
        ("xn--hngzhou-4fg.example", "mixes"),
        ("h\u0430ngzhou.example", "mixes"),
        ("city.h\u0430ngzhou.example", "mixes"),
        ("杭州\u0431.example", "mixes"),
        ("α\u0431.example", "mixes"),
        ("杭州.example", ""),
        ("city杭州12.example", ""),
        ("ひらカナ漢字.example", ""),
        ("서울seoul.example", ""),
        ("москва.example", ""),
        ("ئۈرۈمچى.example", ""),
    ],
)
def test_hosts_that_read_as_another_are_refused(host: str, told: str) -> None:
    """Scripts within a label by UTS 39, highly restrictive; Punycode that IDNA cannot have made.
    Latin may stand beside Chinese, and each label is its own."""
    found = said(HANGZHOU.replace("city.hangzhou.example", host), path="live")
    assert (told in found) if told else not found


def test_a_host_that_is_live_stays() -> None:
    """What was taken before the rule is not lost, so that a city can still be changed."""
    text = HANGZHOU.replace("city.hangzhou.example", "h\u0430ngzhou.example")
    live = (*BASE, text)
    assert "mixes" not in said(text.replace("live", "suspended"), live=live, path="live")


@pytest.mark.parametrize(
    "line",
    [
        'division_code: "330200{}"',
        'hosts: ["a.ningbo.example{}"]',
        'branding: {{color: "#0b6e4f{}"}}',
        'site: {{currency: "CNY{}"}}',
        'site: {{timezone: "Asia/Shanghai{}"}}',
        'site: {{hotline: "12345{}"}}',
        'branding: {{logo: "ningbo/logo.svg{}"}}',
    ],
)
@pytest.mark.parametrize("around", ["\\n", " ", "\\r\\n", "\\u00a0"])
def test_nothing_stands_around_what_programs_read(line: str, around: str) -> None:
    """A code, a host, a colour with a line's end behind it would be stored with it; it is refused
    wherever the document is checked."""
    text = "city: ningbo\nprovince: zhejiang\nname: {zh: 宁波市, en: Ningbo}\nstate: live\n"
    if "division_code" not in line:
        text += 'division_code: "330200"\n'
    assert "space or line break" in said(text + line.format(around) + "\n")


@pytest.mark.parametrize("character", ["\ufffe", "\uffff", "\U0001fffe", "\ufdd0", "\u3164"])
def test_what_never_shows_is_no_text(character: str) -> None:
    """Noncharacters of every plane and letters that are blank by design are refused by their code,
    wherever people write a line; what the next Unicode may name is taken."""
    told = f"U+{ord(character):04X}"
    assert told in said(NINGBO.replace("en: Ningbo", f'en: "Ningbo\\U{ord(character):08x}"'))
    with pytest.raises(ValidationError, match=told.replace("+", "\\+")):
        no_control_characters(character)
    assert no_control_characters("\U0003fffd") == "\U0003fffd"
