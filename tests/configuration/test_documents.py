"""Revisions: one way in, nothing overwritten unseen, undo of exactly what one revision did."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from smartcity_saas.audit import Actor, AuditEvent
from smartcity_saas.configuration import documents as module
from smartcity_saas.configuration import edits
from smartcity_saas.configuration.documents import Documents
from smartcity_saas.configuration.models import HostClaim, Revision
from smartcity_saas.configuration.repository import stored_revision
from smartcity_saas.configuration.revisions import StaleEdit, UndoConflict
from smartcity_saas.configuration.validation import Candidate
from smartcity_saas.configuration.yaml_source import parse
from smartcity_saas.database import db, transaction
from smartcity_saas.errors import Invalid, NotAllowed, NotFound
from tests.support.documents import HANGZHOU, NINGBO, SHANGHAI, ZHEJIANG
from tests.support.statements import statements_sent
from tests.support.world import World

STATE = ("services", "utility_bills", "state")
COLOR = ("branding", "color")


def test_an_edit_makes_a_revision_with_who_why_and_what(world: World) -> None:
    """A change is a new revision of the same document, audited, with its leaves."""
    world.clock.move(minutes=5)
    made = world.documents().change("hangzhou", 1, "lake level", {COLOR: "#123456"})
    assert (made.number, made.parent, made.author, made.message) == (
        2,
        1,
        "system:test",
        "lake level",
    )
    assert [(c.path, c.before, c.after) for c in made.changes] == [(COLOR, "#0b6e4f", "#123456")]
    assert '"#123456"   # the green of the lake' in made.text
    event = db.session.scalars(
        select(AuditEvent).where(AuditEvent.subject == "hangzhou").order_by(AuditEvent.at.desc())
    ).first()
    assert event is not None
    live = world.documents().live("hangzhou")
    revision = stored_revision(live.id, 2)
    assert revision is not None
    assert event.detail == {"revision": 2, "sha256": revision.digest}


def test_saving_the_same_text_makes_nothing(world: World) -> None:
    """A second press of the same button is no revision."""
    assert world.save(HANGZHOU, 1) is None
    assert world.documents().live("hangzhou").number == 1


def test_a_stale_edit_is_told_what_changed(world: World) -> None:
    """Two people: the second gets the difference, and nothing of either is lost."""
    documents = world.documents()
    documents.change("hangzhou", 1, "first", {COLOR: "#123456"})
    with pytest.raises(StaleEdit) as caught:
        documents.change("hangzhou", 1, "second", {STATE: "closed"})
    assert caught.value.live.number == 2
    assert [c.path for c in caught.value.since] == [COLOR]
    assert documents.live("hangzhou").number == 2
    documents.change("hangzhou", 2, "second", {STATE: "closed"})
    values = documents.live("hangzhou").values
    assert values["branding"]["color"] == "#123456"
    assert values["services"]["utility_bills"]["state"] == "closed"


def test_a_bad_document_stores_nothing(world: World) -> None:
    """Nothing is stored, no other document is disturbed, and the version has not moved."""
    before = world.app.registry.snapshot
    with pytest.raises(Invalid):
        world.save(HANGZHOU.replace("state: live", "state: alive"), 1)
    world.app.registry.refresh()
    assert world.app.registry.snapshot is before
    assert world.documents().live("hangzhou").number == 1


def test_undo_restores_only_its_own_leaves(world: World) -> None:
    """A later, unrelated change survives the undo of an earlier one."""
    documents = world.documents()
    documents.change("hangzhou", 1, "", {COLOR: "#123456"})
    documents.change("hangzhou", 2, "", {STATE: "closed"})
    undone = documents.undo("hangzhou", 2)
    assert undone is not None
    assert undone.values["branding"]["color"] == "#0b6e4f"
    assert undone.values["services"]["utility_bills"]["state"] == "closed"
    assert undone.origin == "undo"


def test_undo_conflicts_where_a_leaf_changed_since(world: World) -> None:
    """What someone has changed again is not silently put back."""
    documents = world.documents()
    documents.change("hangzhou", 1, "", {COLOR: "#123456"})
    documents.change("hangzhou", 2, "", {COLOR: "#654321"})
    with pytest.raises(UndoConflict):
        documents.undo("hangzhou", 2)


def test_rollback_is_a_new_revision_with_the_old_text(world: World) -> None:
    """History only grows."""
    documents = world.documents()
    documents.change("hangzhou", 1, "", {COLOR: "#123456"})
    made = documents.rollback("hangzhou", 1, based_on=2)
    assert made is not None
    assert (made.number, made.text) == (3, HANGZHOU)


def test_since_counts_from_the_change_of_state(world: World) -> None:
    """An unrelated edit does not make a pause look newer than it is."""
    notice = {"zh": "升级", "en": "Upgrade"}
    world.clock.move(hours=1)
    paused_at = world.clock()
    world.documents().change(
        "hangzhou", 1, "", {STATE: "paused", ("services", "utility_bills", "notice"): notice}
    )
    world.clock.move(hours=1)
    world.documents().change("hangzhou", 2, "", {COLOR: "#123456"})
    world.app.registry.refresh()
    assert (
        world.app.registry.snapshot.cities["hangzhou"].catalog["utility_bills"].since == paused_at
    )


REACHES = {
    "province:shanghai": ("hangzhou", "province:zhejiang", "platform"),
    "city:ningbo": ("hangzhou", "province:zhejiang", "platform", "shanghai"),
    "province:zhejiang": ("shanghai", "province:shanghai", "platform"),
}


@pytest.mark.parametrize("reach", REACHES)
def test_beyond_the_reach_nothing_exists(world: World, reach: str) -> None:
    """Reading and writing another province's or city's document answers as if it were not."""
    documents = world.documents(Actor("staff:x", "X", reach))
    for name in REACHES[reach]:
        with pytest.raises(NotFound):
            documents.live(name)
        with pytest.raises(NotFound):
            documents.history(name)
        with pytest.raises(NotFound):
            documents.rollback(name, 1, based_on=1)
    assert not {found.name for found in documents.all()} & set(REACHES[reach])
    with pytest.raises(NotFound):
        world.save(SHANGHAI if "shanghai" in REACHES[reach] else HANGZHOU, 1, actor=documents.actor)


def test_a_city_cannot_be_taken_into_another_province(world: World) -> None:
    """A document that names one's own province does not reach another's city."""
    actor = Actor("staff:x", "X", "province:shanghai")
    with pytest.raises(NotFound):
        world.save(
            HANGZHOU.replace("zhejiang", "shanghai").replace("330100", "310100"), 1, actor=actor
        )


def test_a_baseline_reaches_its_cities_in_one_revision(world: World) -> None:
    """A province closes a service everywhere by a lock, at once, whatever its cities say."""
    world.save(NINGBO + "services: {utility_bills: {state: open}}\n")
    world.save(
        ZHEJIANG + "services: {utility_bills: {state: closed}}\nlocked: [services.utility_bills]\n"
    )
    cities = world.app.registry.snapshot.cities
    assert cities["ningbo"].catalog["utility_bills"].state == "closed"
    assert cities["hangzhou"].catalog["utility_bills"].state == "closed"
    assert cities["shanghai"].catalog["utility_bills"].state == "open"
    assert cities["ningbo"].flags
    assert not cities["hangzhou"].flags


def _race(world: World) -> list[str]:
    """Two threads save from the same revision, both having read before either writes."""
    barrier, outcomes = threading.Barrier(2), []

    def save(color: str) -> None:
        with world.app.app_context():
            text = HANGZHOU.replace("#0b6e4f", color)
            barrier.wait(10)
            try:
                world.documents().save(_candidate(text), 1, color)
                outcomes.append("saved")
            except Exception as error:
                outcomes.append(type(error).__name__)

    threads = [threading.Thread(target=save, args=(color,)) for color in ("#123456", "#654321")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return sorted(outcomes)


def test_of_two_at_once_one_is_told(world: World) -> None:
    """The version's row is locked first, so the check of the base and the write are one."""
    assert _race(world) == ["StaleEdit", "saved"]
    assert world.documents().live("hangzhou").number == 2


