"""Adding a service that is a form: from the library, by questions, or as YAML; looked at before it is saved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from flask import abort, redirect, render_template, request
from flask.typing import ResponseReturnValue

from smartcity_saas.catalog.categories import CATEGORIES
from smartcity_saas.clock import COMMON_ZONE, today_in
from smartcity_saas.configuration.merge import merge
from smartcity_saas.configuration.problems import Problem
from smartcity_saas.configuration.revisions import RevisionView
from smartcity_saas.configuration.schema import COMMON_CURRENCY
from smartcity_saas.errors import FieldErrors, Invalid
from smartcity_saas.forms.definition import Definition, read_definition
from smartcity_saas.forms.document import FormSchema
from smartcity_saas.forms.fields import Context
from smartcity_saas.forms.library import samples
from smartcity_saas.forms.step_page import StepPage, step_page
from smartcity_saas.identity.authorization import documents
from smartcity_saas.portals.base_revision import base_revision
from smartcity_saas.portals.city.blueprint import ROOT, blueprint, shell
from smartcity_saas.portals.city.pasted_service import SERVICES, PlacedService, place, read_pasted
from smartcity_saas.portals.city.service_questions import (
    KEPT,
    SIMPLE_KINDS,
    definition_text,
    question_rows,
)
from smartcity_saas.product import product
from smartcity_saas.tenancy.current import current_time
from smartcity_saas.web.money import parse_money

NEW = f"{ROOT}/new-service"


@blueprint.page(NEW, permission="city.change")
def new_service(city: str) -> ResponseReturnValue:
    """The ways to add one: a sample of the library, questions of one's own, YAML."""
    found = samples(product().settings.config_root)
    merged = merge([one.layer for one in documents().layers(city)]).values
    return render_template(
        "city/new_service.html",
        in_use=merged.get("services") or {},
        categories={
            title["en"]: (title, inside)
            for name, title in CATEGORIES.items()
            if (inside := [one for one in found if one.category == name])
        },
        **shell(city),
    )


@blueprint.page(f"{NEW}/yaml", permission="city.change")
def new_service_text(city: str) -> ResponseReturnValue:
    """The definition as YAML, that of a sample to begin with, and how it would look."""
    chosen = request.args.get("sample", "")
    found = {one.name: one.text for one in samples(product().settings.config_root)}
    if chosen and chosen not in found:
        abort(404)
    return _text_page(city, found.get(chosen, ""))


@blueprint.page(f"{NEW}/yaml", permission="city.change", methods=("POST",))
def save_new_service(city: str) -> ResponseReturnValue:
    """Look at a definition, or add it to the catalog."""
    text = request.form.get("text", "").replace("\r\n", "\n")
    if "preview" in request.form:
        return _text_page(city, text)
    try:
        placed = _placed(city, text)
        made = _saved(placed)
    except Invalid as error:
        return _text_page(city, text, error), 422
    told = {"done": made.number if made else 0, "added": placed.pasted.name}
    return redirect(f"/cities/{city}?{urlencode(told)}")


@blueprint.page(f"{NEW}/questions", permission="city.change")
def new_questions(city: str) -> ResponseReturnValue:
    """The form of whoever would rather not write YAML."""
    return _questions_page(city, {}, {})


@blueprint.page(f"{NEW}/questions", permission="city.change", methods=("POST",))
def save_questions(city: str) -> ResponseReturnValue:
    """The questions as YAML, to look at and to add; or room for more of them."""
    typed = request.form.to_dict()
    if "more" in typed:
        return _questions_page(city, typed, {})
    try:
        return _text_page(city, definition_text(typed))
    except FieldErrors as error:
        return _questions_page(city, typed, error.fields), 422


def _text_page(city: str, text: str, refused: Invalid | None = None) -> str:
    definition, problems = None, refused.problems if refused is not None else []
    if refused is None and text.strip():
        definition, problems = _looked_at(city, text)
    currency = _served(city)[1]
    return render_template(
        "city/new_service_text.html",
        text_typed=text,
        definition=definition,
        fee=parse_money(definition.fee, currency) if definition else 0,
        currency=currency,
        pages=_pages(city, definition) if definition else [],
        keys=FormSchema().fields,
        kinds=SIMPLE_KINDS,
        problems=problems,
        refusal=refused.detail if refused is not None and not problems else None,
        **shell(city),
    )


def _looked_at(city: str, text: str) -> tuple[Definition | None, list[Problem]]:
    """A definition as it would be in the city's document, and what is wrong with it at its own lines."""
    try:
        placed = _placed(city, text)
    except Invalid as error:
        return None, error.problems
    found = [placed.typed(one) for one in documents().problems([placed.candidate])]
    return (None if found else _definition(_merged(city, placed))), found


def _placed(city: str, text: str) -> PlacedService:
    """What was typed, in the city's document. Raises as ``read_pasted`` and ``place``."""
    live = documents().live_revision(city)
    return place(read_pasted(text), city, live.text, documents().live(city).files)


def _saved(placed: PlacedService) -> RevisionView | None:
    """The new revision of the document.

    Raises:
        Invalid: With ``problems`` at the lines of what was typed.
    """
    try:
        return documents().save(placed.candidate, base_revision(), request.form.get("message", ""))
    except Invalid as error:
        problems = [placed.typed(one) for one in error.problems]
        raise Invalid(error.detail, problems) from None


def _merged(city: str, placed: PlacedService) -> Mapping[str, Any]:
    """The service as the city would have it: what is not written stands in a document above."""
    *above, own = [one.layer for one in documents().layers(city)]
    layers = [*above, replace(own, values=placed.candidate.source.values)]
    found: Mapping[str, Any] = merge(layers).values[SERVICES][placed.pasted.name]
    return found


def _definition(values: Mapping[str, Any]) -> Definition:
    own = FormSchema().fields
    return read_definition(FormSchema().load({key: values[key] for key in values if key in own}))


def _pages(city: str, definition: Definition) -> list[StepPage]:
    """The pages of a form before anything is answered; what waits for an answer is shown too."""
    zone, currency = _served(city)
    context = Context(zone=zone, currency=currency, today=today_in(zone, current_time()))
    pages = [step_page(definition, n, {}, context) for n in range(len(definition.steps))]
    return [StepPage(tuple(replace(one, waits=False) for one in page.fields)) for page in pages]


def _served(city: str) -> tuple[str, str]:
    """The time zone and the currency of a city; the common ones of one that is not served yet."""
    served = product().registry.snapshot.cities.get(city)
    return (served.timezone, served.currency) if served else (COMMON_ZONE, COMMON_CURRENCY)


def _questions_page(city: str, typed: dict[str, str], errors: Mapping[str, Any]) -> str:
    return render_template(
        "city/new_service_questions.html",
        typed=typed,
        errors=errors,
        rows=question_rows(typed),
        kinds=SIMPLE_KINDS,
        categories=CATEGORIES,
        kept=KEPT,
        **shell(city),
    )
