"""The contract of a service: what a folder under ``services/`` exports as ``service``."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from flask import Blueprint
from marshmallow import Schema

from smartcity_saas.attention import AttentionProvider
from smartcity_saas.audit import Actor
from smartcity_saas.catalog.benefits import BenefitSource, RestingBenefit
from smartcity_saas.catalog.datasets import Dataset
from smartcity_saas.catalog.events import EventListener
from smartcity_saas.catalog.measured import COMMON, Measured
from smartcity_saas.catalog.rateable import RateableAct
from smartcity_saas.configuration.city import CatalogEntry, City, Localized
from smartcity_saas.configuration.csv_input import Table
from smartcity_saas.configuration.extensions import (
    EmptySchema,
    ServiceExtension,
    SettingsEffect,
)
from smartcity_saas.configuration.problems import Problem
from smartcity_saas.identity.residents.accounts import SignedInResident
from smartcity_saas.outbox import Task as Work
from smartcity_saas.payments.payable import Payable
from smartcity_saas.texts import LazyText, Text
from smartcity_saas.web.api import ApiBlueprint


@dataclass(frozen=True)
class Task:
    """A common thing to do in a service. ``endpoint`` with ``arguments`` is its page;
    ``shown`` decides from the service's settings whether a city has it."""

    title: Localized
    icon: str
    endpoint: str
    arguments: Mapping[str, str] = field(default_factory=dict)
    keywords: tuple[str, ...] = ()
    shown: Callable[[Mapping[str, Any]], bool] = lambda settings: True


@dataclass(frozen=True)
class DashboardItem:
    """One line of a resident's own page: what they already have in a service. ``amount`` is what is
    to be paid, ``waits`` whether something else is to be done by them, ``by`` the day by which, or on
    which something takes place. What waits for the resident stands first on the page, then what takes
    place, the earliest day before the later. With ``to_the_minute``, ``detail`` says by which time of
    that day, and stands where otherwise the day would."""

    title: str
    detail: str
    url: str
    icon: str
    amount: str = ""
    by: date | None = None
    to_the_minute: bool = False
    waits: bool = False

    @property
    def waits_for_resident(self) -> bool:
        """Whether there is something to be paid or done by them."""
        return bool(self.amount) or self.waits


@dataclass
class Imported:
    """What became of a file: rows by outcome, and every fault.

    ``paid_differs`` counts rows that say something else of what is paid already,
    ``holders_changed`` the things that are somebody else's by now; ``notes`` says of each which line
    it was. ``encoding`` is the one that was found, ``unread`` the columns that nobody reads.
    """

    added: int = 0
    changed: int = 0
    same: int = 0
    paid_differs: int = 0
    holders_changed: int = 0
    problems: list[Problem] = field(default_factory=list)
    notes: list[Problem] = field(default_factory=list)
    encoding: str = ""
    unread: tuple[str, ...] = ()

    @property
    def stored(self) -> int:
        """Rows that are in the database now."""
        return self.added + self.changed + self.same


@dataclass(frozen=True)
class ImportRequest:
    """A table for a service of the current city: a CSV, or what was read already.

    ``name`` is the file's, for whoever reads its faults; ``all_or_nothing`` stores nothing where a
    row has a fault; ``sample`` marks what is made as made up.
    """

    actor: Actor
    city: City
    data: bytes | Table
    name: str
    now: datetime
    all_or_nothing: bool = False
    sample: bool = False


Importer = Callable[[ImportRequest], Imported]
"""Takes a table into the current city. Importing it again changes nothing."""


