"""Nothing: documents do not name the console, which sends in the demo alone."""

from __future__ import annotations

from smartcity_saas.configuration.extensions import Part

parts: tuple[Part, ...] = ()
