"""Nothing: documents do not name the demo's way in."""

from __future__ import annotations

from smartcity_saas.configuration.extensions import Part

parts: tuple[Part, ...] = ()
