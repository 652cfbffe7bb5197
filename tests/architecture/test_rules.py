"""House rules, as tests with a helpful message."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po
from click.testing import CliRunner
from tools.database_tables import tables

from smartcity_saas.app import create_app
from smartcity_saas.cli import main
from smartcity_saas.cli.operations import roles
from smartcity_saas.database.models import Base, CityModel, PlatformModel
from smartcity_saas.identity.staff.roles import PERMISSIONS, ROLES
from smartcity_saas.settings import Settings
from smartcity_saas.tenancy.flask_app import SiteFlask
from smartcity_saas.web.policy import Availability, Caller
from tests.support.paths import ROOT, SOURCE


@pytest.fixture(scope="module")
def app() -> SiteFlask:
    """The application, with its routes; no database is touched."""
    settings = Settings(
        demo=True, secret_key="k" * 40, database_url="sqlite://", owner_url="sqlite://"
    )
    return create_app(settings, serving=False)


def modules() -> Iterator[tuple[Path, str]]:
    for path in sorted(SOURCE.rglob("*.py")):
        yield path, path.read_text("utf-8")


def test_every_endpoint_says_who_may_use_it(app: SiteFlask) -> None:
    """Default-deny: an endpoint without a policy is refused at run time; here it is named."""
    declared = app.policies
    undeclared = {rule.endpoint for rule in app.url_map.iter_rules()} - set(declared)
    assert not undeclared, f"give these a policy: {undeclared}"


OPEN_ON_THE_CONSOLE = {
    "console.sign_in",
    "console.sign_in_with_password",
    "console.sign_out",
    # between the password and the second factor, by a session that opens nothing else
    "console.second_factor",
    "console.take_second_factor",
    "console.set_up",
    "console.take_set_up",
    "console.totp_code",
    # by the link of an invitation
    "console.invitation",
    "console.accept_invitation",
    "console.accept_with_province",
    # to a province's own provider, and back
    "console.sign_in_with",
    "console.sign_in_with_callback",
}
SERVED_WHATEVER_THE_STATE = {
    "resident.privacy",
    "resident.accessibility",
    "preview",
    "resident.brand_css",
    "resident.brand_motif",
    "resident.asset",
    "healthz",
    "readyz",
    "tls_ask",
    "static",
    "metrics",
}


def test_opt_outs_are_few_and_named(app: SiteFlask) -> None:
    """Whoever opens another page to everyone changes this list, and is seen doing so."""
    policies = app.policies
    rules = {rule.endpoint: rule for rule in app.url_map.iter_rules()}
    console = {
        name
        for name, policy in policies.items()
        if rules[name].host == "console"
        and policy.who == "everyone"
        and policy.availability is not Availability.ANY_STATE
    }
    assert console == OPEN_ON_THE_CONSOLE
    assert {
        name for name, policy in policies.items() if policy.availability is Availability.ANY_STATE
    } == SERVED_WHATEVER_THE_STATE


SIGNED_BY_THEIR_CALLERS = {
    "resident.webhook",
    "resident.oauth_token",
    # GeoReport v2: the form carries an api_key
    "problem_reports_open311.post_request",
}


def test_endpoints_without_a_forms_token_are_named(app: SiteFlask) -> None:
    """Whoever takes a form's token away from another endpoint changes this list."""
    policies = app.policies
    assert {
        name for name, p in policies.items() if p.caller is Caller.SIGNED
    } == SIGNED_BY_THEIR_CALLERS


def test_console_pages_need_a_permission_that_exists(app: SiteFlask) -> None:
    """A misspelled permission would lock everyone out; one that nobody holds is a mistake."""
    used = {p.permission for p in app.policies.values() if p.permission}
    assert used <= set(PERMISSIONS)
    held = {name for role in ROLES.values() for name in role.permissions}
    assert held == set(PERMISSIONS)


def test_addresses_are_kebab_case(app: SiteFlask) -> None:
    """Small letters and hyphens in every fixed part of a path."""
    odd = [
        rule.rule
        for rule in app.url_map.iter_rules()
        if not re.fullmatch(r"[a-z0-9/.-]*", re.sub(r"<[^>]+>", "", rule.rule))
    ]
    assert odd == []


@pytest.mark.usefixtures("app")  # services bring their tables when an application is made
def test_every_model_is_a_citys_or_the_platforms() -> None:
    """There is no third kind of table."""
    mappers = list(Base.registry.mappers)
    assert len(mappers) > 40
    for mapper in mappers:
        assert issubclass(mapper.class_, (CityModel, PlatformModel)), mapper.class_
        assert mapper.local_table.info["owner"] in ("city", "platform")


