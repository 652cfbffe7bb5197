"""Validating documents: every fault at once, alone, merged, and over all cities."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from smartcity_saas.clock import COMMON_ZONE, has_passed
from smartcity_saas.configuration.city import LiveDocument
from smartcity_saas.configuration.currencies import currency_decimals
from smartcity_saas.configuration.extensions import BoundTo, Extensions, any_amount
from smartcity_saas.configuration.host_scripts import is_well_encoded, mixed_label
from smartcity_saas.configuration.hosts import (
    LONGEST_OWN_HOST,
    canonical_host,
    is_slug,
    needs_proof,
)
from smartcity_saas.configuration.merge import (
    OWN_KEYS,
    Layer,
    get,
    leaves,
    locked_paths,
    merge,
    only_own,
)
from smartcity_saas.configuration.moved_secrets import (
    moved_secrets,
    payment_secret_problems,
    told_once,
)
from smartcity_saas.configuration.official_divisions import city_fault, province_fault
from smartcity_saas.configuration.problems import (
    MovedSecret,
    Path,
    Problem,
    dotted,
    in_order,
    path_of,
    some,
    starts_with,
)
from smartcity_saas.configuration.quotas import limit_problems
from smartcity_saas.configuration.schema import (
    CITY,
    COMMON_CURRENCY,
    PLATFORM,
    PROVINCE,
    ServiceSettings,
    document_schema,
    effective_schema,
)
from smartcity_saas.configuration.schema_problems import keys_at, located, schema_problems
from smartcity_saas.configuration.secret_uses import SecretUse, secret_uses
from smartcity_saas.configuration.secrets import find_secrets, looks_secret
from smartcity_saas.configuration.service_kinds import CityTerms
from smartcity_saas.configuration.states import CityState, ServiceState
from smartcity_saas.configuration.yaml_source import Source
from smartcity_saas.errors import Invalid
from smartcity_saas.texts import lazy_gettext as _
from smartcity_saas.texts import lazy_ngettext

_ENDING = re.compile(r"\.ya?ml\Z", re.IGNORECASE)
_EACH_CITYS = OWN_KEYS | {"state"}
"""What a city says for itself alone: locked above, no city could be there."""
_OFFICIAL = ("province", "division_code")
CURRENCY = ("site", "currency")
PROVIDER = ("payments", "provider")
_REQUIRED = {PLATFORM: ("platform",), PROVINCE: ("province", "name"), CITY: ()}


@dataclass(frozen=True)
class Candidate:
    """A document that someone wants to become live.

    ``files`` maps the pictures that it may name to the SHA-256 of their bytes. ``tenant_set`` names the
    secrets of its own that are entered anew with it.
    """

    source: Source
    files: Mapping[str, str] = field(default_factory=dict)
    entered: frozenset[str] = frozenset()

    @property
    def kind(self) -> str:
        """``platform``, ``province`` or ``city``, by the key that names it."""
        values = self.source.values
        if "city" in values:
            return CITY
        return PROVINCE if "province" in values else PLATFORM

    @property
    def name(self) -> str:
        """The document's name: ``platform``, ``province:zhejiang``, ``hangzhou``."""
        values = self.source.values
        if self.kind == CITY:
            return str(values["city"])
        return f"province:{values['province']}" if self.kind == PROVINCE else PLATFORM

    @property
    def province(self) -> str | None:
        """The province that a city belongs to, or that a baseline is for."""
        found = self.source.values.get("province")
        return str(found) if found is not None else None

    @property
    def layer(self) -> Layer:
        """Its part in a merge."""
        return Layer(self.name, self.source.values)


@dataclass(frozen=True)
class Known:
    """What is live, as far as a check needs it."""

    values: Mapping[str, Mapping[str, Any]]
    went_live: frozenset[str] = frozenset()
    hosts: Mapping[str, str] = field(default_factory=dict)
    codes: Mapping[tuple[str, str], str] = field(default_factory=dict)
    bound: Callable[[str], Mapping[str, BoundTo]] = field(default=lambda name: {})
    open_money: Callable[[str, str], int] = field(default=lambda name, provider: 0)


