"""What works of a city inside an app, and what does not: from the city's configuration, its secrets,
and what the app's documents say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

from smartcity_saas.app_packs.links import city_hosts
from smartcity_saas.app_packs.platforms import AppPlatform, Finding, Support
from smartcity_saas.catalog.entries import CatalogItem, catalog_items
from smartcity_saas.configuration.city import City, Localized
from smartcity_saas.configuration.secret_uses import uses_in
from smartcity_saas.credentials.store import usable_secrets
from smartcity_saas.forms.definition import definition_of
from smartcity_saas.forms.names import FILES, KIND
from smartcity_saas.identity.federation.channels import Channel
from smartcity_saas.payments.accounts import payment_methods, payments_open, provider_of
from smartcity_saas.product import product
from smartcity_saas.tenancy.city_services import city_services
from smartcity_saas.tenancy.storage import file_models

WAYS_TO_PAY: Mapping[str, Localized] = {
    "card": {"zh": "银行卡", "en": "card"},
    "alipay": {"zh": "支付宝", "en": "Alipay"},
    "wechat_pay": {"zh": "微信支付", "en": "WeChat Pay"},
}
QR_CODE = "https://docs.stripe.com/payments/wechat-pay/accept-a-payment?payment-ui=checkout"


class Use(StrEnum):
    """How far a service goes inside an app."""

    WORKS = "works"
    PARTLY = "partly"
    READ_ONLY = "read_only"
    PAUSED = "paused"


@dataclass(frozen=True)
class Line:
    """A way to sign in or to pay, with what is known of it."""

    name: str
    title: Localized
    finding: Finding


@dataclass(frozen=True)
class ServiceLine:
    """A service, and why not all of it works."""

    name: str
    title: Localized
    use: Use
    reasons: tuple[Localized, ...] = ()


@dataclass(frozen=True)
class Parity:
    """What works of a city inside an app."""

    services: tuple[ServiceLine, ...]
    sign_in: tuple[Line, ...]
    paying: tuple[Line, ...]

    def as_dict(self) -> dict[str, Any]:
        """The report for programs."""
        return {
            "services": [
                {
                    "name": one.name,
                    "title": dict(one.title),
                    "use": one.use.value,
                    "reasons": [dict(reason) for reason in one.reasons],
                }
                for one in self.services
            ],
            "sign_in": [_line(one) for one in self.sign_in],
            "paying": [_line(one) for one in self.paying],
        }


def parity(city: City, platform: AppPlatform) -> Parity:
    """What works of the current city inside an app."""
    usable = usable_secrets()
    sign_in = tuple(
        Line(one.name, one.title_at(city), _signing_in(one, city, platform))
        for one in product().channels.values()
        if not one.demo and one.open_at(city) and set(uses_in(one.values(city))) <= usable
    )
    methods = payment_methods(city) if payments_open(city) else ()
    paying = tuple(
        Line(name, WAYS_TO_PAY.get(name, {"zh": name, "en": name}), _paying(name, city, platform))
        for name in methods
    )
    services = tuple(
        _service(one, platform, sign_in, paying) for one in catalog_items(city, city_services(city))
    )
    return Parity(services, sign_in, paying)


def _signing_in(channel: Channel, city: City, platform: AppPlatform) -> Finding:
    if channel.begin is None:
        return Finding(
            Support.WORKS,
            {"zh": "在城市自己的页面上完成。", "en": "It is done on the city's own page."},
        )
    if channel.name in platform.sign_in:
        return platform.sign_in[channel.name]
    if channel.by_scanning:
        return Finding(
            Support.NOT,
            {
                "zh": "在别的应用里要扫码，手机扫不了自己的屏幕。",
                "en": "In other apps it shows a code to scan, and a telephone cannot scan its own screen.",
            },
        )
    return _elsewhere(channel.origins(channel.values(city)), city, platform)


def _paying(method: str, city: City, platform: AppPlatform) -> Finding:
    if method in platform.paying:
        return platform.paying[method]
    if method == "wechat_pay":
        return Finding(
            Support.NOT,
            {
                "zh": "支付页面显示二维码，手机扫不了自己的屏幕。",
                "en": "The payment page shows a QR code, and a telephone cannot scan its own screen.",
            },
            QR_CODE,
        )
    provider = provider_of(city)
    origins = provider.origins(city.payments or {}) if provider else ()
    return _elsewhere(origins, city, platform)


def _elsewhere(origins: Iterable[str], city: City, platform: AppPlatform) -> Finding:
    """Whether a page of other sites opens inside the app."""
    hosts = sorted({urlsplit(one).netloc for one in origins} - set(city_hosts(city)))
    named = ", ".join(hosts)
    if platform.listed is None:
        return Finding(
            Support.UNKNOWN,
            {
                "zh": f"要打开 {named} 的页面；没有读到能否打开。",
                "en": f"It opens a page of {named}; no document says whether the app does.",
            },
        )
    why = platform.listed
    return Finding(
        Support.NOT,
        {
            "zh": f"要打开 {named} 的页面，城市不能把它列进域名清单。{why.reason['zh']}",
            "en": f"It opens a page of {named}, a domain that is not the city's to prove. {why.reason['en']}",
        },
        why.source,
    )


def _service(
    item: CatalogItem, platform: AppPlatform, sign_in: tuple[Line, ...], paying: tuple[Line, ...]
) -> ServiceLine:
    name, title = item.service.name, item.service.title
    if item.entry.is_paused:
        return ServiceLine(name, title, Use.PAUSED, (item.service.while_paused,))
    certain = any(one.finding.support is Support.WORKS for one in sign_in)
    if not certain:
        tried = any(one.finding.support is Support.UNKNOWN for one in sign_in)
        return ServiceLine(name, title, Use.READ_ONLY, (_UNTRIED if tried else _NO_SIGN_IN,))
    reasons = []
    if _takes_money(item) and not any(one.finding.support is Support.WORKS for one in paying):
        reasons.append(_NO_PAYING if paying else _NO_PAYMENTS)
    if _takes_files(item) and platform.uploads.support is not Support.WORKS:
        told = platform.uploads.support is Support.NOT
        reasons.append(_NO_FILES if told else _FILES_UNTRIED)
    return ServiceLine(name, title, Use.PARTLY if reasons else Use.WORKS, tuple(reasons))


_NO_SIGN_IN = {
    "zh": "里面没有可用的登录方式，只能看。开通 channels.phone（手机号登录）就能办。",
    "en": "No way to sign in works inside: it can be read, not used. Open channels.phone (by mobile number).",
}
_UNTRIED = {
    "zh": "登录方式没有一种确定可用；先在应用里试，或开通 channels.phone（手机号登录）。",
    "en": "No way to sign in is sure to work inside: try them in the app, or open channels.phone.",
}
_NO_PAYING = {
    "zh": "里面没有确定可用的支付方式：请居民用浏览器打开同一地址付款，或到窗口付。",
    "en": "No way to pay is sure to work inside: residents pay at the same address in a browser, or at the counter.",
}
_NO_PAYMENTS = {
    "zh": "城市没有开通网上支付。",
    "en": "The city takes no payments online.",
}
_NO_FILES = {
    "zh": "里面不能上传照片和文件：请居民用浏览器打开同一地址。",
    "en": "Photographs and files cannot be added inside: residents do that at the same address in a browser.",
}
_FILES_UNTRIED = {
    "zh": "没有读到里面能否上传照片和文件；先试过再告诉居民。",
    "en": "No document says whether photographs and files can be added inside: try it before you promise it.",
}


def _takes_money(item: CatalogItem) -> bool:
    if item.entry.kind == KIND:
        return Decimal(definition_of(item.entry).fee) > 0
    return item.service.payable is not None


def _takes_files(item: CatalogItem) -> bool:
    """Whether residents add files there: a form with a field for one, a service with a table of them."""
    if item.entry.kind == KIND:
        return any(one.kind in FILES for one in definition_of(item.entry).fields)
    package = item.service.resident.import_name.rpartition(".")[0]
    return any(model.__module__.startswith(f"{package}.") for model in file_models())


def _line(one: Line) -> dict[str, Any]:
    return {
        "name": one.name,
        "title": dict(one.title),
        "support": one.finding.support.value,
        "reason": dict(one.finding.reason),
        "source": one.finding.source,
    }