BANNED = {
    r"\bstripe\.api_key\b": "StripeClient(key) per city, never the global key",
    r"set_config\(": "SET LOCAL reaches Citus workers, set_config() does not",
    r"os\.environ": "settings.py is the only reader of the environment",
    r"\bdatetime\.now\(\)": "a moment needs its zone",
    r"\|\s*safe\b|Markup\(": "nothing is marked safe: templates escape",
    r"<[^>]*\sstyle=\"": "the policy of pages allows no inline style",
    r"(?m)^ *assert\b": "python -O takes it away: raise, or ask for what cannot be None",
    r"\bon(?:click|load|change|submit)=": "the policy of pages allows no inline script",
    r"\.extensions\[\"(?!babel|csrf|migrate|oauth_server)": "the product is typed: product()",
    r"\.(?:state|status) [!=]= [\"']": "ask the model (is_paid), or compare with the states' enum",
    r"\.dashboard\(": "dashboard_items() shows at the counter what its desk may see, not all",
}
ALLOWED = {
    ("formats.py", r"\|\s*safe\b|Markup\("),  # a link made by Markup.format, which escapes
    ("stacked_tables.py", r"\|\s*safe\b|Markup\("),  # a page that is escaped already, and its
    ("form_errors.py", r"\|\s*safe\b|Markup\("),  # own words once more
    ("templates.py", r"\|\s*safe\b|Markup\("),  # texts of the catalogue, as Jinja takes them
    ("offered_forms.py", r"\|\s*safe\b|Markup\("),  # the same, without a form's buttons
    ("stripe.py", r"\.(?:state|status) [!=]= [\"']"),  # words of Stripe's
    ("pay.html", r"\.(?:state|status) [!=]= [\"']"),
    ("service.py", r"\.dashboard\("),
    ("settings.py", r"os\.environ"),
    ("transactions.py", r"set_config\("),
}


@pytest.mark.parametrize("pattern", BANNED)
def test_banned_words(pattern: str) -> None:
    """Each with the reason that it is banned for."""
    found = [
        f"{path.relative_to(ROOT)}: {BANNED[pattern]}"
        for path in [*SOURCE.rglob("*.py"), *SOURCE.rglob("*.html")]
        if (path.name, pattern) not in ALLOWED
        and re.search(pattern, re.sub(r"#.*", "", path.read_text("utf-8")))
    ]
    assert found == []


RAW_SQL = {
    "database/transactions.py",
    "database/row_level_security.py",
    "database/citus.py",  # what PostgreSQL says of its extension and settings
    "database/change_notices.py",  # NOTIFY
    "health.py",
}
OUTSIDE_A_CITY = {
    "tenancy/context.py",
    "credentials/master_key.py",  # the mark of the master key, before anything is sealed
    "tenancy/city_compiler.py",  # earlier revisions of a city whose newest does not compile
    "tenancy/content_changes.py",  # the platform's version, once a city's page is another
    "identity/authorization.py",  # who acts at the counter: the console's session, by its hash
}


@pytest.mark.parametrize(
    "word, allowed",
    [("without_statement_guard(", RAW_SQL), ("without_tenant(", OUTSIDE_A_CITY), ('text("', set())],
)
def test_ways_around_the_guard_are_counted(word: str, allowed: set[str]) -> None:
    """Raw SQL and leaving a city are loud, and stand in these files alone."""
    found = {
        str(path.relative_to(SOURCE))
        for path, text in modules()
        if re.search(rf"(?<![\w.]){re.escape(word)}", text) and "migrations" not in path.parts
    }
    assert found <= allowed | (
        {"database/row_level_security.py"} if word.startswith("text") else set()
    )


LOUD: dict[str, set[str]] = {
    r"without_statement_guard": {*RAW_SQL, "database/__init__.py"},
    r"""["']transaction["']\s*:|\btransaction\s*=\s*True|\.info\[["']transaction""": {
        "database/transactions.py"
    },
    r"exec_driver_sql|raw_connection|driver_connection|dbapi_connection": {
        "database/transactions.py",
        "database/driver_statements.py",  # which calls the guard as SQLAlchemy's execution does
    },
    r"\btenant_cleared\(": {"tenancy/context.py", "tenant_context.py"},
    r"literal_execute|literal_binds": {"database/transactions.py"},
}
"""Other ways to the same: an option of a statement, a session, a connection or an engine."""


@pytest.mark.parametrize("pattern", LOUD)
def test_ways_around_by_an_option_are_counted(pattern: str) -> None:
    """The option that lets a statement through is as loud as the function that sets it."""
    found = {
        path.relative_to(SOURCE).as_posix()
        for path, text in modules()
        if "migrations" not in path.parts and re.search(pattern, text)
    }
    assert found <= LOUD[pattern]


