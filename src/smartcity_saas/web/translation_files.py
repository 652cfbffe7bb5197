"""Translations, read from ``.po`` files and compiled in memory: none can be stale."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import Translations


def compiled(folders: Sequence[Path]) -> Translations:
    """The Chinese catalogues of some folders as one."""
    merged: Translations | None = None
    for folder in folders:
        path = folder / "zh.po"
        if not path.is_file():
            continue
        with path.open("rb") as stream:
            catalog = read_po(stream, locale="zh")
        compiled = io.BytesIO()
        write_mo(compiled, catalog)
        compiled.seek(0)
        found = Translations(compiled)
        merged = merged.merge(found) if merged else found  # the first brings the plural rule
    return merged or Translations()
