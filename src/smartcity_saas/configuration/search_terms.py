"""What is typed into a search, and the ways in which a text may be typed: as written, in traditional
characters or full width, in pinyin, by initials, with one slip."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any, TypeVar

LONGEST = 60
SLIP = 0.5
"""How well something fits that is one slip away from what was typed."""
_PIECES = re.compile(r"[\u3400-\u9fff\U00020000-\U000323af]+|[^\W_]+")
_HAN = re.compile(r"[\u3400-\u9fff\U00020000-\U000323af]")
_LITTLE_WORDS = frozenset(
    [
        "a",
        "an",
        "and",
        "at",
        "can",
        "do",
        "for",
        "from",
        "how",
        "i",
        "in",
        "is",
        "it",
        "me",
        "my",
        "of",
        "on",
        "or",
        "please",
        "the",
        "to",
        "want",
        "we",
        "where",
        "with",
    ]
)
_PLACES = {
    "长治": ["cháng", "zhì"],
    "朝阳": ["cháo", "yáng"],
    "漯河": ["luò", "hé"],
    "郭勒": ["guō", "lè"],
    "勒苏": ["lè", "sū"],
    "阿勒泰": ["ā", "lè", "tài"],
}
"""Names of places whose characters have another reading elsewhere."""

T = TypeVar("T")


@dataclass(frozen=True)
class Spellings:
    """How one text may be typed: whole and by pieces, in pinyin, and by pinyin's initials."""

    written: tuple[str, ...]
    sounds: tuple[str, ...]
    initials: str

    @cached_property
    def whole(self) -> str:
        """Everything that a piece may stand in, in one text."""
        return "\n".join((*self.written, *self.sounds, self.initials))

    @cached_property
    def texts(self) -> tuple[str, ...]:
        """Those that may be part of a piece, or have a slip in them."""
        return (*self.written, *self.sounds)

    @cached_property
    def lengths(self) -> frozenset[int]:
        """How long these are."""
        return frozenset(map(len, self.texts))


@dataclass(frozen=True)
class Query:
    """What somebody typed, folded and split."""

    pieces: tuple[str, ...]

    @classmethod
    def of(cls, typed: str) -> Query:
        """A query from its text, of which sixty characters count."""
        found = tuple(_PIECES.findall(folded(typed)))
        return cls(tuple(one for one in found if one not in _LITTLE_WORDS) or found)

    def __bool__(self) -> bool:
        return bool(self.pieces)

    def score(self, texts: Iterable[str], *, slips: bool = True) -> float:
        """How well some texts answer: 1 if they are just what was typed, 0 if not at all, ``SLIP``
        if one slip stands between, which may be left out of account."""
        ways = [spellings(text) for text in texts]
        apart = [_best(piece, ways, slips) for piece in self.pieces]
        joined = _best("".join(self.pieces), ways, slips) if len(apart) > 1 else 0.0
        return max(joined, sum(apart) / len(apart)) if apart else 0.0

    def best(self, things: Iterable[T], texts: Callable[[T], Iterable[str]]) -> list[T]:
        """The things whose texts answer, the best first. A slip is forgiven only where nothing
        answers without one."""
        among = [(one, tuple(texts(one))) for one in things]
        for slips in (False, True):
            scored = [(self.score(words, slips=slips), one) for one, words in among]
            least = max((score for score, _one in scored), default=0.0) / 2
            found = [one for one in scored if one[0] >= max(least, SLIP / 2)]
            if found:
                return [one for _score, one in sorted(found, key=lambda one: -one[0])]
        return []

    def within(self, text: str) -> bool:
        """Whether every piece stands in a long text, as written."""
        whole = folded(text, longest=None)
        return bool(self.pieces) and all(piece in whole for piece in self.pieces)


