"""Commands for keys: secrets set, list, probe, rotate-master."""

from __future__ import annotations

import sys
from datetime import datetime, timedelta
from typing import Any

import click
from sqlalchemy import select

from smartcity_saas.audit import system
from smartcity_saas.cli.city_context import inside
from smartcity_saas.cli.documents import documents_as_cli
from smartcity_saas.cli.output import counted, format_option, say, say_json, say_table
from smartcity_saas.configuration.city import LiveDocument
from smartcity_saas.configuration.merge import OWN_KEYS
from smartcity_saas.configuration.models import Document
from smartcity_saas.configuration.repository import live_documents
from smartcity_saas.configuration.schema import CITY, PROVINCE, document_schema
from smartcity_saas.configuration.secret_uses import SecretUse, future_use
from smartcity_saas.credentials import (
    CredentialError,
    credentials,
    province_secrets,
    reencrypt_province_secrets,
    rewrap,
    store_credential,
    store_province_secret,
)
from smartcity_saas.credentials.master_key import finish_change_of_keys
from smartcity_saas.database import db
from smartcity_saas.errors import Invalid, NotFound, SmartCityError
from smartcity_saas.identity.staff.second_factors import reencrypt_factors
from smartcity_saas.identity.staff.sessions import reencrypt_id_tokens
from smartcity_saas.identity.staff.single_sign_on import probe as probe_provider
from smartcity_saas.identity.staff.single_sign_on import provider_of
from smartcity_saas.payments.probes import Probed, probe, uses_of
from smartcity_saas.product import product
from smartcity_saas.tenancy.context import tenant_context
from smartcity_saas.tenancy.current import current_time


@click.group("secrets")
def secrets() -> None:
    """Set, list and test secrets of a city or of province:SLUG."""


@secrets.command("set")
@click.argument("city")
@click.argument("name")
@click.option(
    "--overlap-hours",
    type=click.IntRange(0, 24 * 14),
    default=0,
    show_default=True,
    help="For how long the old value still verifies signatures of others (webhooks).",
)
@click.option(
    "--for",
    "path",
    help="The place in the document that it is for, if the document does not name it there yet: "
    "channels.oidc.client_secret.",
)
@click.option("--to", "destination", default="", help="Where it will be sent from that place.")
def set_secret(
    city: str, name: str, overlap_hours: int, path: str | None, destination: str
) -> None:
    """Store a secret, read from standard input. It is never printed.

    It serves the places that name it now, or the one of --for and --to, which a revision may then
    name; a revision that would send it elsewhere is refused until it is entered anew.
    """
    if destination and path is None:
        raise click.UsageError("--to says where a secret goes from the place of --for.")
    value = (
        click.prompt("Secret", hide_input=True) if sys.stdin.isatty() else sys.stdin.read()
    ).strip()
    keyring, actor, now = product().keyring, system("cli"), current_time()
    next_use = [] if path is None else [_future_use(city, name, path, destination)]
    if document := _province(city):
        uses = next_use or documents_as_cli().secret_uses(document.name)
        store_province_secret(keyring, actor, _slug(document), name, value, now, uses)
    else:
        with inside(city) as found:
            uses = next_use or list(found.secret_uses)
            overlap = timedelta(hours=overlap_hours)
            store_credential(keyring, actor, name, value, now, overlap=overlap, uses=uses)
        documents_as_cli().touch_content(city)
    said = ", ".join(sorted(str(use) for use in uses if use.name == name))
    say(f"{city} has “{name}”, for {said}.")


@secrets.command("list")
@click.argument("city")
@format_option
def list_secrets(city: str, style: str) -> None:
    """List secrets: when set, what uses them, whether they work.

    Those of a city, or of province:SLUG. Values are never shown.
    """
    if document := _province(city):
        named = documents_as_cli().secret_uses(document.name)
        lines = [_line_of_province(row, named) for row in province_secrets(_slug(document))]
    else:
        with inside(city) as found:
            rows, uses = credentials(), uses_of(found)
        lines = [
            _line(row, [f"{use.path} ({use.document})" for use in uses if use.name == row.name])
            for row in rows
        ]
    if style == "json":
        say_json(lines)
    else:
        say_table(
            ["name", "set", "used by", "last used", "works"],
            [
                [
                    line["name"],
                    line["updated_at"],
                    ", ".join(line["used_by"]),
                    line["used_at"] or "",
                    {True: "yes", False: f"NO ({line['probe']})", None: ""}[line["works"]],
                ]
                for line in lines
            ],
        )


