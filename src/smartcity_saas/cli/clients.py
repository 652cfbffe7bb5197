"""Commands for a city's API clients: clients create, list, rotate, revoke."""

from __future__ import annotations

import click

from smartcity_saas.audit import system
from smartcity_saas.cli.city_context import inside
from smartcity_saas.cli.output import format_option, say, say_json, say_table
from smartcity_saas.identity.api_clients import clients as domain
from smartcity_saas.identity.api_clients.clients import NewClient
from smartcity_saas.tenancy.current import current_time


@click.group("clients")
def clients() -> None:
    """API clients of a city: the back offices that may call its API."""


@clients.command()
@click.argument("city")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    required=True,
    help="Such as bills:write. May be given several times.",
)
@click.option("--name", default="", help="The back office's name; the scopes by default.")
@format_option
def create(city: str, scopes: tuple[str, ...], name: str, style: str) -> None:
    """Create an API client. Its secret is printed once."""
    wanted = [word for scope in scopes for word in scope.replace(",", " ").split()]
    with inside(city):
        made = domain.create_client(system("cli"), name or " ".join(wanted), wanted, current_time())
    _say_secret(made, style)


@clients.command("list")
@click.argument("city")
@format_option
def list_clients(city: str, style: str) -> None:
    """List a city's API clients and their scopes."""
    with inside(city):
        rows = [
            {
                "client_id": row.client_id,
                "name": row.name,
                "scopes": row.scopes,
                "last_used_at": row.last_used_at.isoformat() if row.last_used_at else None,
                "revoked": row.revoked_at is not None,
            }
            for row in domain.clients()
        ]
    if style == "json":
        say_json(rows)
    else:
        say_table(
            ["client", "name", "scopes", "last used", ""],
            [
                [
                    str(row["client_id"]),
                    str(row["name"]),
                    " ".join(row["scopes"]),  # type: ignore[arg-type]
                    str(row["last_used_at"] or ""),
                    "closed" if row["revoked"] else "",
                ]
                for row in rows
            ],
        )


@clients.command()
@click.argument("city")
@click.argument("client_id")
@format_option
def rotate(city: str, client_id: str, style: str) -> None:
    """Give a client a new secret, printed once. The old one works for another day."""
    with inside(city):
        made = domain.rotate_secret(system("cli"), client_id, current_time())
    _say_secret(made, style)


@clients.command()
@click.argument("city")
@click.argument("client_id")
def revoke(city: str, client_id: str) -> None:
    """Revoke a client and its tokens at once."""
    with inside(city):
        domain.revoke_client(system("cli"), client_id, current_time())
    say(f"{client_id} is closed.")


COMMANDS = (clients,)


def _say_secret(made: NewClient, style: str) -> None:
    if style == "json":
        say_json({"client_id": made.client_id, "client_secret": made.secret})
    else:
        say(f"client_id: {made.client_id}")
        say(f"client_secret: {made.secret}")
