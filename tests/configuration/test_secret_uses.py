"""A secret serves the uses that it was entered for, whoever edits a document and by whichever way."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from smartcity_saas.audit import system
from smartcity_saas.cli.documents import apply, rollback
from smartcity_saas.cli.keys import secrets
from smartcity_saas.configuration import validation
from smartcity_saas.configuration.document_files import read_files
from smartcity_saas.configuration.file_plan import plan
from smartcity_saas.configuration.merge import get
from smartcity_saas.configuration.problems import MovedSecret, path_of
from smartcity_saas.configuration.schema import document_schema
from smartcity_saas.configuration.secret_uses import SecretUse, secret_places, secret_uses
from smartcity_saas.configuration.validation import Candidate, Check, Known
from smartcity_saas.configuration.yaml_edit import write
from smartcity_saas.configuration.yaml_source import parse
from smartcity_saas.credentials import (
    CredentialError,
    read_credential,
    read_province_secret,
    store_credential,
    store_province_secret,
    usable_secrets,
)
from smartcity_saas.errors import Invalid, NotAllowed
from smartcity_saas.identity.staff.single_sign_on import SingleSignOnSettings
from smartcity_saas.sandboxes.channels.state import public_key
from smartcity_saas.tenancy.file_apply import apply_plan
from tests.support.documents import HANGZHOU, NINGBO, PLATFORM, ZHEJIANG, installed
from tests.support.world import World

EXTENSIONS = installed()
SCHEMA = document_schema("city", EXTENSIONS)
OF_FHIR = "services.hospital_appointments.connector.client_secret"
"""The one place that no document has beside the others: a connector is ``http`` or ``fhir``."""
PLACES = sorted(set(secret_places(SCHEMA)) - {OF_FHIR})
"""Every place of a city's document that takes a secret, those of installed services too."""
ABOVE = {"platform": parse(PLATFORM, "").values, "province:zhejiang": parse(ZHEJIANG, "").values}
"""What is live above the city."""
PLAIN = parse(NINGBO, "ningbo").values
OFFICE = {"kind": "http", "base_url": "https://office.example/api"}
PARTS: dict[str, Any] = {
    "services": {
        name: {"connector": dict(OFFICE)}
        for name, found in EXTENSIONS.services.items()
        if "http" in found.connectors
    },
    "payments": {"provider": "stripe", "methods": ["card"]},
    "channels": {
        "oidc": {"issuer": "https://id.example", "client_id": "x"},
        "alipay": {"app_id": "2021", "alipay_public_key": public_key()},
        "wechat": {"app_id": "wx1", "website": {"app_id": "wx2"}},
        "weibo": {"client_id": "1"},
        "taobao": {"client_id": "2"},
        "baidu": {"client_id": "3"},
    },
    "messages": {
        "mail": {"provider": "smtp", "host": "mail.example", "sender": "a@b.example"},
        "sms": {"provider": "http", "url": "https://sms.example/send"},
    },
}
ADDRESSES = {
    "channels.oidc.issuer": "https://evil.example",
    "services.utility_bills.connector.base_url": "https://evil.example/api",
    "services.traffic_tickets.connector.base_url": "https://office.example/other",
    "services.hospital_appointments.connector.base_url": "https://office.example:8443/api",
    "messages.sms.url": "https://evil.example/send",
    "messages.mail.host": "evil.example",
    "messages.mail.port": 2525,
    "messages.mail.security": "none",
}
"""Every value that decides where a secret goes, with another one."""


def named(**names: str) -> dict[str, Any]:
    """A city's document in which every place names a secret of its own, but those given by place
    (``__`` for a dot)."""
    values = copy.deepcopy({**PLAIN, **PARTS})
    given = {key.replace("__", "."): name for key, name in names.items()}
    for place in PLACES:
        put(values, place, {"credential": given.get(place, own_name(place))})
    return values


def own_name(place: str) -> str:
    return f"secret_{PLACES.index(place)}"


def put(values: dict[str, Any], place: str, value: Any) -> dict[str, Any]:
    *above, last = place.split(".")
    for step in above:
        values = values.setdefault(step, {})
    values[last] = value
    return values