class Check:
    """One check of a set of candidates against what is live."""

    def __init__(
        self,
        candidates: Sequence[Candidate],
        known: Known,
        extensions: Extensions,
        platform_host: str,
    ) -> None:
        self.known = known
        self.extensions = extensions
        self.platform_host = platform_host
        self.problems: list[Problem] = []
        self.candidates: dict[str, Candidate] = {}
        self.given = candidates

    def run(self) -> list[Problem]:
        """Every problem, in the order of files and lines."""
        self._collect()
        for candidate in self.candidates.values():
            found = self._alone(candidate)
            told = {problem.pointer for problem in found}
            if candidate.kind == CITY:
                later = self._in_its_layers(candidate)
            else:
                later = [] if found else [*self._beneath(candidate), *self._own_secrets(candidate)]
            self.problems += found + [p for p in later if p.pointer not in told]
        self.problems += self._over_all_cities()
        return in_order(self.problems)

    def _collect(self) -> None:
        for candidate in self.given:
            other = self.candidates.get(candidate.name)
            if other is not None:
                self.problems.append(
                    candidate.source.problem(
                        (_naming_key(candidate),),
                        _(
                            "“%(name)s” is also in %(path)s.",
                            name=candidate.name,
                            path=other.source.path,
                        ),
                        _("Keep one of the two files."),
                    )
                )
                continue
            self.candidates[candidate.name] = candidate

    def _alone(self, candidate: Candidate) -> list[Problem]:
        source, values = candidate.source, candidate.source.values
        problems = secret_problems(source)
        secret = [found.pointer for found in problems]
        schema = document_schema(candidate.kind, self.extensions)
        problems += [
            found
            for found in located(source, schema_problems(schema, values))
            if found.pointer not in secret
        ]
        for key in _REQUIRED[candidate.kind]:
            if key not in values:
                problems.append(
                    source.problem((key,), _("“%(key)s” is missing.", key=key), at_key=True)
                )
        return problems + self._identity(candidate) + self._locked_names(candidate)

    def _identity(self, candidate: Candidate) -> list[Problem]:
        source, values = candidate.source, candidate.source.values
        key = _naming_key(candidate)
        problems = []
        slug = str(values.get(key, ""))
        if candidate.kind != PLATFORM and not is_slug(slug):
            problems.append(
                source.problem(
                    (key,),
                    _("“%(slug)s” cannot be used in a web address.", slug=slug[:60]),
                    _(
                        "Use 2 to 40 characters: a-z, 0-9 and single hyphens. Words such as “console” are reserved."
                    ),
                )
            )
        stem = _ENDING.sub("", source.path.rpartition("/")[2])
        if "." in source.path and candidate.kind != PLATFORM and stem != slug:
            problems.append(
                source.problem(
                    (key,),
                    _(
                        "The file is named %(stem)s, but the slug in it is %(slug)s.",
                        stem=stem,
                        slug=slug[:60],
                    ),
                    _("Name the file after its slug."),
                )
            )
        return problems

    def _locked_names(self, candidate: Candidate) -> list[Problem]:
        locked = candidate.source.values.get("locked", [])
        schema = document_schema(CITY, self.extensions)
        problems = []
        for place, text in enumerate(locked if isinstance(locked, list) else []):
            path = path_of(str(text))
            if path and path[0] in _EACH_CITYS:
                problems.append(
                    candidate.source.problem(
                        ("locked", place),
                        _("“%(path)s” is each city's own and cannot be locked.", path=text),
                        _("Take it out of the list: no city could be without it."),
                    )
                )
            elif any(
                step not in known
                for depth, step in enumerate(path)
                if (known := keys_at(schema, path[:depth]))
            ):
                problems.append(
                    candidate.source.problem(
                        ("locked", place),
                        _("You cannot lock “%(path)s”: it does not exist.", path=text),
                    )
                )
        return problems

    def _in_its_layers(self, candidate: Candidate) -> list[Problem]:
        problems = self._transitions(candidate) + self._locks(candidate) + self._official(candidate)
        problems += self._quotas(candidate)
        layers = self._layers_above(candidate)
        if candidate.province is not None and len(layers) < 1 + (PLATFORM in self._names()):
            problems.append(
                candidate.source.problem(
                    ("province",),
                    _("There is no province “%(name)s”.", name=candidate.province),
                    _("Apply config/provinces/%(name)s.yaml first.", name=candidate.province),
                )
            )
            return problems
        found = self._effective([*layers, candidate.layer])
        found += self._left_provider(candidate.name, [*layers, candidate.layer])
        problems += located(candidate.source, found)
        problems += self._moved(candidate, candidate.name, [*layers, candidate.layer])
        return problems + self._code(candidate) + self._logo(candidate)

    def _effective(self, layers: Sequence[Layer]) -> list[tuple[Path, Any, Any]]:
        """What the merged values lack or contradict. Shared by a city and its baselines."""
        values = merge(layers).values
        found = schema_problems(effective_schema(self.extensions), values)
        found += self._currency(values) + self._amounts(values) + self._defined(values)
        services = values.get("services")
        for name, entry in (services if isinstance(services, Mapping) else {}).items():
            if not isinstance(entry, Mapping):
                continue
            if entry.get("state") == ServiceState.PAUSED and not entry.get("notice"):
                found.append(
                    (
                        ("services", name, "notice"),
                        _("Add a notice that says why the service is paused."),
                        _("Add notice: {zh: …, en: …}."),
                    )
                )
        return found + payment_secret_problems(self._uses(values))

    def _uses(self, values: Mapping[str, Any]) -> list[SecretUse]:
        return secret_uses(effective_schema(self.extensions), values)

    def _moved(self, candidate: Candidate, city: str, layers: Sequence[Layer]) -> list[MovedSecret]:
        """A city's secrets that would go where they were not entered for, with these layers."""
        before: list[SecretUse] = []
        if city in self.known.values:
            before = self._uses(merge(self._layers_before(self.known.values[city])).values)
        return moved_secrets(
            candidate.source,
            city,
            set(self._uses(merge(layers).values)) - set(before),
            lambda: self.known.bound(city),
            candidate.entered if city == candidate.name else frozenset(),
        )

    def _left_provider(self, city: str, layers: Sequence[Layer]) -> list[tuple[Path, Any, Any]]:
        """A payment provider that a city leaves while its payments may still be refunded or disputed
        there: nobody would hear of it."""
        if city not in self.known.values:
            return []
        was = get(merge(self._layers_before(self.known.values[city])).values, PROVIDER)
        if not isinstance(was, str) or get(merge(layers).values, PROVIDER) == was:
            return []
        count = self.known.open_money(city, was)
        if not count:
            return []
        message = lazy_ngettext(
            "%(num)s payment by %(provider)s may still be refunded or disputed.",
            "%(num)s payments by %(provider)s may still be refunded or disputed.",
            count,
            provider=was,
        )
        hint = _(
            "Keep payments and add state: closed to it. No new payments are taken, and you can remove payments 180 days after the last one."
        )
        return [(("payments",), message, hint)]

    def _own_secrets(self, baseline: Candidate) -> list[MovedSecret]:
        """A province's own secrets that would go elsewhere: those of its staff's provider."""
        schema = document_schema(PROVINCE, self.extensions)
        before = secret_uses(schema, only_own(self.known.values.get(baseline.name, {})))
        after = secret_uses(schema, only_own(baseline.source.values))
        return moved_secrets(
            baseline.source,
            baseline.name,
            set(after) - set(before),
            lambda: self.known.bound(baseline.name),
            baseline.entered,
        )

    def _currency(self, values: Mapping[str, Any]) -> list[tuple[Path, Any, Any]]:
        """A currency in which the payment provider cannot charge."""
        provider, currency = get(values, PROVIDER), get(values, CURRENCY)
        taken = self.extensions.currencies.get(str(provider))
        if taken is None or not isinstance(currency, str) or currency in taken:
            return []
        if currency not in currency_decimals():
            return []  # told where it stands
        return [
            (
                CURRENCY,
                _(
                    "%(provider)s does not take payments in %(code)s.",
                    provider=provider,
                    code=currency,
                ),
                _("Use another currency, or remove payments."),
            )
        ]

    def _amounts(self, values: Mapping[str, Any]) -> list[tuple[Path, Any, Any]]:
        """Amounts in services' settings that are none in the city's currency."""
        currency = get(values, CURRENCY, COMMON_CURRENCY)
        if currency not in currency_decimals():
            return []  # told where it stands
        found: list[tuple[Path, Any, Any]] = []
        for name, extension in self.extensions.services.items():
            place = ("services", name, "settings")
            settings = get(values, place)
            if isinstance(settings, Mapping) and issubclass(extension.settings, ServiceSettings):
                faults = extension.settings.currency_faults(settings, currency)
                found += [((*place, *path), message, "") for path, message in faults]
        return found

    def _defined(self, values: Mapping[str, Any]) -> list[tuple[Path, Any, Any]]:
        """What services that the documents define themselves contradict."""
        currency, provider = get(values, CURRENCY, COMMON_CURRENCY), get(values, PROVIDER)
        if currency not in currency_decimals():
            return []  # told where it stands
        least, step = self.extensions.amounts.get(str(provider), any_amount)(currency)
        terms = CityTerms(
            currency,
            provider if isinstance(provider, str) else None,
            least,
            step,
            lambda minor: f"{Decimal(minor).scaleb(-currency_decimals()[currency]):f}",
        )
        found: list[tuple[Path, Any, Any]] = []
        services = values.get("services")
        for name, entry in (services if isinstance(services, Mapping) else {}).items():
            kind = entry.get("kind") if isinstance(entry, Mapping) else None
            if name in self.extensions.services or not isinstance(kind, str):
                continue
            if kind in self.extensions.kinds:
                faults = self.extensions.kinds[kind].faults(entry, terms)
                found += [(("services", name, *path), *words) for path, *words in faults]
        return found

    def _transitions(self, candidate: Candidate) -> list[Problem]:
        source = candidate.source
        before = self.known.values.get(candidate.name, {})
        problems = []
        if candidate.name in self.known.went_live and source.values.get("state") == CityState.DRAFT:
            problems.append(
                source.problem(
                    ("state",),
                    _("A city that has been live cannot go back to draft."),
                    _("Use state: suspended instead. Residents keep what they have."),
                )
            )
        if before and before.get("province") != candidate.province:
            problems.append(
                source.problem(
                    ("province",),
                    _(
                        "You cannot change a city's province. It is “%(was)s”, but this says “%(now)s”.",
                        was=before.get("province"),
                        now=candidate.province,
                    ),
                )
            )
        return problems

    def _locks(self, candidate: Candidate) -> list[Problem]:
        """Adding or altering a locked value is refused; one already there is only flagged."""
        locks = locked_paths(self._layers_above(candidate))
        before = dict(leaves(self.known.values.get(candidate.name, {})))
        problems = []
        for path, value in leaves(candidate.source.values):
            for locked, document in locks.items():
                if starts_with(path, locked) and before.get(path) != value:
                    problems.append(
                        candidate.source.problem(
                            path,
                            _(
                                "“%(path)s” is locked by %(document)s.",
                                path=dotted(locked),
                                document=document,
                            ),
                            _("Remove it here, or ask for it to be unlocked."),
                        )
                    )
        return problems

    def _quotas(self, candidate: Candidate) -> list[Problem]:
        """Quotas that a document sets above the limits of those above it."""
        before = self.known.values.get(candidate.name, {})
        layers = [one for one in self._layers_above(candidate) if one.document != candidate.name]
        return located(candidate.source, limit_problems(candidate.source.values, before, layers))

    def _official(self, candidate: Candidate) -> list[Problem]:
        """Whether slug and code agree with the official list; what is live already may stay."""
        values, before = candidate.source.values, self.known.values.get(candidate.name, {})
        if before and all(before.get(key) == values.get(key) for key in _OFFICIAL):
            return []
        slug, code = str(values.get(_naming_key(candidate))), str(values.get("division_code", ""))
        fault = (
            city_fault(slug, code, candidate.province)
            if candidate.kind == CITY
            else province_fault(slug, code)
        )
        if fault is None:
            return []
        key, message, hint = fault
        return [candidate.source.problem((key,), message, hint)]

    def _code(self, candidate: Candidate) -> list[Problem]:
        province = self._values(f"province:{candidate.province}") or {}
        code = str(candidate.source.values.get("division_code", ""))
        expected = str(province.get("division_code", ""))[:2]
        if expected and code and not code.startswith(expected):
            return [
                candidate.source.problem(
                    ("division_code",),
                    _(
                        "%(code)s is not in %(province)s. Codes there start with %(start)s.",
                        code=code,
                        province=candidate.province,
                        start=expected,
                    ),
                )
            ]
        return []

    def _logo(self, candidate: Candidate) -> list[Problem]:
        logo = get(candidate.source.values, ("branding", "logo"))
        if not isinstance(logo, str) or logo in candidate.files:
            return []
        return [
            candidate.source.problem(
                ("branding", "logo"),
                _("There is no picture “%(name)s”.", name=logo),
                _("Put it into the city's folder, or upload it on the console."),
            )
        ]

    def _beneath(self, baseline: Candidate) -> list[Problem]:
        """What a baseline contradicts: the official list, the codes of its cities, their values."""
        problems = []
        if baseline.kind == PROVINCE:
            problems = self._official(baseline) + self._quotas(baseline)
        return problems or self._codes_beneath(baseline) or self._broken_beneath(baseline)

    def _codes_beneath(self, baseline: Candidate) -> list[Problem]:
        """A province's code may be corrected while every city beneath lies within the new one."""
        before = self.known.values.get(baseline.name, {}).get("division_code")
        code = baseline.source.values.get("division_code")
        if code == before or baseline.kind != PROVINCE:
            return []
        start = str(code or "")[:2]
        outside = [
            name
            for name, values in self._cities_of(baseline)
            if not start or not str(values.get("division_code", "")).startswith(start)
        ]
        if not outside:
            return []
        message = _(
            "You cannot change the code of %(province)s to %(code)s: the codes of %(cities)s would be outside it.",
            province=baseline.province,
            code=code or "—",
            cities=some(outside),
        )
        hint = _("Keep the code, %(code)s.", code=before) if before else ""
        return [baseline.source.problem(("division_code",), message, hint)]

    def _cities_of(self, baseline: Candidate) -> list[tuple[str, Mapping[str, Any]]]:
        """The cities beneath a province, as they are live or, if they are given, as they shall be."""
        given = {name: found.source.values for name, found in self.candidates.items()}
        return [
            (name, values)
            for name, values in {**self.known.values, **given}.items()
            if "city" in values and values.get("province") == baseline.province
        ]

    def _broken_beneath(self, baseline: Candidate) -> list[Problem]:
        """Every city that a baseline would break, one problem for each fault."""
        moved: list[MovedSecret] = []
        broken: dict[tuple[Path, str], list[str]] = defaultdict(list)
        said: dict[tuple[Path, str], tuple[Any, Any]] = {}
        for name, values in self.known.values.items():
            if name in self.candidates or "city" not in values:
                continue
            if baseline.kind == PROVINCE and values.get("province") != baseline.province:
                continue
            layers = [*self._layers(PLATFORM, f"province:{values.get('province')}")]
            layers.append(Layer(name, values))
            moved += self._moved(baseline, name, layers)
            known = self._effective_before(values)
            found = self._effective(layers) + self._left_provider(name, layers)
            for path, message, hint in found:
                key = (path, str(message))
                if key not in known:
                    broken[key].append(name)
                    said[key] = (message, hint)
        return told_once(moved) + [
            baseline.source.problem(
                path,
                _(
                    "This would break %(cities)s: %(message)s",
                    cities=some(cities),
                    message=said[path, text][0],
                ),
                said[path, text][1],
            )
            for (path, text), cities in broken.items()
        ]

    def _effective_before(self, values: Mapping[str, Any]) -> set[tuple[Path, str]]:
        """What was wrong already, so that a baseline is not blamed for it."""
        found = self._effective(self._layers_before(values))
        return {(path, str(message)) for path, message, _hint in found}

    def _layers_before(self, values: Mapping[str, Any]) -> list[Layer]:
        """The layers of a city as they are live."""
        names = (PLATFORM, f"province:{values.get('province')}")
        layers = [
            Layer(name, self.known.values[name]) for name in names if name in self.known.values
        ]
        return [*layers, Layer(str(values["city"]), values)]

    def _over_all_cities(self) -> list[Problem]:
        """Hosts and division codes that two cities would share."""
        problems: list[Problem] = []
        hosts = {h: name for h, name in self.known.hosts.items() if name not in self.candidates}
        codes = {c: name for c, name in self.known.codes.items() if name not in self.candidates}
        for candidate in self.candidates.values():
            code = candidate.source.values.get("division_code")
            if isinstance(code, str):
                owner = codes.setdefault((candidate.kind, code), candidate.name)
                if owner != candidate.name:
                    problems.append(
                        candidate.source.problem(
                            ("division_code",),
                            _("%(code)s is already the code of %(owner)s.", code=code, owner=owner),
                        )
                    )
            problems += self._claimed_twice(candidate, hosts)
        return problems

    def _claimed_twice(self, candidate: Candidate, hosts: dict[str, str]) -> list[Problem]:
        problems = []
        before = _hosts(self.known.values.get(candidate.name, {}))
        for place, host in enumerate(_hosts(candidate.source.values)):
            if host == self.platform_host or host.endswith("." + self.platform_host):
                message = _("%(host)s is the platform's own address.", host=host)
            elif (fault := _host_fault(host)) and host not in before:
                problems.append(candidate.source.problem(("hosts", place), *fault))
                continue
            elif needs_proof(host):  # several may name it: it leads to whoever proves it
                continue
            elif (owner := hosts.setdefault(host, candidate.name)) != candidate.name:
                message = _("%(host)s is already used by %(owner)s.", host=host, owner=owner)
            else:
                continue
            problems.append(candidate.source.problem(("hosts", place), message))
        return problems

    def _layers_above(self, candidate: Candidate) -> list[Layer]:
        return self._layers(PLATFORM, f"province:{candidate.province}")

    def _layers(self, *names: str) -> list[Layer]:
        found = [(name, self._values(name)) for name in names]
        return [Layer(name, values) for name, values in found if values is not None]

    def _values(self, name: str) -> Mapping[str, Any] | None:
        if name in self.candidates:
            return self.candidates[name].source.values
        return self.known.values.get(name)

    def _names(self) -> set[str]:
        return {*self.candidates, *self.known.values}


