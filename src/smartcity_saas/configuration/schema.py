"""The schemas of the three documents, put together from what is installed.

A layer is checked for what it says (unknown keys, wrong kinds of value); what it leaves out
is checked on the merged result, where everything required must be there.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from dataclasses import replace
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from marshmallow import RAISE, Schema, ValidationError, fields, validates_schema

from smartcity_saas.clock import COMMON_ZONE
from smartcity_saas.configuration.extensions import (
    EmptySchema,
    Extensions,
    ServiceExtension,
)
from smartcity_saas.configuration.fields import (
    BrandColor,
    Choice,
    Currency,
    DivisionCode,
    FileName,
    Host,
    Line,
    ListOf,
    Pattern,
    Text,
    Timestamp,
    TimeZone,
    WholeNumber,
)
from smartcity_saas.configuration.kept_nested import KeptNested
from smartcity_saas.configuration.licences import DEFAULT_LICENCE, licences
from smartcity_saas.configuration.problems import Path
from smartcity_saas.configuration.quotas import (
    QUOTA_LIMITS,
    QUOTAS,
    QuotaLimitsSchema,
    QuotasSchema,
)
from smartcity_saas.configuration.service_kinds import Catalog, KindOfService
from smartcity_saas.configuration.states import CONNECTION_STATES, CityState, ServiceState
from smartcity_saas.texts import lazy_gettext as _

SERVICE_STATES = tuple(state.value for state in ServiceState)
ASSURANCE_LEVELS = ("none", "contact", "real_name")
CITY_STATES = tuple(state.value for state in CityState)
PLATFORM, PROVINCE, CITY = "platform", "province", "city"


class BrandingSchema(Schema):
    """How a city looks."""

    color = BrandColor(
        required=True,
        metadata={
            "description": "The one brand colour, `#rrggbb`. Refused where neither white nor "
            "near-black text reads on it (WCAG 2.2 AA)."
        },
    )
    logo = FileName(
        metadata={"description": "A picture in the city's folder (SVG, PNG, WebP, JPEG)."}
    )


class BaselineBrandingSchema(Schema):
    """The branding of cities that name none; a logo is a city's own."""

    color = BrandColor(metadata={"description": "The colour of cities that name none."})


class PopulationSchema(Schema):
    """How many people live in a city, so that cities of any size can be compared."""

    residents = WholeNumber(
        1_000,
        50_000_000,
        required=True,
        metadata={"description": "Resident population (常住人口)."},
    )
    as_of = WholeNumber(
        2000, 2099, required=True, metadata={"description": "The year at whose end it was counted."}
    )
    source = Line(
        longest=200, required=True, metadata={"description": "Who published the figure, and where."}
    )


COMMON_CURRENCY = "CNY"
"""The currency of a city that names none."""


class SiteSchema(Schema):
    """What a public site must show."""

    hotline = Pattern(
        r"[0-9+][0-9 -]{2,19}",
        _('Write a phone number in quotes: "12345".'),
        required=True,
        metadata={"description": "The telephone number for help."},
    )
    currency = Currency(
        load_default=COMMON_CURRENCY,
        metadata={"description": "The currency of its bills, ISO 4217: `CNY`."},
    )
    timezone = TimeZone(
        load_default=COMMON_ZONE,
        metadata={"description": "The zone of its days and times, IANA: `Asia/Shanghai`."},
    )
    icp = Line(
        longest=60, metadata={"description": "ICP filing number (ICP 备案号), shown in the footer."}
    )
    police_record = Line(
        longest=60, metadata={"description": "Public security filing number (公安备案号)."}
    )
    operator = Text(metadata={"description": "The authority that runs the site."})
    counters = Text(metadata={"description": "Where and when the service counters are open."})


class RatingsSchema(Schema):
    """Until when residents rate, and by when the city answers."""

    days = WholeNumber(
        1,
        365,
        load_default=30,
        metadata={"description": "For how many days after it is finished something can be rated."},
    )
    answer_days = WholeNumber(
        1,
        60,
        load_default=5,
        metadata={
            "description": "Working days in which a bad rating, or one that says that it is not "
            "solved, is answered."
        },
    )


def _clock(default: str, words: str) -> Pattern:
    return Pattern(
        r"(?:[01][0-9]|2[0-3]):[0-5][0-9]",
        _('Write a time in quotes: "07:00".'),
        load_default=default,
        metadata={"description": words},
    )


QUIET_HOURS = Schema.from_dict(
    {
        "from": _clock("22:00", "Messages that come up later wait for the morning."),
        "until": _clock("07:00", "When they are sent; the same as `from` for no quiet hours."),
    },
    name="QuietHours",
)
"""The city's night, by its own clocks."""


def document_schema(kind: str, extensions: Extensions) -> Schema:
    """The schema of one kind of document, for checking a layer.

    Args:
        kind: ``platform``, ``province`` or ``city``.
        extensions: What is installed.
    """
    return _schemas(_Key(extensions))[kind]