def found_by(values: dict[str, Any], before: dict[str, Any], stored: Any) -> list[Any]:
    """The problems of a revision of Ningbo's, given what was live and what is stored."""
    known = Known({**ABOVE, "ningbo": before}, bound=lambda name: stored)
    candidate = Candidate(parse(write(values), "ningbo"))
    return Check([candidate], known, EXTENSIONS, "localhost").run()


def bound(use: SecretUse) -> dict[str, set[tuple[str, str]]]:
    return {use.name: {(use.path, use.destination)}}


def uses(values: dict[str, Any]) -> dict[str, SecretUse]:
    """The uses of a document by their place."""
    return {use.path: use for use in secret_uses(SCHEMA, values)}


def test_every_place_is_in_the_table() -> None:
    """The document of these tests names a secret wherever one can be named, and is whole."""
    assert sorted(uses(named())) == PLACES
    assert found_by(named(), named(), {}) == []
    assert len(PLACES) > 10


@pytest.mark.parametrize("owner", PLACES)
def test_a_secret_moves_to_no_other_place(owner: str) -> None:
    """From every place to every other: refused where it is stored, and said where it would go;
    a name that nothing is stored under may be named anywhere but across payments."""
    before = named()
    use = uses(before)[owner]
    for place in (one for one in PLACES if one != owner):
        after = named(**{place.replace(".", "__"): use.name, owner.replace(".", "__"): "spare"})
        problems = found_by(after, before, bound(use))
        assert [(p.secret, p.pointer) for p in problems if isinstance(p, MovedSecret)] == [
            (use.name, "/" + place.replace(".", "/"))
        ]
        assert owner in str(problems[0].message)
        assert place in str(problems[0].message)
        assert found_by(after, before, {}) == []


@pytest.mark.parametrize("owner, place", list(permutations(PLACES, 2)))
def test_payment_secrets_serve_payments_alone(owner: str, place: str) -> None:
    """One name for a payment account and anything else is refused, stored or not."""
    after = named(**{place.replace(".", "__"): own_name(owner)})
    crosses = owner.startswith("payments.") != place.startswith("payments.")
    assert bool(found_by(after, named(), {})) == crosses


@pytest.mark.parametrize("leaf, value", ADDRESSES.items())
def test_a_secret_goes_to_no_other_address(leaf: str, value: Any) -> None:
    """Another host, issuer, gateway, base address, port or less encryption under the same secret is
    refused; the same address in another spelling, and every other setting, is not."""
    before, after = named(), named()
    put(after, leaf, value)
    moved = [use for use in uses(after).values() if use not in uses(before).values()]
    assert len(moved) == 1
    stored = bound(uses(before)[moved[0].path])
    assert any(isinstance(p, MovedSecret) for p in found_by(after, before, stored))
    assert found_by(after, before, {}) == []


def test_every_address_beside_a_secret_is_in_the_table() -> None:
    """Whatever a schema declares as the way of a secret, another value of it is tried above."""
    for leaf in ADDRESSES:
        parent, key = path_of(leaf)[:-1], leaf.rpartition(".")[2]
        assert any(place.startswith(".".join(map(str, parent)) + ".") for place in PLACES), key
    declared = {use.path: use.destination for use in uses(named()).values()}
    silent = {place for place, said in declared.items() if "." not in said}
    assert silent == {p for p in PLACES if p.split(".")[1] in FIXED or p.startswith("payments")}


FIXED = ("alipay", "wechat", "weibo", "taobao", "baidu")
"""The apps, whose addresses stand in the product's own code."""


@pytest.mark.parametrize(
    "leaf, value",
    [
        ("channels.oidc.issuer", "https://ID.example:443/"),
        ("channels.oidc.client_id", "another"),
        ("channels.oidc.state", "closed"),
        ("messages.mail.port", 587),
        ("messages.mail.security", "starttls"),
        ("messages.mail.host", "MAIL.example"),
        ("services.utility_bills.connector.fresh_minutes", 5),
        ("services.utility_bills.connector.base_url", "HTTPS://office.example:443/api/"),
    ],
)
def test_what_leaves_a_secret_where_it_goes_is_accepted(leaf: str, value: Any) -> None:
    """The same address spelled otherwise, a default written out, and all other settings."""
    before, after = named(), named()
    put(after, leaf, value)
    stored = {use.name: {(use.path, use.destination)} for use in uses(before).values()}
    assert found_by(after, before, stored) == []


