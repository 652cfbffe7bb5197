"""Whatever a document may define can be applied for, from its first page to its erasure."""

from __future__ import annotations

import io
import json
import re
from datetime import UTC, datetime
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from lxml import html
from sqlalchemy import select

from smartcity_saas.database import db
from smartcity_saas.forms.answers import ASKED, submitted
from smartcity_saas.forms.definition import Definition, Field
from smartcity_saas.forms.fields import KINDS, Context, control, form_values
from smartcity_saas.forms.fields.files import NEW
from smartcity_saas.forms.models import Application, ApplicationEvent, ApplicationFile
from smartcity_saas.forms.names import FILES, FieldKind
from smartcity_saas.forms.reading import context_of
from smartcity_saas.forms.stored_forms import answers_of, form_of
from smartcity_saas.tenancy.snapshot import Snapshot
from tests.support.applications import PDF, count_of, picture
from tests.support.browser import Browser
from tests.support.documents import HANGZHOU
from tests.support.form_definitions import Raw, answers_to, definitions
from tests.support.form_pages import sent
from tests.support.world import World

NOON = datetime(2026, 11, 30, 4, tzinfo=UTC)
"""The day for which definitions and answers are drawn."""
MOST_FIELDS = 4
SOMEONE = {"who": "other", "name": "王小明", "number": "110101199003070011"}


@settings(
    max_examples=6,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(raw=definitions(most=MOST_FIELDS), data=st.data())
def test_any_valid_definition_is_applied_for(world: World, raw: Raw, data: st.DataObject) -> None:
    """Promise: any form that a document may define is shown, saved, gone on with on another device,
    sent, given away with “my data”, and erased; all of it on its pages, without a script."""
    _begin_anew(world)
    entry = json.dumps({**raw, "kind": "form", "state": "open", "fee": "0"}, ensure_ascii=False)
    world.save(f"{HANGZHOU}services:\n  any_form: {entry}\n")
    phone, desktop = world.resident(), world.resident()
    begun = phone.post("/services/any-form/begin", "/me")
    assert begun.status_code == 303, begun.text
    place = re.fullmatch(r"(/applications/([^/]+))/steps/1", str(begun.headers["Location"]))
    assert place, begun.headers["Location"]
    here, number = place.groups()
    form, context, _none = _stored(world, number)
    drawn: Raw = {}
    for step in range(1, len(form.steps) + 1):
        _fill_in(phone, f"{here}/steps/{step}", form, drawn, data)
    *_rest, saved = _stored(world, number)
    assert _files_counted(form, saved) == {
        one.name: _as_read(one, drawn[one.name], context)
        for one in form.fields
        if one.name in drawn
    }
    for step in range(1, len(form.steps) + 1):
        _send_as_it_stands(desktop, f"{here}/steps/{step}")
    assert _stored(world, number)[-1] == saved
    done = desktop.post(f"{here}/submit", f"{here}/check")
    assert done.headers.get("Location") == here, done.text
    assert number in phone.get(here).text
    held = phone.post("/me/data/download", "/me/data").get_json()["held"]
    rows = {one["kind"]: one["rows"] for one in held}
    assert [json.loads(one["answers"]) for one in rows["application"]] == [submitted(form, saved)]
    assert len(rows.get("application_file", ())) == sum(
        len(saved[one.name]) for one in form.fields if one.kind in FILES and one.name in saved
    )
    phone.post(f"{here}/withdraw", f"{here}/withdraw")
    left = phone.post("/me/data/delete", "/me/data/delete", word="delete")
    assert left.status_code == 200, left.text
    for model in (Application, ApplicationEvent, ApplicationFile):
        assert count_of(world, model) == 0


def _begin_anew(world: World) -> None:
    """The world as it was before the example before, at noon."""
    db.session.rollback()
    world.states.bring("world")
    world.clock.now = NOON
    registry = world.app.registry
    registry.snapshot, registry._looked_at = Snapshot(), float("-inf")
    registry.refresh()
    world.app.product.quotas.buckets.forget()


def _stored(world: World, number: str) -> tuple[Definition, Context, Raw]:
    """The form under which an application was begun, what its answers are read with, and they."""
    now = world.clock()
    with world.inside("hangzhou"):
        row = db.session.scalars(select(Application).where(Application.number == number)).one()
        return form_of(row), context_of(row, now), dict(answers_of(row, now))


def _fill_in(
    browser: Browser, step: str, form: Definition, drawn: Raw, data: st.DataObject
) -> None:
    """Answer a step as often as its page asks for more, and note what was drawn."""
    for _each in range(MOST_FIELDS + 1):
        values = sent(_page(browser, step))
        for name in values.getlist(ASKED):
            field = form.field(name)
            assert field is not None
            if name not in drawn and (field.required or data.draw(st.booleans())):
                drawn[name] = _answer(field, data)
                _type(values, field, drawn[name])
        answer = browser.post(step, step, **{**values.to_dict(flat=False), "go": "next"})
        if answer.status_code == 303:
            return
        assert answer.status_code == 200, answer.text
    raise AssertionError("the step asks for more without an end")


def _page(browser: Browser, path: str) -> html.HtmlElement:
    """A page as a browser has it."""
    answer = browser.get(path)
    assert answer.status_code == 200
    return html.document_fromstring(answer.get_data(as_text=True))


def _answer(field: Field, data: st.DataObject) -> Any:
    """An answer to a field; of one that takes files, how many."""
    if field.kind in FILES:
        return data.draw(st.integers(1, min(field.files, 2)))
    return SOMEONE if field.kind is FieldKind.PERSON else data.draw(answers_to(field))


def _type(values: Any, field: Field, answer: Any) -> None:
    """Put an answer where a person would have typed, chosen or added it."""
    if field.kind in FILES:
        photograph = field.kind is FieldKind.PHOTOGRAPH
        content, name = (picture(), "a.png") if photograph else (PDF, "a.pdf")
        files = [(io.BytesIO(content), name) for _one in range(answer)]
        values.setlist(control(field.name, NEW), files)
        return
    if field.kind is FieldKind.ADDRESS:  # the page begins in the city's own province
        answer = {"province": "", **answer}
    for part, typed in form_values(KINDS[field.kind], answer).items():
        values.setlist(control(field.name, part), typed)


def _send_as_it_stands(browser: Browser, step: str) -> None:
    """Open a step and press “next”."""
    values = sent(_page(browser, step)).to_dict(flat=False)
    answer = browser.post(step, step, **{**values, "go": "next"})
    assert answer.status_code == 303, answer.text


def _as_read(field: Field, answer: Any, context: Context) -> Any:
    """An answer as an API client's would be stored; of files, how many."""
    return answer if field.kind in FILES else KINDS[field.kind].read(field, answer, context)


def _files_counted(form: Definition, answers: Raw) -> Raw:
    kinds = {one.name: one.kind for one in form.fields}
    return {name: len(value) if kinds[name] in FILES else value for name, value in answers.items()}
