"""The scorecard on the console: what is known of every item, entering a figure, importing many."""

from __future__ import annotations

from typing import Any

from flask import abort, redirect, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from marshmallow import ValidationError

from smartcity_saas.catalog.desk import MOST_SHOWN, taken_upload
from smartcity_saas.clock import is_past, read_day, today_in
from smartcity_saas.configuration.fields import no_control_characters
from smartcity_saas.identity.authorization import documents, signed_in_member
from smartcity_saas.portals.city.blueprint import ROOT, blueprint, shell
from smartcity_saas.portals.scorecard_rows import edition_wanted
from smartcity_saas.product import product
from smartcity_saas.scorecard.card import card_of
from smartcity_saas.scorecard.csv_import import COLUMNS, ValueImporter
from smartcity_saas.scorecard.figures import FIGURES
from smartcity_saas.scorecard.standard import Edition, Item
from smartcity_saas.scorecard.summaries import write_summary
from smartcity_saas.scorecard.values import (
    LONGEST_SOURCE,
    MOST_HUNDREDTHS,
    current_values,
    enter,
    history,
    item_of,
    oldest_that_counts,
    take_back,
)
from smartcity_saas.tenancy.context import tenant_context
from smartcity_saas.tenancy.current import city_by_slug, current_time
from smartcity_saas.web.charts import range_bar
from smartcity_saas.web.csv_output import csv_response
from smartcity_saas.web.numbers import NotPlain, parse_decimal, plain_decimal

PERMISSION = "city.scorecard"
_ITEM = f"{ROOT}/scorecard/items/<number>"


@blueprint.page(f"{ROOT}/scorecard", permission="city.see")
def scorecard(city: str) -> ResponseReturnValue:
    """Every item with what is known of it."""
    return _page(city, _edition())


@blueprint.page(f"{ROOT}/scorecard", permission=PERMISSION, methods=("POST",))
def import_scorecard(city: str) -> ResponseReturnValue:
    """Import figures from a CSV."""
    edition = _edition()
    result, problems = taken_upload(
        city_by_slug(city), lambda request: ValueImporter(request, edition).run()
    )
    if result is not None and result.stored:
        _tell(city, edition)
    return _page(city, edition, result=result, problems=problems), 422 if problems else 200


@blueprint.page(f"{ROOT}/scorecard/template.csv", permission="city.see")
def scorecard_template(city: str) -> ResponseReturnValue:
    """A CSV to fill in: every item that was read, with what is entered."""
    edition = _edition()
    with tenant_context(city_by_slug(city).id):
        values = current_values(edition)
    rows = []
    for item in edition.items:
        value = values.get(item.number)
        filled = (
            ["", "", ""]
            if value is None or value.hundredths is None
            else [plain_decimal(value.hundredths, 2), value.source, value.as_of.isoformat()]
        )
        rows.append([item.number, item.name["zh"], *filled])
    header = ["item", "name", *COLUMNS[1:]]
    return csv_response(f"{city}-scorecard-{edition.year}.csv", header, rows)


@blueprint.page(_ITEM, permission="city.see")
def scorecard_item(city: str, number: str) -> ResponseReturnValue:
    """One item: the form for a figure, and everything that was entered."""
    edition = _edition()
    return _item_page(city, edition, item_of(edition, number), {}, {})


@blueprint.page(_ITEM, permission=PERMISSION, methods=("POST",))
def enter_figure(city: str, number: str) -> ResponseReturnValue:
    """Enter a figure."""
    edition, found = _edition(), city_by_slug(city)
    item = item_of(edition, number)
    typed = {name: request.form.get(name, "").strip() for name in COLUMNS[1:]}
    errors = _errors(typed, found.timezone)
    if errors:
        return _item_page(city, edition, item, typed, errors), 422
    as_of, actor = read_day(typed["as_of"]) or abort(422), signed_in_member().actor
    with tenant_context(found.id):
        enter(
            actor,
            edition,
            item,
            parse_decimal(typed["value"], 2, MOST_HUNDREDTHS),
            typed["source"],
            as_of,
            current_time(),
        )
    _tell(city, edition)
    return redirect(f"/cities/{city}/scorecard/items/{number}?edition={edition.year}")


@blueprint.page(f"{_ITEM}/take-back", permission=PERMISSION, methods=("POST",))
def take_figure_back(city: str, number: str) -> ResponseReturnValue:
    """Take back what was entered."""
    edition, found = _edition(), city_by_slug(city)
    item, actor = item_of(edition, number), signed_in_member().actor
    with tenant_context(found.id):
        take_back(actor, edition, item, found.timezone, current_time())
    _tell(city, edition)
    return redirect(f"/cities/{city}/scorecard/items/{number}?edition={edition.year}")


def _edition() -> Edition:
    return edition_wanted() or abort(404)


def _tell(city: str, edition: Edition) -> None:
    """Let the city's site and the comparison of cities know at once."""
    found = city_by_slug(city)
    with tenant_context(found.id):
        write_summary(card_of(found, edition, current_time()))
    documents().touch_content(city)


def _page(city: str, edition: Edition, **values: Any) -> str:
    found = city_by_slug(city)
    with tenant_context(found.id):
        card = card_of(found, edition, current_time())
    common = {
        "card": card,
        "editions": product().editions.values(),
        "figures": FIGURES,
        "range_bar": range_bar,
        "columns": list(COLUMNS),
        "most_shown": MOST_SHOWN,
        "import_path": f"/cities/{city}/scorecard?edition={edition.year}",
        "result": None,
        "problems": [],
    }
    return render_template("city/scorecard.html", **{**common, **values}, **shell(city))


def _item_page(
    city: str, edition: Edition, item: Item, typed: dict[str, str], errors: dict[str, Any]
) -> str:
    found = city_by_slug(city)
    with tenant_context(found.id):
        entries = history(edition, item)
        line = card_of(found, edition, current_time()).lines[item.number]
    return render_template(
        "city/scorecard_item.html",
        edition=edition,
        item=item,
        line=line,
        entries=entries,
        figures=FIGURES,
        typed=typed,
        errors=errors,
        longest=LONGEST_SOURCE,
        **shell(city),
    )


def _errors(typed: dict[str, str], zone: str) -> dict[str, Any]:
    errors: dict[str, Any] = {}
    try:
        parse_decimal(typed["value"], 2, MOST_HUNDREDTHS)
    except NotPlain as error:
        errors["value"] = error.message
    source = typed["source"]
    if not 1 <= len(source) <= LONGEST_SOURCE:
        errors["source"] = _("Enter 1 to %(most)s characters.", most=LONGEST_SOURCE)
    else:
        try:
            no_control_characters(source)
        except ValidationError as error:
            errors["source"] = error.args[0]
    day = _day_error(typed["as_of"], zone)
    return {**errors, "as_of": day} if day else errors


def _day_error(text: str, zone: str) -> Any:
    day, now = read_day(text), current_time()
    if day is None:
        return _("Enter a date, such as 2026-11-30.")
    if not is_past(day, zone, now):
        return _("This date is in the future.")
    if day < oldest_that_counts(today_in(zone, now)):
        return _("This is older than 12 months and would count as missing.")
    return None