def past_returns(
    candidate: Candidate, live: Sequence[LiveDocument], now: datetime
) -> Iterator[Problem]:
    """Services of a document that are newly said to be back at a time that has passed.

    Args:
        candidate: The document as it shall be.
        live: Its live layers, the platform's first, itself last if there is one.
        now: The time.
    """
    values = candidate.source.values
    before = next((one.values for one in live if one.name == candidate.name), {})
    zones = (get(each, ("site", "timezone")) for each in (values, *(d.values for d in live[::-1])))
    zone = next((one for one in zones if isinstance(one, str)), COMMON_ZONE)
    for name in get(values, ("services",)) or ():
        path = ("services", name, "until")
        until = get(values, path)
        if until != get(before, path) and isinstance(until, str) and has_passed(until, zone, now):
            yield candidate.source.problem(
                path,
                _("“%(until)s” is in the past.", until=until),
                _("Enter when you expect the service back, or remove this key."),
            )


def secret_problems(source: Source) -> list[Problem]:
    """Every secret in a text, comments included, each told without its value."""
    message = _("This contains a secret.")
    hint = _("Remove it and give its name instead: {credential: its_name}.")
    found = [source.problem(path, message, hint) for path, _node in find_secrets(source.root)]
    lines = {problem.line for problem in found}
    for number, line in enumerate(source.text.splitlines(), 1):
        if number not in lines and looks_secret(line):
            found.append(Problem(source.path, number, 1, "", message, hint))
    return found


