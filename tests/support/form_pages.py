"""Steps of forms as pages: one of any form, whatever services a city has, and what a page sends."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from flask import render_template
from jinja2 import BaseLoader, ChoiceLoader, DictLoader, FileSystemLoader
from lxml import html
from werkzeug.datastructures import MultiDict

from smartcity_saas.forms.step_page import StepPage
from smartcity_saas.tenancy.flask_app import SiteFlask
from tests.support.paths import SOURCE

ADDRESS = "/services/traffic-tickets"
"""The page that shows the step in place of its own content."""
_ENDPOINT = "traffic_tickets.landing"
_STEP = """\
{% extends "resident/base.html" %}
{% from "components/forms.html" import summary %}
{% from "forms/fields.html" import step_fields with context %}
{% block title %}Step · {{ text(city.name) }}{% endblock %}
{% block main %}
{% filter named_faults("：" if lang == "zh" else ": ") %}
<h1>{{ title }}</h1>
{{ summary(page.errors) }}
<form method="post" enctype="multipart/form-data" novalidate>
  {{ step_fields(page) }}
  <button class="wide">{{ _("Continue") }}</button>
</form>
{% endfilter %}
{% endblock %}
{% block scripts %}<script src="{{ static_url("form-conditions.js") }}" defer></script>{% endblock %}
"""


@contextmanager
def shown_step(app: SiteFlask, title: str, page: Callable[[], StepPage]) -> Iterator[None]:
    """Let ``ADDRESS`` of every city show a step.

    Args:
        app: The application, which is as it was afterwards.
        title: The heading of the page.
        page: Makes the step for each request.
    """
    before, view = app.jinja_env, app.view_functions[_ENDPOINT]
    own = before.overlay()
    own.by_language = {}  # type: ignore[attr-defined]
    own.loader = ChoiceLoader([DictLoader({"step.html": _STEP}), _templates(), _loader(before)])
    app.jinja_env = own
    app.view_functions[_ENDPOINT] = lambda: render_template("step.html", title=title, page=page())
    try:
        yield
    finally:
        app.jinja_env, app.view_functions[_ENDPOINT] = before, view


def _templates() -> BaseLoader:
    return FileSystemLoader(SOURCE / "forms" / "templates")


def _loader(environment: object) -> BaseLoader:
    loader = getattr(environment, "loader", None)
    assert isinstance(loader, BaseLoader)
    return loader


def sent(page: html.HtmlElement) -> MultiDict[str, str]:
    """What a browser without the script sends of the form of a page: nothing of a ``template``."""
    for waiting in page.xpath("//template"):
        waiting.getparent().remove(waiting)
    (form,) = page.xpath("//form[@enctype]")
    values = MultiDict(form.form_values())
    for empty in form.xpath(".//input[@type='radio'][@checked][@value='']"):
        values[empty.get("name")] = ""  # where lxml says “on”
    return values