EDGES = re.compile(
    r"(portals|cli|request|sandboxes)/.*|(services/\w+|forms)/((\w+_)?views|desk|api)\.py"
)
"""Pages, commands and stand-ins, which read the clock once and hand the moment on."""
HOLD_A_CLOCK = {
    "__main__.py",
    "app.py",
    "clock.py",
    "product.py",
    "tenancy/current.py",
    # in front of every request
    "asgi/kept_answers.py",
    # loops that outlive every request
    "outbox/runner.py",
    "celery_app.py",
    "task_queue.py",
    "worker.py",
    "tenancy/change_watch.py",
    "tenancy/serving_processes.py",
    # called by the frame of a request
    "catalog/bulk_push.py",
    "catalog/checkout.py",
    "catalog/desk.py",
    "identity/api_clients/clients.py",
    "identity/assisted_service/access_log.py",
    "identity/authorization.py",
    "observability.py",
    "services/hospital_appointments/dashboard.py",
    "services/hospital_appointments/registration.py",
    # at the moment of a call to another system, or of its answer
    "connectors/http_client.py",
    "connectors/response_fields.py",
    "identity/federation/channels/alipay.py",
    "payments/providers/stripe.py",
}
CLOCK_READ = re.compile(
    r"\b(?:utc_now|current_time|Clock)\b|\bproduct(?:\(\))?\.clock\b|\btime\.time\(|\bdatetime\.now\("
)


def test_the_clock_is_read_at_the_edges() -> None:
    """What decides by the time takes it as an argument: one act has one moment, and a test moves it."""
    found = {
        path.relative_to(SOURCE).as_posix()
        for path, text in modules()
        if "migrations" not in path.parts and CLOCK_READ.search(text)
    }
    inside = {name for name in found if not EDGES.fullmatch(name)}
    assert inside - HOLD_A_CLOCK == set(), "take now: datetime as an argument"
    assert HOLD_A_CLOCK - inside == set(), "these read no clock any more"


def test_public_functions_say_their_contract() -> None:
    """Every public module, class and function has a docstring."""
    silent = []
    for path, text in modules():
        tree = ast.parse(text)
        if not ast.get_docstring(tree) and text.strip():
            silent.append(str(path.relative_to(ROOT)))
        for node in tree.body:
            public = isinstance(node, (ast.FunctionDef, ast.ClassDef)) and node.name[0] != "_"
            if public and not ast.get_docstring(node) and "migrations" not in path.parts:
                silent.append(f"{path.relative_to(ROOT)}:{node.lineno} {node.name}")
    assert silent == []


def test_tests_say_which_promise_they_guard() -> None:
    """A test without a docstring guards nobody knows what."""
    silent = [
        f"{path.name}:{node.lineno} {node.name}"
        for path in (ROOT / "tests").rglob("test_*.py")
        for node in ast.parse(path.read_text("utf-8")).body
        if isinstance(node, ast.FunctionDef)
        and node.name.startswith("test_")
        and not ast.get_docstring(node)
    ]
    assert silent == []


COUNTED = re.compile(
    r"%\((?!most|limit|kind)\w+\)[sd] (?:open |utility |traffic )?(?:accounts|acts|appointments|bills|"
    r"characters|cities|days|decimals|drafts|hours|items|lines|minutes|months|moves|people|places|"
    r"points|rows|tickets|times|tries)\b"
)
"""A count before what is counted; a limit that no document sets is always more than one."""
CATALOGUES = [
    package / "translations"
    for package in (SOURCE, *sorted(one.parent for one in SOURCE.glob("services/*/__init__.py")))
]
"""Of every service, whether it has the folder or not."""


@pytest.mark.parametrize("folder", CATALOGUES, ids=lambda path: path.parent.name)
def test_what_is_counted_has_a_form_for_one(folder: Path) -> None:
    """No page says “1 drafts made”: a text with a count in it goes through ``ngettext``."""
    with (folder / "zh.po").open("rb") as stream:
        catalog = read_po(stream, locale="zh")
    whole = [one.id for one in catalog if isinstance(one.id, str)]
    assert [text for text in whole if COUNTED.search(text)] == []