def effective_schema(extensions: Extensions) -> Schema:
    """The schema of a city's merged values, in which all that is required must be there."""
    return _schemas(_Key(extensions))["effective"]


class _Key:
    """Extensions as a key of a cache, by identity."""

    def __init__(self, extensions: Extensions) -> None:
        self.extensions = extensions

    def __hash__(self) -> int:
        return id(self.extensions)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Key) and other.extensions is self.extensions


@lru_cache(maxsize=8)
def _schemas(key: _Key) -> dict[str, Schema]:
    extensions = key.extensions
    shared, baseline, city = _shared_fields(extensions), _baseline_fields(), _city_fields()
    effective = {
        **city,
        **shared,
        "branding": fields.Nested(BrandingSchema, required=True),
        "site": KeptNested(SiteSchema, required=True),
    }
    made = {
        PLATFORM: {
            "platform": Line(
                required=True, metadata={"description": "A name for the installation."}
            ),
            **baseline,
            **shared,
        },
        PROVINCE: {
            "province": Line(required=True, metadata={"description": "The province's slug."}),
            "division_code": DivisionCode(metadata={"description": "GB/T 2260."}),
            "single_sign_on": fields.Nested(
                extensions.single_sign_on,
                metadata={"description": "How staff of the province and its cities sign in."},
            ),
            **baseline,
            **shared,
        },
        CITY: {**city, "branding": fields.Nested(BrandingSchema), **shared},
        "effective": effective,
    }
    return {
        name: Schema.from_dict(parts, name=f"{name.title()}Document")(
            unknown=RAISE, partial=name != "effective"
        )
        for name, parts in made.items()
    }


def _shared_fields(extensions: Extensions) -> dict[str, Any]:
    """What every document may say."""
    return {
        "site": KeptNested(SiteSchema, metadata={"description": "What the public site shows."}),
        "services": Catalog(
            _services(extensions),
            {
                name: replace(kind, entry=_defined_entry(kind))
                for name, kind in extensions.kinds.items()
            },
            metadata={"description": "The catalog: what residents can use."},
        ),
        "channels": fields.Nested(
            _channels(extensions), metadata={"description": "How residents sign in."}
        ),
        "messages": KeptNested(
            _messages(extensions),
            metadata={"description": "Who sends mail and SMS to residents, and when."},
        ),
        "payments": OneOf(
            "provider", extensions.providers, metadata={"description": "Who takes payments."}
        ),
        "open_data": KeptNested(
            _open_data(extensions), metadata={"description": "What everybody may take as data."}
        ),
        "ratings": fields.Nested(
            RatingsSchema, metadata={"description": "How residents rate what they finished."}
        ),
        QUOTAS: fields.Nested(
            QuotasSchema,
            metadata={"description": "How much of the shared installation one city may take."},
        ),
    }


def _open_data(extensions: Extensions) -> type[Schema]:
    states = {
        name: Choice(
            CONNECTION_STATES,
            metadata={"description": "Whether the city's site gives it away; `open` by default."},
        )
        for name in extensions.datasets
    }
    return _mapping_schema(
        "OpenData",
        {
            "licence": Choice(
                tuple(licences()),
                load_default=DEFAULT_LICENCE,
                metadata={
                    "description": "The licence of all datasets, by its SPDX identifier; "
                    f"`{DEFAULT_LICENCE}` by default."
                },
            ),
            "datasets": fields.Nested(
                _mapping_schema("Datasets", states),
                metadata={"description": "The datasets, each `open` or `closed`."},
            ),
        },
    )


def _messages(extensions: Extensions) -> type[Schema]:
    return _mapping_schema(
        "Messages",
        {
            kind: OneOf("provider", found, metadata={"description": f"Who sends {kind}."})
            for kind, found in extensions.senders.items()
        }
        | {
            "quiet_hours": fields.Nested(
                QUIET_HOURS,
                metadata={"description": "Hours in which residents are sent nothing."},
            )
        },
    )


def _baseline_fields() -> dict[str, Any]:
    """What a document says that cities build on."""
    return {
        "name": Text(longest=40, metadata={"description": "The name, in both languages."}),
        "branding": fields.Nested(BaselineBrandingSchema),
        "locked": ListOf(
            Line(), metadata={"description": "Paths that documents below cannot change."}
        ),
        QUOTA_LIMITS: fields.Nested(
            QuotaLimitsSchema,
            metadata={
                "description": "The most that documents below can set as quotas; one set there "
                "before has no effect beyond it."
            },
        ),
    }