@dataclass(frozen=True)
class Service:
    """Something residents use.

    ``resident`` holds its pages on a city's site, ``desk`` those of staff on the console.
    ``landing`` with ``landing_arguments`` is its first page on a city's site, ``desk_landing`` with
    the same on the console, beside ``city``. ``search`` finds what stands inside it, such as a department, by what a resident types;
    ``find_number`` what the resident has here by the number that they were told of it, which stands
    somewhere in what they type.
    ``settings_keywords`` are further words by which a city's own settings have it found.
    ``while_paused`` says in a sentence what still works while it is paused. ``dashboard`` lists what
    the resident who asks has. ``demo`` fills a city with sample rows, in demo mode only.
    ``payable`` says how its things are paid, ``work`` are its tasks of the outbox by kind,
    ``daily`` writes what a day brings (once a city and day, or more often: idempotent), and
    ``importer`` takes a CSV from the command. ``api`` holds its
    JSON, ``scopes`` what back offices may be given of it; ``protocols`` are endpoints on a city's site that
    speak what others have laid down. ``acts`` names its
    acts in the audit log, ``keeps`` says what it keeps of a person, for the page on privacy.
    ``unfinished`` lists what a resident must end before they can leave: a text and a path each.
    ``assurance`` is how sure a city must be of a resident for new business (a document may say
    otherwise). ``places`` counts the places of some days that were booked, and all that there were.
    ``events`` are those that it tells others of, ``unmet`` why one of them did not go as its kind
    says, ``listener`` hears those of others.
    ``benefits`` gives benefits that other services make good; ``resting_benefits`` says which of
    them rest for a resident here, and what brings them back.
    ``datasets`` are the tables that a city can give away as open data; ``document.py`` names them too.
    ``rateable`` are the acts that residents rate once they are over, by name.
    ``attention`` lists what waits for its desk, for the overview.
    ``probes`` asks the back office of a connector's kind whether it takes the city's secret, and gives
    in a few words what it answered; ``remarks`` says what staff should know of that back office.
    ``measured`` says what its published numbers mean.
    ``effect`` says what other settings would do to residents, before they are stored.
    Without ``assisted_service`` nobody acts for a resident here: the counter is refused.
    """

    name: str
    title: Localized
    help: Localized
    icon: str
    category: str
    resident: Blueprint
    while_paused: Localized
    landing: str
    settings: type[Schema] = EmptySchema
    connectors: Mapping[str, type[Schema]] = field(default_factory=dict)
    desk: Blueprint | None = None
    desk_landing: str | None = None
    landing_arguments: Mapping[str, Any] = field(default_factory=dict)
    keywords: tuple[str, ...] = ()
    settings_keywords: Callable[[Mapping[str, Any]], Sequence[str]] = lambda settings: ()
    tasks: Sequence[Task] = ()
    dashboard: Callable[[SignedInResident], list[DashboardItem]] = lambda resident: []
    search: Callable[[str], list[DashboardItem]] = lambda query: []
    find_number: Callable[[SignedInResident, str], list[DashboardItem]] = lambda resident, typed: []
    payable: Payable | None = None
    work: Mapping[str, Work] = field(default_factory=dict)
    daily: Callable[[datetime], None] | None = None
    importer: Importer | None = None
    api: ApiBlueprint | None = None
    protocols: Sequence[Blueprint] = ()
    scopes: Mapping[str, LazyText] = field(default_factory=dict)
    acts: Mapping[str, LazyText] = field(default_factory=dict)
    keeps: Localized | None = None
    unfinished: Callable[[SignedInResident], list[tuple[Any, str]]] = lambda resident: []
    assurance: str = "none"
    places: Callable[[date, date], tuple[int, int]] | None = None
    events: Mapping[str, Localized] = field(default_factory=dict)
    unmet: Mapping[str, Localized] = field(default_factory=dict)
    listener: EventListener | None = None
    benefits: BenefitSource | None = None
    resting_benefits: Callable[[uuid.UUID, datetime], list[RestingBenefit]] = (
        lambda resident_id, now: []
    )
    measured: Measured = COMMON
    datasets: Sequence[Dataset] = ()
    rateable: Mapping[str, RateableAct] = field(default_factory=dict)
    attention: AttentionProvider = lambda now: ()
    probes: Mapping[str, Callable[[CatalogEntry, datetime], str]] = field(default_factory=dict)
    remarks: Callable[[], Sequence[Text]] = tuple
    effect: SettingsEffect | None = None
    assisted_service: bool = True
    demo: Callable[[City, datetime], None] | None = None

    def dashboard_items(self, resident: SignedInResident) -> list[DashboardItem]:
        """What a resident already has here, as far as whoever asks may see it."""
        return self.dashboard(resident) if resident.sees(self.name) else []

    @property
    def path(self) -> str:
        """The service's name in addresses."""
        return self.name.replace("_", "-")

    @property
    def extension(self) -> ServiceExtension:
        """What the service adds to documents."""
        return ServiceExtension(
            self.name,
            self.settings,
            self.connectors,
            self.assurance,
            self.events,
            tuple(one.name for one in self.datasets),
            self.effect,
        )
