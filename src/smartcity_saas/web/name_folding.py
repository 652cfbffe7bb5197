"""Names of people and companies, as they are compared: however they were typed or padded."""

from __future__ import annotations

import unicodedata

_DOTS = "·•‧∙⋅・ㆍ᛫ᐧ⸱⸳ꞏ●․."
"""Between the parts of a name people type any of these (W3C clreq, issue 512)."""
_BLANK = ("Zs", "Zl", "Zp", "Cc", "Cf")
_ONE_DOT = str.maketrans(dict.fromkeys(_DOTS, "·"))


def folded_name(text: str) -> str:
    """A name to compare with another that was folded too: NFKC, without blanks and characters that
    do not show, small letters, one middle dot for all its kinds."""
    plain = unicodedata.normalize("NFKC", text).translate(_ONE_DOT)
    shown = "".join(one for one in plain if unicodedata.category(one) not in _BLANK)
    return unicodedata.normalize("NFKC", shown.casefold())
