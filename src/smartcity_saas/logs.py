"""Loggers (structlog), without what it would load to colour tracebacks on a terminal.

Wherever rich is installed structlog loads it, and pygments with it: 7 MB a process, for lines that
are JSON (``observability.py``). So it is loaded here, once, as if rich were not there.
"""

from __future__ import annotations

from smartcity_saas.lazy_imports import hidden

with hidden("rich"):
    import structlog
    from structlog import get_logger
    from structlog.typing import EventDict, Processor

__all__ = ["EventDict", "Processor", "get_logger", "structlog"]