def test_without_the_lock_the_second_is_not_told(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: with the lock taken out, the second save gets past the check of its base
    and only the primary key of revisions stops it, without a word about what changed."""
    if world.engine != "postgresql":
        pytest.skip("SQLite locks the whole database as the transaction begins")
    gate = threading.Barrier(2)

    def slow_files(values: Any, files: Any) -> dict[str, str]:
        gate.wait(10)  # both have read the live revision, neither has written
        return {}

    monkeypatch.setattr(module, "bump_version", lambda: 99)
    monkeypatch.setattr(edits, "_used_files", slow_files)
    assert _race(world) == ["IntegrityError", "saved"]


def test_two_cities_claiming_one_host_at_once(world: World) -> None:
    """A host leads to one city, whoever is quicker."""
    barrier, outcomes = threading.Barrier(2), []

    def claim(text: str) -> None:
        with world.app.app_context():
            barrier.wait(10)
            try:
                world.documents().save(_candidate(text + "hosts: [a.example]\n"), 1, "")
                outcomes.append("saved")
            except Invalid:
                outcomes.append("refused")

    threads = [threading.Thread(target=claim, args=(text,)) for text in (NINGBO, SHANGHAI)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(outcomes) == ["refused", "saved"]


def test_a_failing_command_leaves_nothing(world: World) -> None:
    """An error after the revision was written takes it back with everything else."""
    with pytest.raises(RuntimeError), transaction():
        world.documents().change("hangzhou", 1, "", {COLOR: "#123456"})
        raise RuntimeError
    assert db.session.scalars(select(Revision.number).where(Revision.message == "")).all() == []
    assert world.documents().live("hangzhou").number == 1


def towns(numbers: range, color: str) -> list[Candidate]:
    return [
        _candidate(
            NINGBO.replace("ningbo", f"town-{number}").replace("330200", f"3399{number:02d}")
            + f"branding: {{color: '{color}'}}\nhosts: [town-{number}.example]\n"
        )
        for number in numbers
    ]


def test_many_documents_take_as_many_statements_as_few(world: World) -> None:
    """A roll-out or an apply of hundreds of cities is no longer for it, new or changed; each has its
    revision, its act in the audit log and its host all the same."""
    documents, sent = world.documents(), []
    for color, based_on in (("#123456", 0), ("#654321", 1)):
        for numbers in (range(2), range(2, 32)):
            edited = towns(numbers, color)
            with statements_sent() as found:
                documents.save_all(edited, {one.name: based_on for one in edited}, "why", "file")
            sent.append(len(found))
    assert sent[0] == sent[1]
    assert sent[2] == sent[3]
    for number in range(32):
        name = f"town-{number}"
        made = documents.history(name)
        assert [(one.number, one.message) for one in made] == [(2, "why"), (1, "why")]
        report = documents.verify_chain(name)
        assert (report.count, report.found) == (2, None)
        assert world.client(f"{name}.example").get("/healthz").status_code == 200
    assert len(db.session.scalars(select(HostClaim.host)).all()) == 32 + 1


def _candidate(text: str) -> Any:
    return Candidate(parse(text, "test"))


def swapped(world: World, *texts: str) -> None:
    candidates = [Candidate(parse(text, "test")) for text in texts]
    documents = world.documents()
    based_on = {found.name: found.number for found in documents.named(c.name for c in candidates)}
    documents.save_all(candidates, based_on, "", "file")
    world.app.registry.refresh()


@pytest.mark.parametrize("turned", [False, True])
def test_cities_exchange_hosts_in_one_save(world: World, turned: bool) -> None:
    """What a check accepts is stored: every claim of a batch is released before one is taken,
    in whichever order the documents come; requests follow at once."""
    world.save(NINGBO + "hosts: [city.ningbo.example]\n")
    texts = [
        HANGZHOU.replace("city.hangzhou.example", "city.ningbo.example"),
        NINGBO + "hosts: [city.hangzhou.example]\n",
    ]
    swapped(world, *(reversed(texts) if turned else texts))
    for host, name in (("city.ningbo.example", "杭州市"), ("city.hangzhou.example", "宁波市")):
        assert name in world.client(host, "zh").get("/").text


HOST_MOVES = st.lists(
    st.lists(st.sampled_from(["a.example", "b.example", "c.example"]), unique=True, max_size=3),
    min_size=3,
    max_size=3,
)


@given(before=HOST_MOVES, after=HOST_MOVES)
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_accepted_of_hosts_and_codes_is_stored(
    world: World, before: list[list[str]], after: list[list[str]]
) -> None:
    """Any hand-out of three hosts to three cities is refused by the check or stored; never a
    fault of the database. Codes go round with the hosts: the places are not on the list."""
    for turn, hosts in enumerate((before, after)):
        texts = [
            f'city: place-{number}\nprovince: zhejiang\ndivision_code: "33999{(number + turn) % 3}"\n'
            f"name: {{zh: 某地, en: Place}}\nstate: live\nhosts: {hosts[number]}\n"
            for number in range(3)
        ]
        try:
            swapped(world, *texts)
        except Invalid:
            return
        held = {row.host: row.document_id for row in db.session.scalars(select(HostClaim))}
        for number in range(3):
            live = world.documents().live(f"place-{number}")
            assert {h for h, city in held.items() if city == live.id} == set(hosts[number])
            assert live.division_code == f"33999{(number + turn) % 3}"


RED, BLUE, GREEN = "a" * 64, "b" * 64, "c" * 64
LOGO = {("branding", "logo"): "hangzhou/logo.png"}


def with_logos(world: World) -> Documents:
    """Revision 2 has a red logo, revision 3 a blue one of the same name."""
    documents = world.documents()
    documents.change("hangzhou", 1, "", LOGO, files={"hangzhou/logo.png": RED})
    documents.change("hangzhou", 2, "", LOGO, files={"hangzhou/logo.png": BLUE})
    return documents


EDITOR = Actor("staff:x", "X", "city:hangzhou", frozenset({"city.see", "city.catalog"}))
LEAVES: dict[str, tuple[Any, bool]] = {
    "the logo's bytes": (lambda d: with_files(d, RED), False),
    "the logo's name": (
        lambda d: d.change("hangzhou", 3, "", {LOGO_NAME: "x/y.png"}, files={"x/y.png": BLUE}),
        False,
    ),
    "no logo": (lambda d: d.change("hangzhou", 3, "", {}, [LOGO_NAME]), False),
    "a colour": (lambda d: d.change("hangzhou", 3, "", {COLOR: "#123456"}), False),
    "a service": (lambda d: d.change("hangzhou", 3, "", {STATE: "closed"}), True),
}
LOGO_NAME = ("branding", "logo")


def with_files(documents: Documents, file: str) -> Any:
    return documents.change("hangzhou", 3, "", LOGO, files={"hangzhou/logo.png": file})


@pytest.mark.parametrize("leaf", LEAVES)
def test_an_editor_of_the_catalog_takes_back_no_more_than_it(world: World, leaf: str) -> None:
    """By undo and by rollback: whatever a revision changed beside states of services, files as
    well as values, is not an editor's to restore."""
    change, allowed = LEAVES[leaf]
    assert change(with_logos(world)).number == 4
    acts: list[Callable[[], Any]] = [
        lambda: world.documents(EDITOR).undo("hangzhou", 4),
        lambda: world.documents(EDITOR).rollback("hangzhou", 3, based_on=4),
    ]
    for act in acts if not allowed else acts[:1]:
        if allowed:
            assert act().number == 5
        else:
            with pytest.raises(NotAllowed):
                act()
    assert world.documents().live("hangzhou").number == (5 if allowed else 4)


def test_undo_restores_the_bytes_of_a_logo(world: World) -> None:
    """Where a revision changed the file alone, its undo brings the file before back."""
    undone = with_logos(world).undo("hangzhou", 3)
    assert undone is not None
    assert undone.files == {"hangzhou/logo.png": RED}


def test_undo_leaves_a_newer_logo_alone(world: World) -> None:
    """Undoing what changed a colour puts no older picture back; undoing a picture that has been
    changed again is a conflict."""
    documents = world.documents()
    documents.change("hangzhou", 1, "", LOGO, files={"hangzhou/logo.png": RED})
    documents.change("hangzhou", 2, "", {COLOR: "#123456"})
    documents.change("hangzhou", 3, "", LOGO, files={"hangzhou/logo.png": BLUE})
    undone = documents.undo("hangzhou", 3)
    assert undone is not None
    assert undone.files == {"hangzhou/logo.png": BLUE}
    documents.change("hangzhou", 5, "", LOGO, files={"hangzhou/logo.png": GREEN})
    with pytest.raises(UndoConflict):
        documents.undo("hangzhou", 4)


def test_a_rollback_does_not_drop_what_its_author_never_saw(world: World) -> None:
    """It names the revision that was live when it was decided; a newer one is a conflict, with the
    picture that changed among what is shown."""
    documents = with_logos(world)
    with pytest.raises(StaleEdit) as conflict:
        documents.rollback("hangzhou", 1, based_on=2)
    assert [one.path[-1] for one in conflict.value.since] == ["logo#sha256"]