@cache
def spellings(text: str) -> Spellings:
    """The ways in which a text may be typed."""
    whole = folded(text)
    pieces = _PIECES.findall(whole)
    written = dict.fromkeys(("".join(pieces), *pieces))
    syllables = [_syllables(piece) for piece in pieces if _HAN.match(piece)]
    every = [one for piece in syllables for one in piece]
    sounds = dict.fromkeys("".join(one) for one in (*syllables, every) if one)
    initials = "".join(one[0] for one in every)
    return Spellings(tuple(filter(None, written)), tuple(sounds), initials)


def folded(text: str, longest: int | None = LONGEST) -> str:
    """A text in compatibility form (NFKC), without case and accents, in simplified characters."""
    whole = unicodedata.normalize("NFKC", text).casefold()[:longest]
    if not whole.isascii():
        bare = unicodedata.normalize("NFD", whole)
        whole = "".join(one for one in bare if unicodedata.category(one) != "Mn")
    return _simplifier().convert(whole) if _HAN.search(whole) else whole


def _best(piece: str, ways: Iterable[Spellings], slips: bool) -> float:
    han = bool(_HAN.match(piece))
    found = max((_fit(piece, one, han) for one in ways if _may_fit(piece, one)), default=0.0)
    return SLIP if not found and slips and any(_nearly(piece, one, han) for one in ways) else found


def _may_fit(piece: str, way: Spellings) -> bool:
    """Whether a piece is part of what a text may be typed as, or has some of that in it."""
    return piece in way.whole or any(one in piece for one in way.texts)


def _fit(piece: str, way: Spellings, han: bool) -> float:
    """How well one piece fits one text, in whichever way it fits best."""
    found = max((_written(piece, one, han) for one in way.written), default=0.0)
    if han or found or len(piece) < 2:
        return found
    sounds = max((0.9 * _written(piece, one, han) for one in way.sounds), default=0.0)
    initials = 0.8 if piece == way.initials else 0.6 if piece in way.initials else 0.0
    return max(sounds, initials)


def _written(piece: str, text: str, han: bool) -> float:
    if piece == text:
        return 1.0
    if piece in text and len(piece) >= (1 if han else 2):
        return 0.7 + 0.2 * len(piece) / len(text)
    if text in piece and len(text) >= (2 if han else 5):
        return 0.6 + 0.2 * len(text) / len(piece)
    return 0.0


def _nearly(piece: str, way: Spellings, han: bool) -> bool:
    """Whether a piece is one slip away: a letter, or characters of the same sound."""
    if han and len(piece) > 1 and any(one.startswith(_sound(piece)) for one in way.sounds):
        return True
    if way.lengths.isdisjoint(range(len(piece) - 1, len(piece) + 2)):
        return False
    return any(_one_slip(piece, one, han) for one in way.texts)


def _one_slip(piece: str, text: str, han: bool) -> bool:
    """Whether one letter is wrong, missing, too many, or swapped with the next."""
    shorter, longer = sorted((len(piece), len(text)))
    if (
        piece.isdigit()
        or longer - shorter > 1
        or shorter < (3 if han else 4)
        or longer < (3 if han else 5)
    ):
        return False
    from rapidfuzz.distance import OSA  # with the rest of what only a search needs

    return OSA.distance(piece, text, score_cutoff=1) <= 1


@cache
def _sound(piece: str) -> str:
    return "".join(_syllables(piece))


def _syllables(piece: str) -> list[str]:
    return [one for one in _pinyin()(piece, errors="ignore") if one]


@cache
def _pinyin() -> Any:
    # Its dictionary of phrases takes a second and forty megabytes, so whoever never searches
    # never loads it.
    from pypinyin import lazy_pinyin, load_phrases_dict

    load_phrases_dict({name: [[one] for one in sound] for name, sound in _PLACES.items()})
    return lazy_pinyin


@cache
def _simplifier() -> Any:
    from opencc import OpenCC  # 6 MB, for the same reason

    return OpenCC("t2s")
