"""The addresses of sites, and of pages on them."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from flask import (
    request,
    url_for,
)

from smartcity_saas.catalog.service import Task
from smartcity_saas.product import product


def site_address(slug: str) -> str:
    """The address of a city's site, or of the console for ``console``."""
    settings = product().settings
    scheme = "https" if request and request.is_secure else "http"
    port = request.host.rpartition(":")[2] if request and ":" in request.host else ""
    suffix = f":{port}" if port.isdecimal() else ""
    return f"{scheme}://{slug}.{settings.host}{suffix}"


def city_path(endpoint: str, **arguments: Any) -> str:
    """The path of a page on a city's site, wherever the link stands."""
    return urlsplit(url_for(endpoint, **arguments)).path


def task_path(task: Task) -> str:
    """The path of a task's page."""
    return city_path(task.endpoint, **task.arguments)
