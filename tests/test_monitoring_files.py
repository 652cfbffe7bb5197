"""The dashboard and the alert rules ask for metrics that there are."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from ruamel.yaml import YAML

from smartcity_saas.app import create_app
from smartcity_saas.tenancy.city_quotas import REQUESTS
from tests.support.paths import ROOT
from tests.support.world import World

ALERTS = ROOT / "deploy/prometheus/alerts.yml"
DASHBOARD = ROOT / "deploy/grafana/dashboard.json"


def alerts() -> list[dict[str, Any]]:
    groups = YAML(typ="safe", pure=True).load(ALERTS.read_text("utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def expressions() -> Iterator[str]:
    for rule in alerts():
        yield rule["expr"]
    for panel in json.loads(DASHBOARD.read_text("utf-8"))["panels"]:
        for target in panel["targets"]:
            yield target["expr"]


@pytest.fixture
def exposed(world: World) -> dict[str, set[str]]:
    """The labels of each series that ``/metrics`` gives, by name, once something has happened."""
    settings = replace(world.app.product.settings, metrics_token="t")
    app = create_app(settings, clock=world.clock, serving=False)
    with app.app_context():
        app.registry.refresh()
        city = app.registry.snapshot.cities["hangzhou"]
    for _request in range(20_000):
        if app.product.quotas.take(city, REQUESTS):
            break
    client = app.test_client()
    client.get("/", headers={"Host": "hangzhou.localhost"})
    answer = client.get("/metrics", headers={"Host": "localhost", "Authorization": "Bearer t"})
    assert answer.status_code == 200
    return {
        sample.name: set(sample.labels)
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def test_only_metrics_that_there_are_are_asked_for(exposed: dict[str, set[str]]) -> None:
    """By name, and by the labels that are chosen or summed by; nothing else would ever fire or be drawn."""
    asked = set()
    for expression in expressions():
        for name, chosen in re.findall(r"(smartcity_\w+)(?:\{([^}]*)\})?", expression):
            asked.add(name)
            assert name in exposed, expression
            assert set(re.findall(r"(\w+)=", chosen)) <= exposed[name], expression
        labels = {
            label.strip()
            for by in re.findall(r"by \(([^)]*)\)", expression)
            for label in by.split(",")
        }
        names = re.findall(r"smartcity_\w+", expression)
        assert labels <= set.union(set(), *(exposed[name] for name in names)), expression
    assert len(asked) > 8


def test_each_alert_says_what_to_do() -> None:
    """A name once, a severity, what is felt and where to look."""
    names = [rule["alert"] for rule in alerts()]
    assert len(set(names)) == len(names)
    for rule in alerts():
        assert rule["labels"]["severity"] in ("page", "ticket")
        assert {"summary", "description"} <= set(rule["annotations"])


def test_prometheus_takes_the_rules() -> None:
    """By its own tool, where it is installed."""
    if (promtool := shutil.which("promtool")) is None:
        pytest.skip("promtool is not installed (Debian: prometheus)")
    subprocess.run([promtool, "check", "rules", str(ALERTS)], check=True, capture_output=True)
