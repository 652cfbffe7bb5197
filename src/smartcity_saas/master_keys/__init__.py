"""Where a key of the platform comes from, one file each: the environment, a file, a command.

A file exports ``suffix``, what the variable ends in, and ``read``, which turns its value into the
key. A key management service is one file more.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping

from smartcity_saas.errors import SettingsError


def read_key(env: Mapping[str, str], name: str) -> str:
    """A key by the name of its variable; empty where nothing says where it is.

    Raises:
        SettingsError: It is named twice, or cannot be read.
    """
    found = []
    for module in pkgutil.iter_modules(__path__):
        source = importlib.import_module(f"{__name__}.{module.name}")
        value = env.get(f"{name}{source.suffix}", "")
        if value:
            found.append((f"{name}{source.suffix}", source, value))
    if len(found) > 1:
        raise SettingsError(f"Set one of {' and '.join(one[0] for one in found)}, not several.")
    if not found:
        return ""
    variable, source, value = found[0]
    try:
        key: str = source.read(value)
    except (OSError, ValueError) as error:
        raise SettingsError(f"{variable}: the key cannot be read ({error}).") from None
    if not key:
        raise SettingsError(f"{variable} leads to an empty key.")
    return key
