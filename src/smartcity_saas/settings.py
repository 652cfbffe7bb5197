"""The only reader of the environment."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from smartcity_saas.addresses import Network, read_address, read_network
from smartcity_saas.errors import SettingsError
from smartcity_saas.master_keys import read_key

DEMO_KEY = "demo-only-key-that-every-reader-of-this-file-knows"
SHORTEST_KEY = 32
PORT = 8000
DNS_PORT = 53
REDIS = ("redis", "rediss")
BROKERS = ("amqp", "amqps", *REDIS)
_SERVER = re.compile(
    r"\[(?P<v6>[^\[\]]+)\](?::(?P<port6>[0-9]{1,5}))?"
    r"|(?P<v4>[0-9.]+)(?::(?P<port4>[0-9]{1,5}))?|(?P<bare>[0-9A-Fa-f:.]+)"
)


@dataclass(frozen=True)
class Settings:
    """What the installation decides, as opposed to what a document decides.

    ``database_url`` is what the application connects as; ``owner_url`` is what migrations
    connect as (on PostgreSQL another role, because the application's role must own nothing).
    ``database_setting`` says where the name of the database comes from.
    ``data_dir`` is the folder of the installation's own export of measures, of exact figures.
    ``broker`` is the address of the Celery workers' broker, ``redis`` that of the Redis that processes
    share; both may hold a password. ``dns_servers`` are asked for the records that prove hosts, each an
    address with its port; empty for those of the machine.
    ``held_socket``: a supervisor has opened the socket to listen on (sd_listen_fds(3)).
    """

    demo: bool = False
    host: str = "localhost"
    port: int = PORT
    workers: int = 1
    secret_key: str = ""
    master_key: str = ""
    old_master_key: str = ""
    trusted_proxies: tuple[Network, ...] = ()
    database_url: str = ""
    database_setting: str = "DATABASE_URL"
    owner_url: str = ""
    metrics_token: str = ""
    smtp_url: str = ""
    allowed_networks: tuple[Network, ...] = ()
    stripe_api_base: str = ""
    stripe_sandbox_port: int = 12111
    channel_base: str = ""
    channel_sandbox_port: int = 22112
    bind: str = "127.0.0.1"
    held_socket: bool = False
    language: str = "en"
    config_root: Path = field(default_factory=Path.cwd)
    data_dir: Path | None = None
    broker: str = ""
    redis: str = ""
    dns_servers: tuple[tuple[str, int], ...] = ()
    tracing: bool = False
    testing: bool = False

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> Settings:
        """Read the environment.

        Raises:
            SettingsError: A value cannot be understood; the message names the variable.
        """
        env = os.environ if environ is None else environ
        demo = _boolean(env, "SMARTCITY_DEMO")
        root = Path(env.get("SMARTCITY_CONFIG_ROOT") or Path.cwd())
        port = _integer(env, "PORT", PORT, 1, 65535)
        stripe_port = _integer(env, "STRIPE_SANDBOX_PORT", _beside(port, 4_111), 1, 65535)
        database = _demo_database(port) if demo else "smartcity.sqlite3"
        default_database = f"sqlite:///{root / 'var' / database}"
        database_url = _sqlalchemy_url(env.get("DATABASE_URL") or default_database)
        return cls(
            demo=demo,
            host=env.get("SMARTCITY_HOST", "").strip().lower().rstrip(".") or "localhost",
            port=port,
            workers=_integer(env, "SMARTCITY_WORKERS", 1, 1, 64),
            secret_key=env.get("SMARTCITY_SECRET_KEY") or (DEMO_KEY if demo else ""),
            master_key=read_key(env, "SMARTCITY_MASTER_KEY") or (DEMO_KEY if demo else ""),
            old_master_key=read_key(env, "SMARTCITY_OLD_MASTER_KEY") or (DEMO_KEY if demo else ""),
            trusted_proxies=_networks(env, "SMARTCITY_TRUSTED_PROXIES"),
            database_url=database_url,
            database_setting="DATABASE_URL"
            if env.get("DATABASE_URL")
            else f"SMARTCITY_DEMO, PORT={port}"
            if demo
            else "default, as DATABASE_URL is not set",
            owner_url=_sqlalchemy_url(env.get("DATABASE_OWNER_URL") or database_url),
            metrics_token=env.get("SMARTCITY_METRICS_TOKEN", ""),
            smtp_url=env.get("SMARTCITY_SMTP_URL", ""),
            allowed_networks=_networks(env, "SMARTCITY_ALLOWED_NETWORKS")
            or ((read_network("127.0.0.0/8"),) if demo else ()),
            stripe_api_base=_stripe_base(env, demo, stripe_port),
            stripe_sandbox_port=stripe_port,
            channel_base=f"http://127.0.0.1:{_channel_port(env, port, stripe_port)}"
            if demo
            else "",
            channel_sandbox_port=_channel_port(env, port, stripe_port),
            bind="127.0.0.1" if demo else env.get("SMARTCITY_BIND", "127.0.0.1"),
            held_socket=_held_socket(env),
            language="zh" if (env.get("LC_ALL") or env.get("LANG", "")).startswith("zh") else "en",
            config_root=root,
            data_dir=_folder(env, "SMARTCITY_DATA_DIR"),
            tracing=_asks_for_traces(env),
            broker=_address(env, "SMARTCITY_BROKER", BROKERS),
            redis=_address(env, "SMARTCITY_REDIS", REDIS),
            dns_servers=_servers(env, "SMARTCITY_DNS_SERVERS"),
        )

    def refuse_unsafe_keys(self) -> None:
        """Stop a production start that has no keys of its own.

        Raises:
            SettingsError: A key is missing, too short, or the demo's.
        """
        for name, value in (
            ("SMARTCITY_SECRET_KEY", self.secret_key),
            ("SMARTCITY_MASTER_KEY", self.master_key),
        ):
            if self.demo:
                continue
            if not value:
                raise SettingsError(
                    f"{name} is not set. Make one with `openssl rand -base64 48` and keep it "
                    "outside the repository."
                )
            if value == DEMO_KEY or len(value) < SHORTEST_KEY:
                raise SettingsError(
                    f"{name} is the demo's or shorter than {SHORTEST_KEY} characters. Make one "
                    "with `openssl rand -base64 48`."
                )


def _asks_for_traces(env: Mapping[str, str]) -> bool:
    """Whether the standard variables of OpenTelemetry name where traces go. It reads them itself."""
    if env.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return False
    if (chosen := env.get("OTEL_TRACES_EXPORTER", "").strip().lower()) in ("otlp", "none"):
        return chosen == "otlp"
    names = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
    return any(env.get(name, "").strip() for name in names)


def _folder(env: Mapping[str, str], name: str) -> Path | None:
    text = env.get(name, "").strip()
    if text and not Path(text).is_absolute():
        raise SettingsError(f"{name} must be an absolute path, not {text!r}.")
    return Path(text) if text else None


def _address(env: Mapping[str, str], name: str, schemes: tuple[str, ...]) -> str:
    """The address of a server; what is wrong with it is told without the password in it."""
    text = env.get(name, "").strip()
    if not text:
        return ""
    scheme, separator, rest = text.partition("://")
    if not separator or scheme not in schemes or not rest.strip("/"):
        words = " or ".join(f"{one}://" for one in schemes)
        raise SettingsError(f"{name} must be the address of a server and begin with {words}.")
    return text


def _servers(env: Mapping[str, str], name: str) -> tuple[tuple[str, int], ...]:
    """Servers by their addresses, with the port of DNS unless another stands behind: 10.0.0.53,
    127.0.0.1:5353, [::1]:5353."""
    found = []
    for word in env.get(name, "").replace(",", " ").split():
        found_in = _SERVER.fullmatch(word)
        parts = found_in.groupdict() if found_in else {}
        address = parts.get("v6") or parts.get("v4") or parts.get("bare") or ""
        port = int(parts.get("port6") or parts.get("port4") or DNS_PORT)
        if read_address(address) is None or not 1 <= port <= 65535:
            raise SettingsError(
                f"{name} must list addresses such as 10.0.0.53 or 127.0.0.1:5353, not {word!r}."
            )
        found.append((address, port))
    return tuple(found)


def _held_socket(env: Mapping[str, str]) -> bool:
    """Whether a supervisor passed this very process a socket: what it starts itself is passed the
    variables too."""
    if env.get("LISTEN_PID") != str(os.getpid()):
        return False
    if env.get("LISTEN_FDS") != "1":
        raise SettingsError("The socket unit must have exactly one ListenStream.")
    return True


def _boolean(env: Mapping[str, str], name: str) -> bool:
    value = env.get(name, "").strip().lower()
    if value in ("", "0", "false", "no", "off"):
        return False
    if value in ("1", "true", "yes", "on"):
        return True
    raise SettingsError(f"{name} must be 1 or 0, not {value!r}.")


def _integer(env: Mapping[str, str], name: str, default: int, least: int, most: int) -> int:
    text = env.get(name, "").strip()
    if not text:
        return default
    if not text.isdecimal() or not least <= int(text) <= most:
        raise SettingsError(f"{name} must be a whole number from {least} to {most}, not {text!r}.")
    return int(text)


def _networks(env: Mapping[str, str], name: str) -> tuple[Network, ...]:
    words = env.get(name, "").replace(",", " ").split()
    try:
        return tuple(read_network(word) for word in words)
    except ValueError as error:
        raise SettingsError(
            f"{name} must list addresses or networks such as 10.0.0.0/8: {error}."
        ) from None


def _stripe_base(env: Mapping[str, str], demo: bool, sandbox_port: int) -> str:
    """Where Stripe's API is, instead of Stripe itself: in demo mode (and tests) only."""
    base = env.get("STRIPE_API_BASE", "").strip().rstrip("/")
    if base and not demo:
        raise SettingsError("STRIPE_API_BASE is for the demo only: payments go to Stripe itself.")
    return (base or f"http://127.0.0.1:{sandbox_port}") if demo else ""


def _channel_port(env: Mapping[str, str], port: int, stripe_port: int) -> int:
    """The port of the apps' stand-in: the one after Stripe's where that was chosen."""
    chosen = env.get("STRIPE_SANDBOX_PORT", "").strip()
    default = min(stripe_port + 1, 65535) if chosen else _beside(port, 14_112)
    return _integer(env, "CHANNEL_SANDBOX_PORT", default, 1, 65535)


def _beside(port: int, steps: int) -> int:
    """Another port that follows from ``PORT``, far enough that the demos of neighbouring ports
    never meet."""
    found = port + steps
    return found if found <= 65535 else found - 40_000


def _demo_database(port: int) -> str:
    """A demo of its own for each port, so that a second one beside the first changes nothing."""
    return "demo.sqlite3" if port == PORT else f"demo-{port}.sqlite3"


def _sqlalchemy_url(url: str) -> str:
    """Name psycopg 3 as the driver of a plain ``postgresql://`` address."""
    for scheme in ("postgresql://", "postgres://"):
        if url.startswith(scheme):
            return "postgresql+psycopg://" + url.removeprefix(scheme)
    return url