def _city_fields() -> dict[str, Any]:
    return {
        "city": Line(
            required=True, metadata={"description": "The slug: the file's name. Never changes."}
        ),
        "province": Line(required=True, metadata={"description": "The slug of its province."}),
        "division_code": DivisionCode(
            required=True, metadata={"description": "Administrative division code, GB/T 2260."}
        ),
        "name": Text(
            longest=40, required=True, metadata={"description": "The name, in both languages."}
        ),
        "state": Choice(
            CITY_STATES,
            required=True,
            metadata={"description": "Once live, a city can be suspended, never draft again."},
        ),
        "hosts": ListOf(
            Host(),
            most=20,
            metadata={"description": "Hosts beside `<slug>.<platform host>`."},
        ),
        "population": fields.Nested(
            PopulationSchema,
            metadata={"description": "How many people live here; comparisons divide by it."},
        ),
    }


def _services(extensions: Extensions) -> type[Schema]:
    return _mapping_schema(
        "Services",
        {
            name: _service(found, extensions.event_kinds)
            for name, found in extensions.services.items()
        },
    )


def _service(extension: ServiceExtension, kinds: Mapping[str, Any]) -> fields.Field[Any]:
    settings = extension.settings
    if issubclass(settings, ServiceSettings):
        settings = type(settings.__name__, (settings,), {"event_kinds": kinds})
    schema = Schema.from_dict(
        {
            **_entry_fields(),
            "settings": KeptNested(
                settings, metadata={"description": "The service's own settings."}
            ),
            "connector": OneOf(
                "kind",
                extension.connectors,
                metadata={"description": "The link to the city's back office."},
            ),
        },
        name="".join(part.title() for part in extension.name.split("_")) + "Entry",
    )
    return KeptNested(schema, metadata={"description": "This service in the catalog."})


def _entry_fields() -> dict[str, Any]:
    """What every entry of a catalog may say."""
    return {
        "state": Choice(
            SERVICE_STATES,
            load_default="closed",
            metadata={"description": "Paused and closed stop new business only."},
        ),
        "notice": Text(
            longest=240, metadata={"description": "What residents read while it is paused."}
        ),
        "until": Timestamp(
            metadata={"description": "When it is expected back; nothing reopens by itself."}
        ),
        "assurance": Choice(
            ASSURANCE_LEVELS,
            metadata={
                "description": "The level of assurance that new business needs; the service's "
                "own by default."
            },
        ),
    }


def _defined_entry(kind: KindOfService) -> type[Schema]:
    """An entry of a service that a document defines: what every entry may say, then its kind's."""
    own = {name: copy(field) for name, field in kind.entry._declared_fields.items()}
    return Schema.from_dict({**_entry_fields(), **own}, name=f"{kind.name.title()}Entry")


def _channels(extensions: Extensions) -> type[Schema]:
    return _mapping_schema(
        "Channels", {name: KeptNested(found) for name, found in extensions.channels.items()}
    )


def _mapping_schema(name: str, parts: Mapping[str, fields.Field[Any]]) -> type[Schema]:
    return Schema.from_dict(dict(parts), name=name) if parts else EmptySchema


class OneOf(fields.Field[Any]):
    """A mapping whose ``kind`` or ``provider`` says which schema the rest follows."""

    def __init__(self, key: str, schemas: Mapping[str, type[Schema]], **options: Any) -> None:
        super().__init__(**options)
        self.key = key
        self.schemas = schemas
        self._made: dict[str, Schema] = {}

    def schema(self, name: str) -> Schema:
        """The schema of one choice, made once."""
        if name not in self._made:
            self._made[name] = self.schemas[name]()
        return self._made[name]

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if not isinstance(value, Mapping):
            raise ValidationError(_("This must be a mapping of keys to values."))
        name = value.get(self.key)
        if name is None and kwargs.get("partial"):
            return dict(value)
        if name not in self.schemas:
            raise ValidationError({self.key: [self._unknown()]})
        rest = {key: value[key] for key in value if key != self.key}
        loaded = self.schema(str(name)).load(rest, partial=kwargs.get("partial"))
        return {self.key: name, **loaded}

    def _unknown(self) -> Any:
        if not self.schemas:
            return _("None are installed.")
        return _("Not installed. Installed: %(words)s.", words=", ".join(sorted(self.schemas)))


class ServiceSettings(Schema):
    """The base of a service's settings; a subclass may add rules over several keys.

    ``event_kinds`` are those that the installed services tell of, with their names.
    """

    event_kinds: Mapping[str, Any] = MappingProxyType({})

    @validates_schema
    def check(self, data: Mapping[str, Any], **kwargs: Any) -> None:
        """Rules over several keys, on the merged settings only."""
        if not kwargs.get("partial"):
            self.check_whole(data)

    def check_whole(self, data: Mapping[str, Any]) -> None:
        """Raise ``ValidationError`` where complete settings contradict themselves."""

    @classmethod
    def currency_faults(cls, data: Mapping[str, Any], currency: str) -> list[tuple[Path, Any]]:
        """Amounts in settings that are none in the city's currency: where below the settings, and
        why. Values are as written, and may be of any type."""
        return []
