"""Pages for managing accounts, whichever portal they stand in: platform, province or city."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from flask import redirect, render_template, request
from flask.typing import ResponseReturnValue

from smartcity_saas.catalog.service import Service
from smartcity_saas.errors import Invalid
from smartcity_saas.identity.authorization import signed_in_member
from smartcity_saas.identity.staff import accounts as staff_accounts
from smartcity_saas.identity.staff import invitations
from smartcity_saas.identity.staff.roles import PERMISSIONS, ROLES, title_of
from smartcity_saas.product import product
from smartcity_saas.tenancy.city_services import city_services
from smartcity_saas.tenancy.current import current_time
from smartcity_saas.web.policy import ConsoleBlueprint


@dataclass(frozen=True)
class StaffPages:
    """Where accounts of one kind of place are managed.

    ``rule`` is its place in addresses, ``place`` the argument of the address that names the
    province or the city (None for the platform), ``permission`` what managing needs, ``shell``
    gives a page what its portal's navigation needs.
    """

    rule: str
    place: str | None
    permission: str
    shell: Callable[..., dict[str, Any]]


def add_staff_pages(blueprint: ConsoleBlueprint, pages: StaffPages) -> None:
    """Register the pages."""
    _add_accounts(blueprint, pages)
    _add_invitations(blueprint, pages)
    for act, change in (
        ("disable", staff_accounts.disable_staff),
        ("enable", staff_accounts.enable_staff),
        ("reset-factors", staff_accounts.reset_factors),
    ):
        _add_change(blueprint, pages, act, change)


def _add_accounts(blueprint: ConsoleBlueprint, pages: StaffPages) -> None:
    root = f"{pages.rule}/staff"

    @blueprint.page(root, permission=pages.permission)
    def accounts(**where: str) -> ResponseReturnValue:
        """Accounts of the place, invitations that wait, and the form for a new one."""
        return _page(pages, where)

    @blueprint.page(
        f"{root}/<username>/roles", permission=pages.permission, methods=("POST",), recent_auth=True
    )
    def change_roles(username: str, **where: str) -> ResponseReturnValue:
        """Give an account other roles; whoever is signed in with it is out at once."""
        roles, now = request.form.getlist("roles"), current_time()
        try:
            staff_accounts.change_roles(signed_in_member().actor, username, roles, now)
        except Invalid as error:
            found = error.by_field("roles")
            errors = {f"roles-{username}": said for said in found.values()}
            return _page(pages, where, errors=errors, changed=(username, roles)), 422
        return _back(pages, where)


def _add_invitations(blueprint: ConsoleBlueprint, pages: StaffPages) -> None:
    root = f"{pages.rule}/staff"

    @blueprint.page(root, permission=pages.permission, methods=("POST",))
    def invite(**where: str) -> ResponseReturnValue:
        """Invite somebody."""
        typed = {name: request.form.get(name, "").strip() for name in ("mail", "name", "at")}
        roles = request.form.getlist("roles")
        try:
            link, sent = invitations.invite(
                signed_in_member().actor,
                typed["mail"],
                typed["name"],
                roles,
                lambda token: f"{request.host_url}invitations/{token}",
                **_place(pages, where, roles, typed["at"]),
                now=current_time(),
            )
        except Invalid as error:
            return _page(pages, where, typed=typed, roles=roles, errors=error.by_field()), 422
        return _page(pages, where, link=link, sent=sent, to=typed["mail"])

    @blueprint.page(
        f"{root}/invitations/<uuid:invitation_id>/end",
        permission=pages.permission,
        methods=("POST",),
    )
    def end_invitation(invitation_id: uuid.UUID, **where: str) -> ResponseReturnValue:
        """Take an invitation back."""
        invitations.take_back(signed_in_member().actor, invitation_id, current_time())
        return _back(pages, where)

    @blueprint.page(
        f"{root}/<username>/renew", permission=pages.permission, methods=("POST",), recent_auth=True
    )
    def renew(username: str, **where: str) -> ResponseReturnValue:
        """Send a link for a new way in to an account."""
        link, sent = invitations.renew(
            signed_in_member().actor,
            username,
            lambda token: f"{request.host_url}invitations/{token}",
            current_time(),
        )
        return _page(pages, where, link=link, sent=sent, to=username)


def _add_change(
    blueprint: ConsoleBlueprint, pages: StaffPages, act: str, change: Callable[..., None]
) -> None:
    def view(username: str, **where: str) -> ResponseReturnValue:
        change(signed_in_member().actor, username, current_time())
        return _back(pages, where)

    view.__name__ = f"staff_{act.replace('-', '_')}"
    view.__doc__ = change.__doc__
    rule = f"{pages.rule}/staff/<username>/{act}"
    recent_auth = act != "disable"  # closing an account must not wait for anything
    blueprint.page(rule, permission=pages.permission, methods=("POST",), recent_auth=recent_auth)(
        view
    )


def _page(pages: StaffPages, where: dict[str, str], **values: Any) -> str:
    actor = signed_in_member().actor
    province = where.get("province") if pages.place == "province" else None
    city = where.get("city") if pages.place == "city" else None
    values = {
        "typed": {},
        "roles": [],
        "errors": {},
        "changed": ("", []),
        "link": None,
        "sent": False,
        "to": "",
        **values,
    }
    return render_template(
        "console/staff.html",
        accounts=staff_accounts.staff_within(actor, province, city),
        invitations=invitations.invitations_at(actor, province, city, current_time()),
        choices=_choices(pages, where),
        place=pages.place or "platform",
        root=_root(pages, where),
        title_of=title_of,
        table=list(ROLES.values()),
        permissions=PERMISSIONS,
        **values,
        **pages.shell(**where),
    )


def _choices(pages: StaffPages, where: dict[str, str]) -> list[tuple[str, Any, str]]:
    """The roles that can be given here: how they are held, in words, and the kind of place."""
    services = _offered(pages, where)
    found: list[tuple[str, Any, str]] = []
    for role in ROLES.values():
        if pages.place == "city" and role.place != "city":
            continue
        if pages.place == "province" and role.place == "platform":
            continue
        if role.per_service:
            found += [
                (f"{role.name}:{name}", service.title, role.place)
                for name, service in services.items()
            ]
        else:
            found.append((role.name, role.title, role.place))
    return found


def _offered(pages: StaffPages, where: dict[str, str]) -> Mapping[str, Service]:
    """The services whose desks there are: those of the city, its own definitions among them."""
    served = product().registry.snapshot.cities.get(where.get("city", ""))
    return city_services(served) if served is not None else product().services


def _place(
    pages: StaffPages, where: dict[str, str], roles: list[str], at: str
) -> dict[str, str | None]:
    """Where the roles are to be held: here, or at the city or province that was written."""
    if pages.place == "city":
        return {"city": where["city"]}
    if pages.place == "province" and "province_admin" in roles:
        return {"province": where["province"]}
    return {"province": at or None, "city": at or None}


def _root(pages: StaffPages, where: dict[str, str]) -> str:
    rule = pages.rule
    for name, value in where.items():
        rule = rule.replace(f"<{name}>", value)
    return f"{rule}/staff"


def _back(pages: StaffPages, where: dict[str, str]) -> ResponseReturnValue:
    return redirect(_root(pages, where))