def refuse(problems: Iterable[Problem]) -> None:
    """Raise the problems that there are.

    Raises:
        Invalid: There is one at least.
    """
    found = list(problems)
    if found:
        raise Invalid(_("The configuration has errors. Nothing was saved."), found)


def _naming_key(candidate: Candidate) -> str:
    return {CITY: "city", PROVINCE: "province", PLATFORM: "platform"}[candidate.kind]


def _hosts(values: Mapping[str, Any]) -> list[str]:
    found = values.get("hosts")
    hosts = []
    for text in found if isinstance(found, list) else []:
        try:
            hosts.append(canonical_host(str(text)))
        except (ValueError, UnicodeError):
            hosts.append(str(text))
    return hosts


def _host_fault(host: str) -> tuple[Any, Any] | None:
    """What is wrong with a host that could be read as another; hosts that are live stay."""
    try:
        canonical_host(host)
    except (ValueError, UnicodeError):
        return None  # it has been told already that this is no host
    if needs_proof(host) and len(host) > LONGEST_OWN_HOST:
        return (
            _("“%(host)s” is too long.", host=host),
            _(
                "Use a name of at most %(most)s characters, so that the record that proves it has room.",
                most=LONGEST_OWN_HOST,
            ),
        )
    if not is_well_encoded(host):
        return (
            _("“%(host)s” is not a valid IDNA name (RFC 5891).", host=host[:253]),
            _("Enter the name in its original script, such as 城市.example."),
        )
    label = mixed_label(host)
    if not label:
        return None
    return (
        _("“%(label)s” mixes the letters of several scripts (UTS 39).", label=label),
        _("Use one script. Latin letters can be mixed with Chinese."),
    )


def _some(names: list[str]) -> str:
    shown = ", ".join(names[:5])
    return shown if len(names) <= 5 else f"{shown} … ({len(names)})"
