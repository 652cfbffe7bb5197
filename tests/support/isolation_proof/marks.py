"""Marks: words that stand in rows of one city or one resident, and in nothing else."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field

MARK = re.compile(r"qz[a-p]{8}zq", re.IGNORECASE)


@dataclass(frozen=True)
class Owner:
    """Whose a mark is: a city's, which everyone in it may read, or one resident's there."""

    city: str
    resident: str = ""


@dataclass
class Marks:
    """Every mark that was written anywhere, and whose it is."""

    owners: dict[str, Owner] = field(default_factory=dict)

    def of(self, city: str, resident: str = "") -> str:
        """The mark of a city, or of a resident of it; made when first asked for."""
        digest = hashlib.sha256(f"{city}/{resident}".encode()).hexdigest()[:8]
        letters = "".join(chr(ord("a") + int(digit, 16)) for digit in digest)
        mark = f"Qz{letters}zq"
        self.owners[mark.lower()] = Owner(city, resident)
        return mark


@dataclass(frozen=True)
class Reader:
    """Who asks: a resident, a member of a city's staff (who may read all of it), a back office, or
    nobody that is known there."""

    city: str
    resident: str = ""
    reads_all: bool = False

    def may_read(self, owner: Owner) -> bool:
        """Whether a mark may stand in what they are answered."""
        if owner.city != self.city:
            return False
        return not owner.resident or self.reads_all or owner.resident == self.resident


@dataclass
class Findings:
    """What was found in the answers to one reader, or to all."""

    answers: Counter[str] = field(default_factory=Counter)
    """By kind of request."""
    statuses: Counter[int] = field(default_factory=Counter)
    own: Counter[str] = field(default_factory=Counter)
    """Marks that the reader may read, by kind: without any the search could not fail."""
    leaks: list[tuple[str, str]] = field(default_factory=list)
    """What was asked, and the mark that was found."""

    def note(
        self, kind: str, asked: str, status: int, text: str, reader: Reader, marks: Marks
    ) -> None:
        """Search one answer; what was asked for may stand in it, as the words of a search do."""
        self.answers[kind] += 1
        self.statuses[status] += 1
        said = set(map(str.lower, MARK.findall(asked)))
        for mark in set(map(str.lower, MARK.findall(text))) - said:
            owner = marks.owners.get(mark)
            if owner is not None and reader.may_read(owner):
                self.own[kind] += 1
            else:
                self.leaks.append((asked, mark))

    def add(self, others: Collection[Findings]) -> Findings:
        """These findings with others'."""
        for one in others:
            self.answers += one.answers
            self.statuses += one.statuses
            self.own += one.own
            self.leaks += one.leaks
        return self