@secrets.command("probe")
@click.argument("city")
@click.argument("name", required=False)
@format_option
def probe_secrets(city: str, name: str | None, style: str) -> None:
    """Test whether secrets work. Exit code 1 if one does not."""
    if document := _province(city):
        results = _probed_province(document)
    else:
        with inside(city) as found:
            names = [name] if name else sorted({use.name for use in uses_of(found)})
            results = [(one, probe(found, one, current_time())) for one in names]
    if style == "json":
        say_json([{"name": n, "works": one.ok, "detail": one.detail} for n, one in results])
    else:
        words = {True: "works", False: "DOES NOT WORK", None: "could not be tested"}
        say_table(["name", "", "detail"], [[n, words[one.ok], one.detail] for n, one in results])
    if any(one.ok is False for _name, one in results):
        sys.exit(1)


@secrets.command("rotate-master")
@format_option
def rotate_master(style: str) -> None:
    """Re-encrypt everything with the present master key.

    That is the keys of cities, the authenticator apps of staff, the secrets of provinces, and the
    ID tokens that sessions keep for signing out.

    Set the new key as SMARTCITY_MASTER_KEY and the one before as SMARTCITY_OLD_MASTER_KEY, restart,
    run this, then remove the old one. If it is stopped, run it again: it continues.
    """
    keyring = product().keyring
    cities = db.session.execute(
        select(Document.id, Document.name).where(Document.kind == "city").order_by(Document.id)
    ).all()
    db.session.rollback()
    done, failed = 0, []
    for city_id, name in cities:
        try:
            with tenant_context(city_id):
                done += rewrap(keyring)
        except CredentialError:
            failed.append(name)
    factors, closed = reencrypt_factors()
    provinces, shut = reencrypt_province_secrets(keyring)
    tokens, lost = reencrypt_id_tokens()
    failed += [*closed, *shut, *lost]
    if style == "json":
        say_json(
            {
                "rewrapped": done,
                "second_factors": factors,
                "province_secrets": provinces,
                "sessions": tokens,
                "failed": failed,
            }
        )
    else:
        say(
            f"Wrapped anew: the keys of {counted(done, 'city', 'cities')}, "
            f"{counted(factors, 'second factor')}, {counted(provinces, 'secret')} of provinces, "
            f"{counted(tokens, 'session')}. Whatever else there is was already."
        )
    if failed:
        raise Invalid(
            "No master key that is set opens the keys of: " + ", ".join(failed) + ". Set the one "
            "that wrapped them as SMARTCITY_OLD_MASTER_KEY and run this again; nothing was lost."
        )
    finish_change_of_keys(keyring)


COMMANDS = (secrets,)


def _province(name: str) -> LiveDocument | None:
    """The document of ``province:<slug>``; None for a city.

    Raises:
        NotFound: There is no such province.
    """
    kind, _colon, slug = name.partition(":")
    if kind != "province":
        return None
    found = live_documents([name])
    if not found:
        raise NotFound(f"There is no province “{slug}”.")
    return found[0]


def _future_use(owner: str, name: str, path: str, destination: str) -> SecretUse:
    """What a secret of a city, or of a province's own, is going to be for.

    Raises:
        Invalid: It cannot be named there.
    """
    kind = PROVINCE if owner.startswith("province:") else CITY
    schema = document_schema(kind, product().registry.extensions)
    if kind == PROVINCE and path.split(".")[0] not in OWN_KEYS:
        raise Invalid("The secrets that a baseline names there are its cities', each its own.")
    return future_use(schema, name, path, destination)


def _slug(document: LiveDocument) -> str:
    return document.name.removeprefix("province:")


def _probed_province(document: LiveDocument) -> list[tuple[str, Probed]]:
    """What asking the province's provider of single sign-on found."""
    provider = provider_of(document)
    if provider is None:
        return []
    try:
        result = Probed(True, probe_provider(provider, current_time()))
    except SmartCityError as error:
        result = Probed(False, str(error.title))
    return [("single_sign_on", result)]


def _line_of_province(row: Any, uses: list[SecretUse]) -> dict[str, Any]:
    return {
        "name": row.name,
        "updated_at": _moment(row.updated_at),
        "used_by": [use.path for use in uses if use.name == row.name],
        "used_at": _moment(row.used_at),
        "works": None,
        "probe": "",
    }


def _moment(value: datetime | None) -> str | None:
    return f"{value:%Y-%m-%d %H:%M} UTC" if value else None


def _line(row: Any, used_by: list[str]) -> dict[str, Any]:
    return {
        "name": row.name,
        "updated_at": _moment(row.updated_at),
        "used_by": used_by,
        "used_at": _moment(row.used_at),
        "works": row.probe_ok,
        "probe": row.probe_detail,
    }
