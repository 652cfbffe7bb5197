"""The files of a pack."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from smartcity_saas.app_packs.icons import icons
from smartcity_saas.app_packs.links import city_hosts, deep_links, off_the_internet
from smartcity_saas.app_packs.parity import Parity, parity
from smartcity_saas.app_packs.platforms import (
    PAGE,
    AppPlatform,
    DeepLink,
    Frame,
    Shell,
    platform_of,
)
from smartcity_saas.app_packs.readiness import refuse_unready
from smartcity_saas.catalog.entries import catalog_items
from smartcity_saas.configuration.city import City
from smartcity_saas.configuration.colors import WHITE, text_on
from smartcity_saas.payments.accounts import payments_open, provider_of
from smartcity_saas.product import product
from smartcity_saas.tenancy.city_services import city_services
from smartcity_saas.web.languages import LANGUAGES

PROJECT = "project"
"""The folder that the app's developer tool opens."""


def pack_files(city: City, app: str, app_id: str = "") -> dict[str, bytes]:
    """The files of a pack of the current city by their paths.

    Args:
        city: The current city.
        app: One of ``app_names()``.
        app_id: The mini program's own id; empty where the city has none yet.

    Raises:
        CannotPack: The city is not live, or has not configured the app's channel.
    """
    refuse_unready(city, app)
    platform = platform_of(app)
    links = deep_links(city)
    found = parity(city, platform)
    domains, privacy, host = _domains(city, platform), _privacy(city), city_hosts(city)[0]
    frame = Frame(city.name["zh"], city.color, text_on(city.color) == WHITE, app_id, links)
    made = {
        "links.json": _json([_link(platform, one, app_id) for one in links]),
        "domains.json": _json(domains),
        "privacy.json": _json(privacy),
        "parity.json": _json(_parity_report(city, platform, found)),
        **{f"icons/{name}": content for name, content in icons(city).items()},
    }
    for language in LANGUAGES:
        made |= {
            f"parity.{language}.md": _parity_text(city, platform, found, language).encode(),
            f"privacy.{language}.md": _text(
                "privacy", language, city, platform, privacy=privacy
            ).encode(),
            f"checklist.{language}.md": _text(
                "checklist",
                language,
                city,
                platform,
                domains=domains,
                private=off_the_internet(host),
                host=host,
                links=links,
                app_id=app_id,
            ).encode(),
        }
    if platform.shell is not None:
        made |= {f"{PROJECT}/{path}": body for path, body in _shell(platform.shell, frame)}
    return made


def _parity_report(city: City, platform: AppPlatform, found: Parity) -> dict[str, Any]:
    """The parity report for programs."""
    return {
        "app": platform.name,
        "city": city.slug,
        "form": dict(platform.form),
        **found.as_dict(),
        "sources": list(platform.sources),
        "unread": [dict(one) for one in platform.unread],
    }


def _parity_text(city: City, platform: AppPlatform, found: Parity, language: str) -> str:
    """The parity report as Markdown."""
    return _text("parity", language, city, platform, found=found)


def _link(platform: AppPlatform, link: DeepLink, app_id: str) -> dict[str, Any]:
    query = f"service={link.service}" if link.service else ""
    made: dict[str, Any] = {
        "service": link.service,
        "title": dict(link.title),
        "address": link.address,
    }
    if platform.shell is not None:
        made["page"] = f"{PAGE}?{query}" if query else PAGE
        if app_id and platform.scheme is not None:
            made["scheme"] = platform.scheme(app_id, query)
    return made


def _domains(city: City, platform: AppPlatform) -> dict[str, Any]:
    """The domains to enter, and those of others that pages lead to."""
    own = city_hosts(city)
    origins = [
        origin
        for one in product().channels.values()
        if one.open_at(city) and not one.demo
        for origin in one.origins(one.values(city))
    ]
    provider = provider_of(city)
    if provider is not None and payments_open(city):
        origins += provider.origins(city.payments or {})
    others = sorted({urlsplit(one).netloc for one in origins} - set(own))
    return {"web_view": own if platform.listed else [], "others": others}


def _privacy(city: City) -> list[dict[str, Any]]:
    """What is collected, by what for: of every resident first, then by service."""
    services = [
        {"name": one.service.name, "title": dict(one.service.title), "keeps": dict(keeps)}
        for one in catalog_items(city, city_services(city))
        if (keeps := one.service.keeps) is not None
    ]
    return [*_OF_EVERYBODY, *services]


_OF_EVERYBODY: tuple[dict[str, Any], ...] = (
    {
        "name": "account",
        "title": {"zh": "登录", "en": "Signing in"},
        "keeps": {
            "zh": "用什么方式登录、何时登录；手机号、真实姓名和身份证号仅在居民提供时，加密保存，居民撤回或注销即删除。",
            "en": "How and when one signs in; mobile number, real name and ID number only where residents give "
            "them, encrypted, deleted when they withdraw them or leave.",
        },
    },
    {
        "name": "messages",
        "title": {"zh": "消息", "en": "Messages"},
        "keeps": {
            "zh": "告诉过居民的消息，直到注销账户。",
            "en": "What residents were told, until they delete their account.",
        },
    },
    {
        "name": "payments",
        "title": {"zh": "支付", "en": "Payments"},
        "keeps": {
            "zh": "单号、金额、方式和时间；卡号只有支付机构有。",
            "en": "Number, amount, method and time; only the payment provider has card numbers.",
        },
    },
)


def _shell(shell: Shell, frame: Frame) -> Iterator[tuple[str, bytes]]:
    yield shell.project, _json(shell.settings(frame))
    yield "app.json", _json({"pages": [PAGE], "window": dict(shell.window(frame))})
    yield "app.js", _rendered("app.js.tmpl").encode()
    yield f"{PAGE}.json", _json({})
    yield f"{PAGE}.{shell.markup}", _rendered("page.xml.tmpl").encode()
    home, *services = frame.links
    pages = {one.service: one.address for one in services}
    yield (
        f"{PAGE}.js",
        _rendered(
            "page.js.tmpl",
            home=json.dumps(home.address),
            pages=json.dumps(pages, indent=2, sort_keys=True),
            languages=json.dumps(LANGUAGES),
        ).encode(),
    )


def _text(name: str, language: str, city: City, platform: AppPlatform, **more: Any) -> str:
    return _rendered(
        f"{name}.{language}.md.tmpl", city=city, platform=platform, page=PAGE, lang=language, **more
    )


def _rendered(name: str, **values: Any) -> str:
    return _templates().get_template(name).render(values)


@cache
def _templates() -> Environment:
    made = Environment(  # noqa: S701 -- Markdown and scripts; texts pass the filter ``md``
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters["md"] = _markdown
    return made


def _markdown(text: str) -> str:
    """A text of a document as Markdown shows it: on one line, and nothing in it is markup."""
    plain = " ".join(str(text).split())
    return "".join(f"\\{one}" if one in "\\`*_[]<>|#" else one for one in plain)


def _json(value: Mapping[str, Any] | list[Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=2).encode() + b"\n"
