"""Changes of documents in words that staff read, in their language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask_babel import gettext
from flask_babel import lazy_gettext as _

from smartcity_saas.audit import AuditEvent, CityAuditEvent
from smartcity_saas.configuration.changes import FILE_MARK, MISSING, Change
from smartcity_saas.configuration.merge import is_text
from smartcity_saas.configuration.problems import Path, dotted
from smartcity_saas.configuration.yaml_edit import inline
from smartcity_saas.identity.assisted_service.access_log import SENT
from smartcity_saas.identity.assisted_service.models import ResidentAccess
from smartcity_saas.identity.staff.roles import PERMISSIONS
from smartcity_saas.product import product
from smartcity_saas.tenancy.city_services import city_service, city_shown
from smartcity_saas.web.languages import local
from smartcity_saas.web.policy import policy_of

_NAMES: dict[str, Any] = {
    "state": _("State of the city"),
    "name": _("Name"),
    "city": _("City"),
    "province": _("Province"),
    "division_code": _("Division code"),
    "hosts": _("Domains"),
    "locked": _("Locked"),
    "branding.color": _("Brand colour"),
    "branding.logo": _("Logo"),
    f"branding.logo{FILE_MARK}": _("Picture of the logo"),
    "site.hotline": _("Hotline"),
    "site.icp": _("ICP filing number"),
    "site.police_record": _("Public security filing number"),
    "site.operator": _("Run by"),
}
_ACTS: dict[str, Any] = {
    "document.console": _("Changed on the console"),
    "document.file": _("Applied from a file"),
    "document.rollout": _("Imported from a CSV"),
    "document.undo": _("Undid a change"),
    "document.rollback": _("Restored an earlier revision"),
    "document.withdraw": _("Removed it"),
    "host.prove": _("Found the DNS record of a domain"),
    "host.miss": _("Missed the DNS record of a domain"),
    "host.lose": _("Took a domain away that is no longer proved"),
    "document.preview": _("Opened a preview"),
    "data.export_exact": _("Exported exact figures"),
    "staff.sign_in": _("Staff signed in"),
    "staff.create": _("Created an account"),
    "staff.disable": _("Disabled an account"),
    "staff.enable": _("Enabled an account"),
    "staff.roles": _("Changed the roles of an account"),
    "staff.password": _("Changed a password"),
    "staff.renew": _("Reset an account"),
    "staff.invite": _("Invited somebody"),
    "staff.uninvite": _("Revoked an invitation"),
    "staff.add_factor": _("Set up a two-step verification method"),
    "staff.remove_factor": _("Removed a two-step verification method"),
    "staff.reset_factors": _("Reset two-step verification"),
    "staff.recovery_codes": _("Created new recovery codes"),
    "staff.recover": _("Signed in with a recovery code"),
    "staff.end_sessions": _("Signed out of their own sessions"),
    "resident.link": _("Linked a sign-in method"),
    "resident.unlink": _("Unlinked a sign-in method"),
    "resident.merge": _("Merged two accounts"),
    "resident.real_name": _("Verified a real name"),
    "resident.forget_real_name": _("Withdrew a verified real name"),
    "resident.end_session": _("Ended a session"),
    "resident.erase": _("Deleted an account"),
    "announcement.publish": _("Published an announcement"),
    "announcement.withdraw": _("Withdrew an announcement"),
    "announcement.restore": _("Restored an announcement"),
    "scorecard.enter": _("Entered a figure for the scorecard"),
    "scorecard.take_back": _("Took back a figure of the scorecard"),
    "scorecard.import": _("Imported figures for the scorecard"),
    "resident.sign_in": _("A resident signed in"),
    "credential.set": _("Set a secret"),
    "client.create": _("Created an API client"),
    "client.rotate": _("Gave an API client a new secret"),
    "client.revoke": _("Revoked an API client"),
    "resident.token": _("Created a token for a program"),
    "resident.counter": _("Acted for a resident at the counter"),
    "credential.remove": _("Removed a secret"),
    "rating.answer": _("Answered a rating"),
    "payment.begin": _("Started a payment"),
    "payment.paid": _("A payment was received"),
    "payment.held": _("A payment was put on hold"),
    "payment.book": _("Recorded a payment on hold as paid"),
    "payment.expired": _("A payment expired"),
    "payment.failed": _("A payment failed"),
    "payment.abandon": _("Ended a payment that the provider does not know"),
    "payment.refund_refused": _("The payment provider refused a refund"),
    "payment.refund": _("Requested a refund"),
    "payment.refunded": _("A refund was sent"),
    "payment.refund_returned": _("A refund came back"),
    "payment.dispute_inquiry": _("A bank asked about a payment"),
    "payment.dispute_open": _("A bank disputed a payment"),
    "payment.dispute_won": _("A dispute was decided for the city"),
    "payment.dispute_lost": _("A dispute was decided for the payer"),
    "payment.dispute_closed": _("A bank's inquiry ended"),
    "payment.dispute_due_again": _("Made a disputed payment due again"),
    "payment.dispute_written_off": _("Kept a disputed payment as paid"),
    "payment.dispute_put_down": _("Closed a lost dispute"),
    "payment.close_day": _("Closed a day"),
    "payment.open_kept": _("Viewed a payment of a deleted account"),
}
METHOD_NAMES: dict[str, Any] = {
    "card": _("Card"),
    "alipay": _("Alipay"),
    "wechat_pay": _("WeChat Pay"),
}
_LEDGER_ACCOUNTS: dict[str, Any] = {
    "held": _("On hold, to be decided"),
    "disputed": _("Chargebacks"),
    "written_off": _("Borne by the city"),
}
PAYMENT_STATES: dict[str, Any] = {
    "created": _("Started"),
    "open": _("Being paid"),
    "processing": _("Processing"),
    "paid": _("Paid"),
    "failed": _("Failed"),
    "expired": _("Not paid"),
    "held": _("On hold"),
    "refunded": _("Refunded"),
}
HELD_REASONS: dict[str, Any] = {
    "amount": _("The amount received is not the amount due."),
    "currency": _("The currency received is not the currency due."),
    "twice": _("The item now belongs to another payment."),
    "paid": _("The item had been paid elsewhere."),
    "changed": _("The item now costs a different amount."),
    "gone": _("The item no longer exists."),
    "refunded": _("It was refunded before it could be recorded as paid."),
    "refund_returned": _("The bank sent a refund back."),
    "disputed": _("The payer's bank disputes it."),
    "dispute_lost": _("The dispute was lost. Decide below what to do."),
    "dispute_won": _("The dispute was won after all, and the money came back."),
}
DISPUTE_STATES: dict[str, Any] = {
    "inquiry": _("Bank inquiry"),
    "open": _("In dispute"),
    "won": _("Decided for the city"),
    "lost": _("Decided for the payer"),
    "closed": _("Inquiry ended"),
}
REFUND_FAILURES: dict[str, Any] = {
    "refused": _("The payment provider refused to send it."),
    "bounced": _("The bank sent it back. Find another way to refund the resident."),
    "other_account": _(
        "The payment account set now does not know this payment. Before you refund in another way, look for the refund in the account that took the payment."
    ),
}
NO_PAGE_REASONS: dict[str, Any] = {
    "too_small": _("The amount is too small for the payment provider."),
    "refused": _("The payment provider refused it. The log says why."),
    "changed": _("The payment settings changed while the payment page was opening."),
    "broken": _("The payment provider failed and returned the same error again."),
    "clock": _(
        "The payment provider's clock does not match this server's. Set this server's clock."
    ),
}
DIFFERENCES: dict[str, Any] = {
    "not in the ledger": _("not in the ledger"),
    "not at the payment provider": _("not at the payment provider"),
    "amounts differ": _("amounts differ"),
}
_ACTORS: dict[str, Any] = {
    "resident": _("Resident"),
    "payments": _("Platform (payments)"),
    "demo": _("Demo"),
    "cli": _("Command line"),
}
_PLACES: dict[str, Any] = {
    "city": _("Finance team"),
    "city.act_for": _("Counter"),
    "city.ratings": _("Ratings"),
    "city.rating": _("Ratings"),
    "city.answer_rating": _("Ratings"),
    "resident": _("Your pages on the website"),
    "resident.home": _("The city's homepage"),
    "session": _("API"),
}
_PURPOSES: dict[str, Any] = {
    "city.finance": _("payments and refunds"),
    "city.see": _("managing the city's website"),
}
_PARTS: dict[str, Any] = {
    "state": "",
    "notice": _("pause notice"),
    "until": _("expected back"),
    "settings": _("settings"),
}
_STATES: dict[str, Any] = {
    "open": _("Open"),
    "paused": _("Paused"),
    "closed": _("Closed"),
    "live": _("Live"),
    "draft": _("Draft"),
    "suspended": _("Suspended"),
}
SHORT_MARK = 8


def change_label(path: Path) -> str:
    """What a leaf is called: a service by its name, a known key in words, the rest as written."""
    if path[0] == "services" and len(path) > 1:
        service = city_service(city_shown(), str(path[1]))
        name = local(service.title) if service else str(path[1])
        part = _PARTS.get(str(path[2])) if len(path) > 2 else ""
        rest = f" {dotted(path[3:])}" if len(path) > 3 else ""
        return f"{name} {part if part is not None else path[2]}{rest}".strip()
    return str(_NAMES.get(dotted(path), dotted(path)))


def act_label(action: str) -> str:
    """What an act of an audit log is called; an unknown one stays as it is."""
    service = city_service(city_shown(), action.partition(".")[0])
    return str(_ACTS.get(action) or (service.acts.get(action) if service else None) or action)


def acts_called(text: str) -> frozenset[str]:
    """The acts whose name, as people read it, has a text in it."""
    names = dict(_ACTS)
    for service in product().parts:
        names |= service.acts
    return frozenset(act for act, name in names.items() if text.lower() in str(name).lower())


def actor_label(event: AuditEvent | CityAuditEvent, names: Mapping[str, str]) -> str:
    """Who acted: the product itself or a resident in a word, a member of staff by name. A city's
    audit log holds no names, so ``names`` has them by account."""
    kind, _colon, account = event.actor.partition(":")
    if kind == "staff":
        return names.get(account) or str(getattr(event, "actor_label", account))
    return str(_ACTORS.get(account if kind == "system" else kind, account))


def access_label(access: ResidentAccess) -> str:
    """What staff did with a resident's data, and with which thing of theirs; at the counter on which page,
    whether something was sent, and why, as it was typed there."""
    sent, endpoint = access.page.startswith(SENT), access.page.removeprefix(SENT)
    where = " ".join(filter(None, (_place(access, endpoint), access.subject)))
    if sent:
        where = str(_("%(where)s (data submitted)", where=where))
    if access.reason in PERMISSIONS:
        policy = policy_of(endpoint)
        what = (
            (policy.told_as if policy else None) or _PURPOSES.get(access.reason) or _("looked at")
        )
    else:
        what = access.reason
    return str(_("%(where)s: %(why)s", where=where, why=what)) if what else where


def _place(access: ResidentAccess, endpoint: str) -> str:
    """Where it was: the service by its title, else the part of the site or console."""
    part = endpoint.partition(".")[0]
    name = access.service or part.removesuffix("_desk")
    service = city_service(city_shown(), name)
    if service is not None:
        return local(service.title)
    return str(_PLACES.get(endpoint) or _PLACES.get(part, name))


def brand_of(slug: str) -> str:
    """A city's colour as it is served, a neutral one where nothing is."""
    served = product().registry.snapshot.cities.get(slug)
    return served.color if served else "#565d64"