def test_an_edit_elsewhere_is_not_blamed(world: World) -> None:
    """A secret that stands wrong already, as after an upgrade, blocks no other edit."""
    before, after = named(), named()
    after["branding"] = {"color": "#1f5f99"}
    assert found_by(after, before, bound(SecretUse(own_name(PLACES[0]), "gone"))) == []


# Every way that a revision is made

WANTED = "wanted"


def prepared(world: World, owner: str, place: str) -> int:
    """Ningbo, where revision n named the secret at one place and n+1 names it at its owner's, for
    which it then is entered; returns n."""
    other = {place.replace(".", "__"): WANTED, owner.replace(".", "__"): "spare"}
    world.save(write(named(**other)))
    first = world.documents().live("ningbo").number
    world.save(write(named(**{owner.replace(".", "__"): WANTED})))
    enter(world, "ningbo", WANTED)
    return first


def enter(world: World, city: str, name: str, **how: Any) -> None:
    with world.inside(city):
        ring = world.app.product.keyring
        store_credential(ring, system("test"), name, "the value", world.clock(), **how)


def by_text(world: World, place: str, first: int, folder: Path) -> None:
    world.save(world.documents().revision("ningbo", first).text + "# again\n")


def by_form(world: World, place: str, first: int, folder: Path) -> None:
    live = world.documents().live("ningbo")
    world.documents().change("ningbo", live.number, "", {path_of(place): {"credential": WANTED}})


def by_undo(world: World, place: str, first: int, folder: Path) -> None:
    world.documents().undo("ningbo", first + 1)


def by_rollback(world: World, place: str, first: int, folder: Path) -> None:
    live = world.documents().live("ningbo").number
    world.documents().rollback("ningbo", first, live)


def by_file(world: World, place: str, first: int, folder: Path) -> None:
    documents = world.documents()
    documents.mark_applied("ningbo", documents.live_revision("ningbo").text, {})
    text = documents.revision("ningbo", first).text
    (folder / "ningbo.yaml").write_text(text + "# from a file\n", "utf-8")
    files, _problems = read_files([folder])
    apply_plan(world.documents(), plan(world.documents(), files), "")


def by_baseline(world: World, place: str, first: int, folder: Path) -> None:
    _by_layer(world, ZHEJIANG, place)


def by_platform(world: World, place: str, first: int, folder: Path) -> None:
    _by_layer(world, PLATFORM, place)


def _by_layer(world: World, text: str, place: str) -> None:
    """A document above that locks its own words, so that the city's count no more."""
    values = parse(text, "").values
    part = place.split(".")[0]
    copied = copy.deepcopy(get(named(), (part,)))
    values[part] = copied if part != "services" else {**values.get(part, {}), **copied}
    put(values, place, {"credential": WANTED})
    values["locked"] = [place]
    world.save(write(values))


def by_rollout(world: World, place: str, first: int, folder: Path) -> None:
    text = world.documents().revision("ningbo", first).text
    live = world.documents().live("ningbo").number
    world.documents().save(Candidate(parse(text, "ningbo")), live, "", "rollout")


WAYS: list[Callable[..., None]] = [
    by_text,
    by_form,
    by_undo,
    by_rollback,
    by_file,
    by_baseline,
    by_platform,
    by_rollout,
]


@pytest.mark.parametrize("place", PLACES)
def test_no_way_of_making_a_revision_moves_a_secret(
    world: World, place: str, tmp_path: Path
) -> None:
    """Form, text, undo, rollback, file, baseline, the platform's document, roll-out: each is
    refused, nothing is stored, and the other city is not concerned."""
    owner = PLACES[PLACES.index(place) - 1]
    first = prepared(world, owner, place)
    live = {found.name: found.number for found in world.documents().all()}
    for way in WAYS:
        with pytest.raises(Invalid) as refused:
            way(world, place, first, tmp_path)
        assert any(isinstance(p, MovedSecret) for p in refused.value.problems), way.__name__
        assert live == {found.name: found.number for found in world.documents().all()}
    assert usable_in(world, "ningbo") == {SecretUse(WANTED, *bound_place(world, owner))}


