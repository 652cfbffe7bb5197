"""The first page of a service's desk on the console: what it holds, a search, and the import of a
table."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from flask import render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _

from smartcity_saas.catalog.service import Imported, Importer, ImportRequest
from smartcity_saas.configuration.city import City
from smartcity_saas.configuration.csv_input import csv_problem
from smartcity_saas.configuration.problems import Problem
from smartcity_saas.errors import Invalid, NotFound
from smartcity_saas.identity.assisted_service.access_log import not_shown
from smartcity_saas.identity.authorization import signed_in_member
from smartcity_saas.product import product
from smartcity_saas.tenancy.context import tenant_context
from smartcity_saas.tenancy.current import city_by_slug, current_time
from smartcity_saas.web.policy import ConsoleBlueprint

MOST_SHOWN = 100
"""How many faults of an import its page lists."""


def desk_page(
    blueprint: ConsoleBlueprint, service: str, *, columns: Sequence[str], longest_text: int
) -> Callable[[Callable[[City, str], Mapping[str, Any]]], Callable[..., str]]:
    """Register the first page of a service's desk, and the import that it sends.

    The page is ``<service>/desk.html``. Decorates what reads the service's own part of it, in the
    city: the city and what was searched for (at most ``longest_text`` characters), to the values
    of the template. Gives the function that renders the page, for the other pages of the desk: a
    city's slug, and further values by keyword.

    Args:
        blueprint: The desk's.
        service: Its name.
        columns: Of the table that its importer takes.
        longest_text: How many characters of a search are read.
    """
    path = service.replace("_", "-")

    def decorate(read: Callable[[City, str], Mapping[str, Any]]) -> Callable[..., str]:
        def show(city: str, **values: Any) -> str:
            served = city_by_slug(city)
            text = request.args.get("text", "").strip()[:longest_text]
            with tenant_context(served.id):
                own = read(served, text)
            common = {
                "text_wanted": text,
                "columns": list(columns),
                "most_shown": MOST_SHOWN,
                "import_path": f"/cities/{city}/{path}",
                "result": None,
                "problems": [],
            }
            return render_template(f"{service}/desk.html", **{**common, **own, **values})

        @blueprint.page(f"/cities/<city>/{path}", permission="city.desk")
        def desk(city: str) -> ResponseReturnValue:
            """What the service holds, a search, and the form that imports a table."""
            return show(city)

        @blueprint.page(f"/cities/<city>/{path}", permission="city.desk", methods=("POST",))
        def import_file(city: str) -> ResponseReturnValue:
            """Import a table."""
            importer = product().services[service].importer
            if importer is None:
                raise NotFound
            result, problems = taken_upload(city_by_slug(city), importer)
            return show(city, result=result, problems=problems), 422 if problems else 200

        return show

    return decorate


def taken_upload(city: City, importer: Importer) -> tuple[Imported | None, list[Problem]]:
    """Import the file of the present request's form; the result, and every fault."""
    member = signed_in_member()
    upload = request.files.get("file")
    if not upload or not upload.filename:
        return None, [csv_problem("", 0, "", _("Choose a file first."))]
    try:
        with tenant_context(city.id), not_shown():
            result = importer(
                ImportRequest(
                    member.actor,
                    city,
                    upload.read(),
                    _file_name(upload.filename),
                    current_time(),
                    all_or_nothing="all_or_nothing" in request.form,
                )
            )
    except Invalid as error:
        return None, error.problems
    return result, result.problems


def _file_name(given: str) -> str:
    """A file's name as people read it again: short, and of characters that show."""
    return "".join(one for one in given if one.isprintable())[:80] or "upload.csv"