def change_value(value: Any) -> str:
    """A leaf's value as people read it; empty where there is none."""
    if value is MISSING:
        return ""
    if isinstance(value, str) and value in _STATES:
        return str(_STATES[value])
    if is_text(value):
        return local(value) if len(value) == 2 else str(next(iter(value.values())))
    if isinstance(value, list):
        return ", ".join(map(change_value, value)) or gettext("none")
    if isinstance(value, Mapping):
        return _named_part(value)
    text = str(value)
    return text[:SHORT_MARK] + "…" if len(text) == 64 and " " not in text else text


def _named_part(value: Mapping[str, Any]) -> str:
    """A step by its title and what it asks, a field or an answer by its label; anything else as YAML."""
    named = value.get("title") or value.get("label")
    if not is_text(named):
        return str(value["name"]) if "name" in value else inline(value)
    inside = value.get("fields")
    asked = change_value(inside) if isinstance(inside, list) else ""
    return f"{change_value(named)} ({asked})" if asked else change_value(named)


def shown_changes(found: Sequence[Change]) -> list[Change]:
    """The leaves that differ, those of a service that was defined or removed as one change of the whole."""
    whole = {
        one.path[1]: one
        for one in found
        if one.path[0] == "services" and one.path[2:] == ("kind",)
        if MISSING in (one.before, one.after)
    }
    rest: list[Change] = []
    for one in found:
        name = one.path[1] if one.path[0] == "services" and len(one.path) > 1 else None
        if name not in whole:
            rest.append(one)
        elif whole[name] is one and one.before is MISSING:
            rest.append(Change(one.path[:2], MISSING, gettext("Service added")))
        elif whole[name] is one:
            titles = (each.before for each in found if each.path == (*one.path[:2], "title"))
            title = change_value(next(filter(is_text, titles), str(name)))
            rest.append(Change(one.path[:2], title, gettext("Service removed")))
    return rest


def ledger_label(account: str) -> str:
    """A ledger's account in words: who owes the city, what was taken for which service, or what
    waits. One of something that is not installed any more keeps its own name."""
    kind, _colon, name = account.partition(":")
    if kind == "provider":
        return str(gettext("Owed by %(provider)s", provider=name.capitalize()))
    if kind == "service":
        service = city_service(city_shown(), name)
        title = local(service.title) if service else name
        return str(gettext("Received for %(service)s", service=title))
    return str(_LEDGER_ACCOUNTS.get(account, account))