def usable_in(world: World, city: str) -> frozenset[SecretUse]:
    with world.inside(city):
        return usable_secrets()


def bound_place(world: World, owner: str) -> tuple[str, str]:
    use = next(one for one in world.city("ningbo").secret_uses if one.path == owner)
    return use.path, use.destination


def test_a_baseline_names_the_cities_whose_secrets_it_would_move(world: World) -> None:
    """The province's line that reads out every city's payment key, and a lock that is lifted: both
    are refused, naming the city that has one."""
    world.open_payments("ningbo")
    line = (
        "channels:\n  oidc: {issuer: 'https://issuer.example', client_id: sample,"
        " client_secret: {credential: stripe_secret_key}}\n"
    )
    with pytest.raises(Invalid) as refused:
        world.save(ZHEJIANG + line)
    said = " ".join(map(str, refused.value.problems))
    assert "ningbo" in said
    assert "https://issuer.example" in said
    assert "cannot be used for anything else" in said
    own = line.replace("stripe_secret_key", "own").replace("issuer.example", "id.example")
    world.save(NINGBO + own)
    world.save(ZHEJIANG + own.replace("id.example", "other.example") + "locked: [channels.oidc]\n")
    enter(world, "ningbo", "own")
    with pytest.raises(Invalid, match="has errors"):
        world.save(ZHEJIANG)