QUOTED = re.compile(
    r"%\([^)]*\)[a-z]|<[^>]*>|\{[^}]*\}|“[^”]*”|（[^）]*）|\([^)]*\)|smartcity(?: -{0,2}[a-z]+)+"
)
"""What is no part of a sentence's own language: what stands in it, an example, a command."""
ENGLISH_IN_CHINESE = re.compile(r"\b[a-z]{2,}(?: [a-z]{2,})+\b")
CHINESE_IN_ENGLISH = re.compile(
    r"[\u4e00-\u9fff]\s*\b[a-z]{2,}\b|\b(?!(?:as|or)\b)[a-z]{2,}\s+[\u4e00-\u9fff]"
)


def of_two_languages(chinese: str, english: str) -> bool:
    """Whether a text has a piece of the other language within its own sentence."""
    return bool(
        ENGLISH_IN_CHINESE.search(QUOTED.sub("", chinese))
        or CHINESE_IN_ENGLISH.search(QUOTED.sub("", english))
    )


def spoken_texts() -> Iterator[tuple[str, str, str]]:
    """Where every text stands, in Chinese and in English: catalogues, and pairs in the code."""
    for folder in CATALOGUES:
        with (folder / "zh.po").open("rb") as stream:
            for one in read_po(stream, locale="zh"):
                ids = [one.id] if isinstance(one.id, str) else [*one.id]
                said = [one.string] if isinstance(one.string, str) else [*one.string]
                yield from ((one.id, text, ids[-1]) for text in said if one.id)
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.Dict):
                continue
            pairs = {
                key.value: "".join(
                    str(part.value) for part in ast.walk(value) if isinstance(part, ast.Constant)
                )
                for key, value in zip(node.keys, node.values, strict=True)
                if isinstance(key, ast.Constant)
                and isinstance(value, (ast.Constant, ast.JoinedStr))
            }
            if {"zh", "en"} <= set(pairs):
                yield f"{path.name}:{node.lineno}", pairs["zh"], pairs["en"]


def test_no_text_is_of_two_languages() -> None:
    """Promise: no sentence on a screen begins in one language and goes on in the other."""
    assert of_two_languages("已有预约 in this department", "")
    assert of_two_languages("", "There is 已有预约 in this department")
    assert [one for one in spoken_texts() if of_two_languages(*one[1:])] == []


@pytest.mark.parametrize("folder", CATALOGUES, ids=lambda path: path.parent.name)
def test_every_string_is_translated(folder: Path) -> None:
    """Complete Chinese: nothing missing, empty or fuzzy, and every placeholder kept."""
    with (folder / "zh.po").open("rb") as stream:
        catalog = read_po(stream, locale="zh")
    wanted = {
        (message if isinstance(message, str) else message[0])
        for _file, _line, message, _comments, _context in extract_from_dir(
            str(folder.parent),
            method_map=[("**.py", "tools.operations:extract"), ("**.html", "jinja2")],
            keywords={
                "_": None,
                "lazy_gettext": None,
                "gettext": None,
                "ngettext": (1, 2),
                "lazy_ngettext": (1, 2),
                "pgettext": ((1, "c"), 2),
            },
            directory_filter=lambda name: (
                not (folder.parent == SOURCE and Path(name).name == "services")
            ),
        )
    }
    have = {
        message.id if isinstance(message.id, str) else message.id[0]
        for message in catalog
        if message.id
    }
    assert wanted - have == set(), "run tools/messages.sh and translate what is new"
    for message in catalog:
        if not message.id:
            continue
        texts = [message.string] if isinstance(message.string, str) else list(message.string)
        source = message.id if isinstance(message.id, str) else message.id[-1]
        assert all(texts), message.id
        assert not message.fuzzy, message.id
        for text in texts:
            assert set(re.findall(r"%\(\w+\)s", text)) == set(re.findall(r"%\(\w+\)s", source)), (
                message.id
            )


def test_a_text_is_translated_alike_in_every_catalogue() -> None:
    """Catalogues are read as one: two translations of one text would show one service's word on
    another's page."""
    said: dict[tuple[str, str], set[str]] = {}
    for folder in CATALOGUES:
        with (folder / "zh.po").open("rb") as stream:
            for message in read_po(stream, locale="zh"):
                if message.id:
                    key = (message.context or "", str(message.id))
                    said.setdefault(key, set()).add(str(message.string))
    assert {key: texts for key, texts in said.items() if len(texts) > 1} == {}


@pytest.mark.usefixtures("app")
def test_the_list_of_tables_is_not_stale() -> None:
    """docs/database-tables.md is made of the models."""
    stored = (ROOT / "docs/database-tables.md").read_text("utf-8")
    assert tables() == stored, "make generated"


def test_the_table_of_roles_is_not_stale() -> None:
    """docs/roles.md is made of the one table that the console enforces."""
    made = CliRunner().invoke(roles).output
    stored = (ROOT / "docs/roles.md").read_text("utf-8")
    assert made == stored, "smartcity roles > docs/roles.md"


