"""Pages that add a service that is a form, whichever document it stands in: from the library, by questions, or
as YAML; looked at before it is saved."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from flask import abort, redirect, render_template, request
from flask.typing import ResponseReturnValue

from smartcity_saas.catalog.categories import CATEGORIES
from smartcity_saas.clock import COMMON_ZONE, today_in
from smartcity_saas.configuration.city import LiveDocument
from smartcity_saas.configuration.merge import Layer, get, merge
from smartcity_saas.configuration.problems import Problem
from smartcity_saas.configuration.revisions import RevisionView
from smartcity_saas.configuration.schema import COMMON_CURRENCY
from smartcity_saas.configuration.validation import Candidate
from smartcity_saas.errors import FieldErrors, Invalid
from smartcity_saas.forms.definition import Definition, read_definition
from smartcity_saas.forms.document import FormSchema
from smartcity_saas.forms.fields import Context
from smartcity_saas.forms.library import samples
from smartcity_saas.forms.step_page import StepPage, step_page
from smartcity_saas.identity.authorization import documents
from smartcity_saas.portals.base_revision import base_revision
from smartcity_saas.portals.document_pages import address_of
from smartcity_saas.portals.pasted_service import SERVICES, PlacedService, place, read_pasted
from smartcity_saas.portals.service_questions import (
    ALL_KINDS,
    KEPT,
    SIMPLE_KINDS,
    definition_text,
    question_rows,
)
from smartcity_saas.product import product
from smartcity_saas.tenancy.current import current_time
from smartcity_saas.texts import Text
from smartcity_saas.web.money import parse_money
from smartcity_saas.web.policy import ConsoleBlueprint


@dataclass(frozen=True)
class Reach:
    """What becomes of a new service in some cities: in words, and in which."""

    words: Text
    cities: Sequence[LiveDocument]


@dataclass(frozen=True)
class NewServicePages:
    """Where services are added to a kind of document.

    ``rule`` is its place in addresses, ``name`` turns the address's arguments into the document's
    name, ``change`` is the permission that adding needs, ``shell`` gives a page what its portal's
    navigation needs, ``here`` is its place there, ``after`` the page below ``rule`` that tells what
    was saved and takes it back. ``reach`` tells what adding means beyond the document, of the
    document as it would be and the service's name; whoever adds has to have read it.
    """

    rule: str
    name: Callable[..., str]
    change: str
    shell: Callable[..., dict[str, Any]]
    here: str
    after: str
    reach: Callable[[Candidate, str], Sequence[Reach]] = lambda candidate, service: ()


@dataclass(frozen=True)
class LookedAt:
    """A definition as it would be in its document: what is wrong with it, at its own lines; what it
    defines and means where nothing is."""

    problems: Sequence[Problem]
    definition: Definition | None = None
    reach: Sequence[Reach] = ()

    @property
    def mark(self) -> str:
        """A mark of what it means, by which it is known that it was read."""
        said = [(str(one.words), [city.name for city in one.cities]) for one in self.reach]
        return hashlib.sha256(repr(said).encode()).hexdigest()


def add_new_service_pages(blueprint: ConsoleBlueprint, pages: NewServicePages) -> None:
    """Register the pages of a kind of document."""
    _add_ways(blueprint, pages)
    _add_text(blueprint, pages)
    _add_questions(blueprint, pages)


def _add_ways(blueprint: ConsoleBlueprint, pages: NewServicePages) -> None:
    @blueprint.page(f"{pages.rule}/new-service", permission=pages.change)
    def new_service(**where: str) -> ResponseReturnValue:
        """The ways to add one: a sample of the library, questions of one's own, YAML."""
        found = samples(product().settings.config_root)
        merged = merge([one.layer for one in documents().layers(pages.name(**where))]).values
        return _page(
            "new_service",
            pages,
            where,
            in_use=merged.get("services") or {},
            categories={
                title["en"]: (title, inside)
                for name, title in CATEGORIES.items()
                if (inside := [one for one in found if one.category == name])
            },
        )


def _add_text(blueprint: ConsoleBlueprint, pages: NewServicePages) -> None:
    @blueprint.page(f"{pages.rule}/new-service/yaml", permission=pages.change)
    def new_service_text(**where: str) -> ResponseReturnValue:
        """The definition as YAML, that of a sample to begin with, and how it would look."""
        chosen = request.args.get("sample", "")
        found = {one.name: one.text for one in samples(product().settings.config_root)}
        if chosen and chosen not in found:
            abort(404)
        return _text_page(pages, where, found.get(chosen, ""))

    @blueprint.page(f"{pages.rule}/new-service/yaml", permission=pages.change, methods=("POST",))
    def save_new_service(**where: str) -> ResponseReturnValue:
        """Look at a definition, or add it to the catalog."""
        text = request.form.get("text", "").replace("\r\n", "\n")
        if "preview" in request.form:
            return _text_page(pages, where, text)
        live = documents().live_revision(pages.name(**where))
        if base_revision() == live.number and _is_unread(pages, where, text):
            return _text_page(pages, where, text, is_unread=True), 409
        try:
            placed = _placed(pages.name(**where), text)
            made = _saved(placed)
        except Invalid as error:
            return _text_page(pages, where, text, error), 422
        told = {"done": made.number if made else 0, "added": placed.pasted.name}
        return redirect(f"{address_of(pages.rule, where)}{pages.after}?{urlencode(told)}")