@pytest.mark.parametrize("place", PLACES)
def test_a_document_that_slipped_through_sends_nothing(
    world: World, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a revision moved a secret all the same, whoever reads it there gets none."""
    owner = PLACES[PLACES.index(place) - 1]
    prepared(world, owner, place)
    monkeypatch.setattr(validation, "moved_secrets", lambda *given: [])
    world.save(
        write(named(**{place.replace(".", "__"): WANTED, owner.replace(".", "__"): "spare"}))
    )
    use = next(one for one in world.city("ningbo").secret_uses if one.path == place)
    with world.inside("ningbo"), pytest.raises(CredentialError, match="another use"):
        read_credential(world.app.product.keyring, use)


def test_what_is_entered_anew_goes_along(world: World) -> None:
    """A revision that brings the secret is stored, and the secret then serves its new use and the
    old one no more; whoever may not enter secrets cannot."""
    prepared(world, "messages.sms.token", "channels.oidc.client_secret")
    old = SecretUse(WANTED, *bound_place(world, "messages.sms.token"))
    text = write(named(channels__oidc__client_secret=WANTED))
    candidate = Candidate(parse(text, "ningbo"), entered=frozenset({WANTED}))
    editor = replace(system("editor"), permissions=frozenset({"city.change", "city.catalog"}))
    number = world.documents().live("ningbo").number
    with pytest.raises(NotAllowed):
        world.documents(editor).save(candidate, number, "")
    world.documents().save(candidate, number, "")
    world.app.registry.refresh()
    enter(world, "ningbo", WANTED)
    assert old not in usable_in(world, "ningbo")
    assert {use.path for use in usable_in(world, "ningbo")} == {"channels.oidc.client_secret"}


def test_the_page_of_a_document_asks_for_the_secret(world: World) -> None:
    """The refusal says where it would go and has a field for it; with the field filled in the
    revision is stored and the secret works at its new place. The text is kept meanwhile."""
    world.save(HANGZHOU + oidc("https://id.example"))
    enter(world, "hangzhou", "id_secret")
    staff, page = world.city_staff(), "/cities/hangzhou/document"
    text, revision = (
        HANGZHOU + oidc("https://new.example"),
        world.documents().live("hangzhou").number,
    )
    refused = staff.post(page, text=text, revision=revision)
    assert refused.status_code == 422
    assert "entered for channels.oidc.client_secret → https://id.example" in refused.text
    assert 'name="secret_id_secret"' in refused.text
    assert "https://new.example" in refused.text
    saved = staff.post(page, text=text, revision=revision, secret_id_secret="the new value")
    assert saved.status_code == 302, saved.text
    world.app.registry.refresh()
    use = next(u for u in world.city("hangzhou").secret_uses if u.name == "id_secret")
    assert use.destination == "https://new.example"
    with world.inside("hangzhou"):
        assert read_credential(world.app.product.keyring, use) == "the new value"


def oidc(issuer: str) -> str:
    return (
        f"channels:\n  oidc: {{issuer: '{issuer}', client_id: x, "
        "client_secret: {credential: id_secret}}\n"
    )


def test_the_command_enters_a_secret_for_a_file(world: World, tmp_path: Path) -> None:
    """A file that moves a secret is refused with the command that enters it anew, and applied
    after that; a place that takes none, and a name that nobody names, are refused."""
    file = tmp_path / "hangzhou.yaml"
    file.write_text(HANGZHOU + oidc("https://id.example"), "utf-8")
    world.save(HANGZHOU + oidc("https://id.example"))
    assert CliRunner().invoke(apply, [str(file)]).exit_code == 0
    enter(world, "hangzhou", "id_secret")
    file.write_text(HANGZHOU + oidc("https://new.example"), "utf-8")
    refused = CliRunner().invoke(apply, [str(file)])
    said = " ".join(refused.output.split())
    wanted = ["hangzhou", "id_secret", "--for", "channels.oidc.client_secret"]
    wanted += ["--to", "https://new.example"]
    assert " ".join(wanted).replace("https", "'https") + "'" in said
    run = CliRunner().invoke
    assert "cannot hold a secret" in str(
        run(secrets, ["set", *wanted[:3], "branding"], input="x").exception
    )
    assert isinstance(run(secrets, ["set", "hangzhou", "nobodys"], input="x").exception, Invalid)
    assert run(secrets, ["set", *wanted], input="x").exit_code == 0
    assert run(apply, [str(file)]).exit_code == 0
    world.app.registry.refresh()
    assert run(rollback, ["hangzhou", "2"]).exit_code != 0


# A province's own

SSO = "single_sign_on: {{issuer: '{}', client_id: x, client_secret: {{credential: sso}}}}\n"


def test_a_provinces_secret_goes_to_no_other_issuer(world: World) -> None:
    """By document, undo and rollback; entered anew it goes along. At the point of use as well."""
    keyring, now = world.app.product.keyring, world.clock()
    world.save(ZHEJIANG + SSO.format("https://old.example"))
    world.save(ZHEJIANG + SSO.format("https://id.example"))
    documents, name = world.documents(), "province:zhejiang"
    actor, made = system("test"), documents.secret_uses("province:zhejiang")
    store_province_secret(keyring, actor, "zhejiang", "sso", "the value", now, made)
    number = documents.live(name).number
    moved = Candidate(parse(ZHEJIANG + SSO.format("https://evil.example"), "x"))
    for way in (
        lambda: documents.save(moved, number, ""),
        lambda: documents.undo(name, number),
        lambda: documents.rollback(name, number - 1, number),
    ):
        with pytest.raises(Invalid) as refused:
            way()
        assert [type(found) for found in refused.value.problems] == [MovedSecret]
    assert documents.live(name).number == number
    assert read_province_secret(keyring, "zhejiang", made[0], now) == "the value"
    elsewhere = replace(made[0], destination="https://evil.example")
    with pytest.raises(CredentialError, match="another use"):
        read_province_secret(keyring, "zhejiang", elsewhere, now)
    assert documents.save(replace(moved, entered=frozenset({"sso"})), number, "") is not None
    places = set(secret_places(SingleSignOnSettings()))
    assert places == {"client_secret"}


def test_the_page_of_single_sign_on_wants_a_secret_of_its_own(world: World) -> None:
    """Another issuer under the old secret is refused at the field of the secret."""
    world.save(ZHEJIANG + SSO.format("https://id.example"))
    admin, page = world.province_admin(), "/provinces/zhejiang/single-sign-on"
    typed = {"issuer": "https://id.example", "client_id": "x", "secret": "first"}
    revision = world.documents().live("province:zhejiang").number
    assert admin.post(page, revision=revision, **typed).status_code == 302
    revision = world.documents().live("province:zhejiang").number
    other = {**typed, "issuer": "https://evil.example", "secret": ""}
    refused = admin.post(page, revision=revision, **other)
    assert refused.status_code == 422
    assert "needs its own secret" in refused.text
    assert admin.post(page, revision=revision, **{**other, "secret": "new"}).status_code == 302