def test_every_environment_variable_is_documented() -> None:
    """docs/operations.md names what settings.py reads."""
    text = (ROOT / "docs/operations.md").read_text("utf-8")
    names = set(
        re.findall(
            r'"((?:SMARTCITY_|DATABASE_|STRIPE_|CHANNEL_|PORT)\w*)"',
            (SOURCE / "settings.py").read_text(),
        )
    )
    assert {name for name in names if f"`{name}`" not in text} == set()


def test_every_command_is_documented() -> None:
    """docs/operations.md or the README names every subcommand."""
    text = (ROOT / "docs/operations.md").read_text("utf-8") + (ROOT / "README.md").read_text(
        "utf-8"
    )
    assert {name for name in main.commands if f"smartcity {name}" not in text} == set()


def test_telephone_numbers_can_be_pressed() -> None:
    """Promise: wherever a page names a number to call, it is a link: whoever is stuck is on a phone."""
    found = []
    for path in sorted(SOURCE.rglob("templates/**/*.html")):
        text = re.sub(r'<a [^>]*href="tel:.*?</a>', "", path.read_text("utf-8"), flags=re.S)
        for match in re.finditer(r"number=\(?[^,|(){}]*(?:hotline|phone)\)?(\|tel)?", text):
            if not match[1]:
                found.append(f"{path.name}: {match[0]}: write number=…|tel")
    assert found == []


LOOKED_AT_FROM_THE_FRONT = {
    ("offered_forms.py", "pages"),  # an address, by the map of routes
    ("alipay.py", "_SIGN"),  # goes on from a place in a longer text
    ("pdf.py", "_LIGATURES"),  # of one character
    ("pdf.py", "_IDEOGRAPHS"),
    ("search_terms.py", "_HAN"),
    ("account.py", "adapter"),  # werkzeug's, of an address
    ("kept_answers.py", "routes"),
}
PATTERNS = {"compile", "fullmatch", "search", "sub", "split", "findall", "finditer", "match"}


def odd_patterns(path: Path, text: str) -> Iterator[str]:
    """Places that judge a value by its beginning, or let a line's end follow it."""
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        owner = node.func.value.id if isinstance(node.func.value, ast.Name) else ""
        where = f"{path.name}:{node.lineno}"
        if node.func.attr == "match" and (path.name, owner) not in LOOKED_AT_FROM_THE_FRONT:
            yield f"{where}: fullmatch() judges the whole value, match() its beginning"
        if node.func.attr == "Regexp":
            yield f"{where}: web.api.matches_whole(): marshmallow's own judges the beginning"
        if owner == "re" and node.func.attr in PATTERNS and node.args:
            parts = [one for one in ast.walk(node.args[0]) if isinstance(one, ast.Constant)]
            pattern = "".join(one.value for one in parts if isinstance(one.value, str))
            bare = re.sub(r"\\.|\[[^\]]*\]", "", pattern)
            if "$" in bare and not bare.startswith("(?m)"):
                yield f"{where}: $ stands before a line's end too; fullmatch() knows none"


def test_whole_values_are_matched_to_the_very_end() -> None:
    """A code with a line's end behind it is another code: it went live once."""
    found = [said for path, text in modules() for said in odd_patterns(path, text)]
    assert found == []


@pytest.mark.parametrize(
    "line",
    [
        're.match("[0-9]+", x)',
        "_CODE.match(x)",
        're.compile(r"[0-9]+$")',
        're.fullmatch(f"{a}$", x)',
        'validate.Regexp("[0-9]+")',
    ],
)
def test_such_a_place_would_be_found(line: str) -> None:
    """The reading of the code sees each form."""
    assert list(odd_patterns(Path("x.py"), line))


def test_attempts_are_counted_by_network() -> None:
    """Whoever has a network of IPv6 has 2^64 addresses: no key of attempts holds one by itself."""
    bare = []
    for path, text in modules():
        for call in ast.walk(ast.parse(text)):
            if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name):
                continue
            if call.func.id in ("count_attempt", "count_call", "give_back", "forget"):
                bare += [f"{path.name}:{one.lineno}" for one in call.args if _has_bare_address(one)]
    assert not bare, f"count these by network_of(address): {bare}"


def _has_bare_address(node: ast.AST) -> bool:
    if isinstance(node, ast.Call) and getattr(node.func, "id", "").endswith("network_of"):
        return False
    name = node.id if isinstance(node, ast.Name) else getattr(node, "attr", "")
    return name in ("address", "remote_addr") or any(
        _has_bare_address(child) for child in ast.iter_child_nodes(node)
    )