def _add_questions(blueprint: ConsoleBlueprint, pages: NewServicePages) -> None:
    @blueprint.page(f"{pages.rule}/new-service/questions", permission=pages.change)
    def new_questions(**where: str) -> ResponseReturnValue:
        """The form of whoever would rather not write YAML."""
        return _questions_page(pages, where, {}, {})

    @blueprint.page(
        f"{pages.rule}/new-service/questions", permission=pages.change, methods=("POST",)
    )
    def save_questions(**where: str) -> ResponseReturnValue:
        """The questions as YAML, to look at and to add; or room for more of them."""
        typed = request.form.to_dict()
        if "more" in typed:
            return _questions_page(pages, where, typed, {})
        try:
            return _text_page(pages, where, definition_text(typed))
        except FieldErrors as error:
            return _questions_page(pages, where, typed, error.fields), 422


def _text_page(
    pages: NewServicePages,
    where: Mapping[str, str],
    text: str,
    refused: Invalid | None = None,
    *,
    is_unread: bool = False,
) -> str:
    found = LookedAt(refused.problems if refused is not None else [])
    if refused is None and text.strip():
        found = _looked_at(pages, where, text)
    zone, currency = _zone_and_currency(pages.name(**where))
    return _page(
        "new_service_text",
        pages,
        where,
        text_typed=text,
        found=found,
        fee=parse_money(found.definition.fee, currency) if found.definition else 0,
        currency=currency,
        pages=_pages(found.definition, zone, currency) if found.definition else [],
        keys=FormSchema().fields,
        kinds=ALL_KINDS,
        problems=found.problems,
        refusal=refused.detail if refused is not None and not found.problems else None,
        is_unread=is_unread,
    )


def _is_unread(pages: NewServicePages, where: Mapping[str, str], text: str) -> bool:
    """Whether adding means something that whoever adds has not read."""
    found = _looked_at(pages, where, text)
    return bool(found.reach) and request.form.get("read", "") != found.mark


def _looked_at(pages: NewServicePages, where: Mapping[str, str], text: str) -> LookedAt:
    try:
        placed = _placed(pages.name(**where), text)
    except Invalid as error:
        return LookedAt(error.problems)
    found = [placed.typed(one) for one in documents().problems([placed.candidate])]
    if found:
        return LookedAt(found)
    reach = pages.reach(placed.candidate, placed.pasted.name)
    return LookedAt([], _definition(_merged(placed)), reach)


def _placed(name: str, text: str) -> PlacedService:
    """What was typed, in a document. Raises as ``read_pasted`` and ``place``."""
    live = documents().live_revision(name)
    return place(read_pasted(text), name, live.text, documents().live(name).files)


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


def layers_with(candidate: Candidate) -> list[Layer]:
    """The layers of a document with a candidate in its place, the most general first."""
    *above, own = [found.layer for found in documents().layers(candidate.name)]
    return [*above, replace(own, values=candidate.source.values)]


def _merged(placed: PlacedService) -> Mapping[str, Any]:
    """The service as the document would have it: what is not written stands in a document above."""
    values = merge(layers_with(placed.candidate)).values
    found: Mapping[str, Any] = values[SERVICES][placed.pasted.name]
    return found


def _definition(values: Mapping[str, Any]) -> Definition:
    own = FormSchema().fields
    return read_definition(FormSchema().load({key: values[key] for key in values if key in own}))


def _zone_and_currency(name: str) -> tuple[str, str]:
    """Those that a document has of its own or from above; the common ones where none names any."""
    values = merge([found.layer for found in documents().layers(name)]).values
    return (
        get(values, ("site", "timezone"), COMMON_ZONE),
        get(values, ("site", "currency"), COMMON_CURRENCY),
    )


def _pages(definition: Definition, zone: str, currency: str) -> list[StepPage]:
    """The pages of a form before anything is answered; what waits for an answer is shown too."""
    context = Context(zone=zone, currency=currency, today=today_in(zone, current_time()))
    pages = [step_page(definition, n, {}, context) for n in range(len(definition.steps))]
    return [StepPage(tuple(replace(one, waits=False) for one in page.fields)) for page in pages]


def _questions_page(
    pages: NewServicePages,
    where: Mapping[str, str],
    typed: dict[str, str],
    errors: Mapping[str, Any],
) -> str:
    return _page(
        "new_service_questions",
        pages,
        where,
        typed=typed,
        errors=errors,
        rows=question_rows(typed),
        kinds=SIMPLE_KINDS,
        categories=CATEGORIES,
        kept=KEPT,
    )


def _page(template: str, own: NewServicePages, where: Mapping[str, str], **values: Any) -> str:
    return render_template(
        f"console/{template}.html",
        document=documents().live(own.name(**where)),
        base=address_of(own.rule, where),
        here=own.here,
        **values,
        **own.shell(**where),
    )
