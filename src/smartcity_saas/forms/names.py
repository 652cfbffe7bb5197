"""Words of the room that documents and code share."""

from __future__ import annotations

from enum import StrEnum

KIND = "form"
"""The kind of service, as a catalog's entry says it."""
LONGEST_SHORT_TEXT = 200
LONGEST_LONG_TEXT = 4_000
MOST_FILES = 10
LARGEST_NUMBER = 10**15
"""What no number in a form comes to."""
MOST_FIELDS = 100
"""Fields of one definition, over all its steps."""
LONGEST_PERIOD = {"years": 100, "months": 1_200, "days": 36_500}
"""The largest number of a period, by its unit."""
MOST_OPEN = 10
"""Applications of one resident that are under way by one form, where it says nothing else."""
YES, NO = "yes", "no"


class FieldKind(StrEnum):
    """What a field asks for."""

    TEXT = "text"
    LONG_TEXT = "long_text"
    WHOLE_NUMBER = "whole_number"
    DECIMAL = "decimal"
    MONEY = "money"
    DATE = "date"
    DATE_RANGE = "date_range"
    CHOICE = "choice"
    CHOICES = "choices"
    YES_NO = "yes_no"
    PHONE = "phone"
    RESIDENT_NUMBER = "resident_number"
    PLATE = "plate"
    ADDRESS = "address"
    FILE = "file"
    PHOTOGRAPH = "photograph"
    PERSON = "person"
    DECLARATION = "declaration"


class ResultKind(StrEnum):
    """What somebody has in the end."""

    NONE = "none"
    LETTER = "letter"
    CERTIFICATE = "certificate"


TEXTS = frozenset({FieldKind.TEXT, FieldKind.LONG_TEXT})
NUMBERS = frozenset({FieldKind.WHOLE_NUMBER, FieldKind.DECIMAL, FieldKind.MONEY})
DATES = frozenset({FieldKind.DATE, FieldKind.DATE_RANGE})
CHOICES = frozenset({FieldKind.CHOICE, FieldKind.CHOICES})
FILES = frozenset({FieldKind.FILE, FieldKind.PHOTOGRAPH})
USUAL_LENGTH = {FieldKind.TEXT: LONGEST_SHORT_TEXT, FieldKind.LONG_TEXT: LONGEST_LONG_TEXT}
"""The most characters of a text whose field says nothing else."""
INSERTABLE = frozenset(FieldKind) - FILES - {FieldKind.LONG_TEXT}
"""The kinds whose answer is one line, which the text of a paper can have in it."""
CONDITIONS = CHOICES | {FieldKind.YES_NO, FieldKind.DECLARATION}
"""The kinds on whose answer it may depend whether another field is asked."""

DEFAULT_LABELS = {
    FieldKind.PHONE: {"zh": "手机号", "en": "Mobile number"},
    FieldKind.RESIDENT_NUMBER: {"zh": "身份证号", "en": "Resident ID number"},
    FieldKind.PLATE: {"zh": "车牌号", "en": "Number plate"},
    FieldKind.ADDRESS: {"zh": "地址", "en": "Address"},
    FieldKind.PHOTOGRAPH: {"zh": "照片", "en": "Photograph"},
    FieldKind.PERSON: {"zh": "给谁办", "en": "Who this is for"},
    FieldKind.DECLARATION: {"zh": "声明", "en": "Declaration"},
}
"""What a field of a kind is called that has no label of its own; other kinds need one."""

HOLDER = "name"
"""What stands for whose paper it is in the paper's text; no field is called so."""
APPLICATIONS = "applications"
"""What all forms share: acts of the audit log, pages, tasks."""
ROOT = "/services"
MINE = "/applications"
VERIFY = "/verify"
"""Where whoever has a paper sees whether it is valid, before its code."""
