"""How the cities of the registry are compiled, in whichever thread asks for one first."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from flask import Flask

from smartcity_saas.configuration.city import City, LiveDocument, compile_city
from smartcity_saas.configuration.extensions import Extensions
from smartcity_saas.errors import Invalid
from smartcity_saas.logs import get_logger
from smartcity_saas.tenancy.context import without_tenant
from smartcity_saas.tenancy.earlier_revisions import last_good

log = get_logger(__name__)


class CityCompiler:
    """Compiles cities for an application. ``lock`` is held by whoever compiles one."""

    def __init__(self, app: Flask, extensions: Extensions) -> None:
        self.app = app
        self.extensions = extensions
        self.lock = threading.Lock()

    def compiled(
        self, above: Sequence[LiveDocument], own: LiveDocument
    ) -> tuple[City | None, str | None]:
        """The city by its newest revision, or why that does not compile."""
        try:
            return compile_city([*above, own], self.extensions), None
        except Invalid as error:
            log.error("city_registry.city_does_not_compile", city=own.name, revision=own.number)
            return None, str(error.detail)

    def last_good(self, above: Sequence[LiveDocument], own: LiveDocument) -> City | None:
        """The city by its newest earlier revision that compiles. Revisions are the platform's rows:
        they are read outside any city, though whoever asks may be in one."""
        with self.app.app_context(), without_tenant():
            return last_good(above, own, self.extensions)
