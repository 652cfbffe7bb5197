"""Number plates of motor vehicles (GA 36), as people type them and as they are read.

The forms are those of GA 36-2007 as public copies quote it (the text of the edition of 2018 is not
public): the province, the letter of the office, and a serial of which two places at most are
letters, never I or O.
"""

from __future__ import annotations

import re

from smartcity_saas.web.name_folding import folded_name

_PROVINCE = "[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼]"
_ALNUM = "[A-HJ-NP-Z0-9]"
"""Letters and digits of a serial: I and O are not used."""
_ORDINARY = re.compile(f"{_PROVINCE}[A-Z]{_ALNUM}{{4}}(?:{_ALNUM}|[挂学警港澳领])")
"""Cars and lorries; trailers, learners, police, Hong Kong and Macau, consulates."""
_OTHERS = re.compile(
    "|".join(
        (
            f"{_PROVINCE}[A-Z](?:[A-HJK]{_ALNUM}[0-9]{{4}}|[0-9]{{5}}[A-HJK])",  # new energy
            "[使领][0-9]{6}|[0-9]{6}[使领]",  # embassies and consulates, the older form first
            f"{_PROVINCE}[XS][0-9]{{4}}应急",  # fire and rescue (State Council 2018, no. 114)
            f"WJ{_PROVINCE}?[0-9]{{4}}[0-9TDSHBXJ]",  # armed police
            "[VKHBSLJNGCE][A-DJ-PR-TVY][0-9]{5}",  # armed forces
        )
    )
)

MOST_LETTERS = 2


def plate_of(text: str) -> str | None:
    """A plate as it is written, from what was typed; None if it is none.

    Full-width characters, spaces, dots, hyphens and small letters are what people type.
    """
    plate = re.sub(r"[·-]", "", folded_name(text)).upper()
    if _OTHERS.fullmatch(plate):
        return plate
    letters = sum(1 for character in plate[2:7] if character.isascii() and character.isalpha())
    if _ORDINARY.fullmatch(plate) and letters <= MOST_LETTERS:
        return plate
    return None


def shown(plate: str) -> str:
    """A plate as it is read: ``浙A·12345``, ``使014·578``, ``WJ浙·12345``."""
    before = 4 if plate[0] in "使领" else 3 if plate[0].isdigit() or plate[:2] == "WJ" else 2
    return f"{plate[:before]}·{plate[before:]}"
