"""Packs: made of the configuration alone, and every link in them leads to a page of the city's."""

from __future__ import annotations

import io
import json
import subprocess
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

import pytest
from PIL import Image

from smartcity_saas.app_packs.contents import pack_files
from smartcity_saas.app_packs.links import off_the_internet
from smartcity_saas.app_packs.platforms import app_names, platform_of
from smartcity_saas.app_packs.readiness import CannotPack
from smartcity_saas.configuration.validation import Candidate
from smartcity_saas.configuration.yaml_source import parse
from smartcity_saas.tenancy.assets import store_asset
from tests.support.app_packs import FORM
from tests.support.channels import channels
from tests.support.documents import HANGZHOU, NINGBO
from tests.support.world import World

CITIES = ("hangzhou", "ningbo")
SHELLS = [name for name in app_names() if platform_of(name).shell]
NODE = """
let src
global.Page = (page) => { page.setData = (data) => { src = data.src }; global.page = page }
eval(require('fs').readFileSync(0, 'utf8'))
const opened = JSON.parse(process.argv[1]).map((query) => { page.onLoad(query); return src })
console.log(JSON.stringify(opened))
"""
"""A mini program's page as far as it decides what its web-view opens."""


def pack(world: World, city: str, app: str, app_id: str = "") -> dict[str, bytes]:
    with world.inside(city):
        return pack_files(world.city(city), app, app_id)


def read(files: dict[str, bytes], path: str) -> Any:
    return json.loads(files[path])


def opened(files: dict[str, bytes], queries: list[Any]) -> list[str]:
    """What the shell's page opens for each query."""
    script = files["project/pages/city/city.js"]
    done = subprocess.run(
        ["node", "-e", NODE, json.dumps(queries)], input=script, capture_output=True, check=True
    )
    found: list[str] = json.loads(done.stdout)
    return found


def query_of(page: str) -> dict[str, str]:
    path, _, query = page.partition("?")
    assert path == "pages/city/city"
    return dict(parse_qsl(query))


@pytest.mark.parametrize("app", app_names())
def test_every_deep_link_opens_a_page_of_its_city(packed: World, app: str) -> None:
    """Promise: each link of a pack, followed as the app follows it, is a page of this city's in the
    language that was asked for; those of services that a document defines too."""
    for city in CITIES:
        files = pack(packed, city, app)
        links = read(files, "links.json")
        assert {"", "utility-bills", "residence-permit-renewal"} <= {
            one["service"] for one in links
        }
        for language in ("zh", "en"):
            addresses = [f"{one['address']}?lang={language}" for one in links]
            if platform_of(app).shell:
                queries = [{**query_of(one["page"]), "lang": language} for one in links]
                assert opened(files, queries) == addresses
            for address, link in zip(addresses, links, strict=True):
                shown = follow(packed, address)
                assert shown.status_code == 200, address
                assert f'<html lang="{language}' in shown.text
                assert packed.city(city).name[language] in shown.text
                assert link["title"][language] in shown.text


def follow(world: World, address: str) -> Any:
    """The page at an address, as a browser that has been nowhere comes to it."""
    parts = urlsplit(address)
    assert parts.scheme == "https"
    browser = world.client(parts.netloc, language="de")
    answer = browser.get(f"{parts.path}?{parts.query}")
    assert answer.status_code == 302
    return browser.get(answer.headers["Location"])


@pytest.mark.parametrize("app", SHELLS)
def test_a_shell_opens_nothing_but_the_city(packed: World, app: str) -> None:
    """Promise: whoever makes a link cannot make the city's mini program open another site."""
    files = pack(packed, "hangzhou", app)
    hostile = [
        {"service": "https://evil.example"},
        {"service": "//evil.example", "lang": "zh"},
        {"service": "__proto__"},
        {"service": "constructor", "lang": "toString"},
        {"src": "https://evil.example", "url": "https://evil.example", "lang": "x&y"},
        None,
    ]
    home = "https://city.hangzhou.example/"
    assert opened(files, hostile) == [home, f"{home}?lang=zh", home, home, home, home]


def test_a_pack_is_made_of_the_configuration_alone(packed: World) -> None:
    """Promise: made again the same, byte for byte, whenever that is; and one city's pack names nothing
    of another's."""
    for app in app_names():
        first = pack(packed, "hangzhou", app, "app1")
        packed.clock.move(days=40)
        assert pack(packed, "hangzhou", app, "app1") == first
        for content in pack(packed, "ningbo", app).values():
            assert b"hangzhou" not in content.lower()
            assert "杭州".encode() not in content


@pytest.mark.parametrize("app", app_names())
def test_the_shell_is_as_the_app_s_documents_ask(packed: World, app: str) -> None:
    """Promise: the files by the names that the developer tool reads, one page with a web-view, the
    city's name and colour on the bar; no shell where the app has none."""
    shell = platform_of(app).shell
    files = pack(packed, "hangzhou", app, "wx0123")
    project = {path.removeprefix("project/") for path in files if path.startswith("project/")}
    if shell is None:
        assert project == set()
        return
    page = {f"pages/city/city.{ending}" for ending in ("js", "json", shell.markup)}
    assert project == {"app.js", "app.json", shell.project} | page
    settings = read(files, "project/app.json")
    assert settings["pages"] == ["pages/city/city"]
    assert {"杭州市", "#0b6e4f"} <= set(settings["window"].values())
    markup = files[f"project/pages/city/city.{shell.markup}"].decode()
    assert markup == '<web-view src="{{src}}"></web-view>\n'
    named = {"wechat": "wx0123", "baidu": "wx0123"}
    assert read(files, f"project/{shell.project}").get("appid") == named.get(app)


def test_an_address_opens_the_page_from_outside(packed: World) -> None:
    """Promise: with the mini program's id, each link has the address by which an SMS or another app
    opens it, in the form that WeChat and Alipay document; without one, none is made up."""
    link = read(pack(packed, "hangzhou", "wechat", "wx01"), "links.json")[-1]
    query = quote(f"service={link['service']}", safe="")
    assert link["scheme"] == f"weixin://dl/business/?appid=wx01&path=pages/city/city&query={query}"
    link = read(pack(packed, "hangzhou", "alipay", "2021"), "links.json")[-1]
    page = quote(f"pages/city/city?service={link['service']}", safe="/")
    assert link["scheme"] == f"alipays://platformapi/startapp?appId=2021&page={page}"
    for app in app_names():
        assert all("scheme" not in one for one in read(pack(packed, "ningbo", app), "links.json"))


@pytest.mark.parametrize("app", app_names())
def test_everything_to_read_is_in_both_languages(packed: World, app: str) -> None:
    """Promise: report, privacy list and checklist in Chinese and English, each naming the city, and
    what could not be read of the app's documents."""
    files = pack(packed, "ningbo", app)
    for name in ("parity", "privacy", "checklist"):
        for language, city in (("zh", "宁波市"), ("en", "Ningbo")):
            text = files[f"{name}.{language}.md"].decode()
            assert text.startswith("# "), text[:60]
            assert city in text
    for language in ("zh", "en"):
        checklist = files[f"checklist.{language}.md"].decode()
        for step in (*platform_of(app).steps, *platform_of(app).unread):
            assert step[language] in checklist
        assert all(f"<{source}>" in checklist for source in platform_of(app).sources)


def test_the_privacy_list_says_what_each_service_keeps(packed: World) -> None:
    """Promise: what is collected stands there for every service that the city offers, and for none
    that it has closed."""
    before = {one["name"] for one in read(pack(packed, "hangzhou", "wechat"), "privacy.json")}
    assert {"account", "payments", "utility_bills", "hospital_appointments"} <= before
    closed = FORM + "  utility_bills: {state: closed}\n"
    packed.save(HANGZHOU + channels("330100") + closed, based_on=2)
    files = pack(packed, "hangzhou", "wechat")
    assert "utility_bills" not in {one["name"] for one in read(files, "privacy.json")}
    assert "utility-bills" not in {one["service"] for one in read(files, "links.json")}


def test_text_of_a_document_is_no_markup(packed: World) -> None:
    """Promise: a title with Markdown in it stands in its cell of the table as it was written."""
    title = "{zh: '居住|证 [x](http://evil.example)', en: 'A | `b` <i>'}"
    form = FORM.replace("{zh: 居住证签注, en: Residence permit renewal}", title)
    packed.save(HANGZHOU + channels("330100") + form, based_on=2)
    files = pack(packed, "hangzhou", "wechat")
    assert r"| A \| \`b\` \<i\> |" in files["parity.en.md"].decode()
    assert r"| 居住\|证 \[x\](http://evil.example) |" in files["parity.zh.md"].decode()


def test_icons_come_from_the_branding(packed: World) -> None:
    """Promise: square pictures in three sizes: the seal on the city's colour, and its logo once there
    is one, drawn or of pixels."""
    seal = icons(packed)
    assert seal.getpixel((2, 2)) == (11, 110, 79)
    assert (255, 255, 255) in {colour for _n, colour in seal.getcolors(1 << 20)}
    svg = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8"><path d="M0 0h8v8H0z" fill="#c00000"/></svg>'
    picture = io.BytesIO()
    Image.new("RGBA", (30, 10), (0, 0, 192, 255)).save(picture, "PNG")
    for number, (data, ending, colour) in enumerate(
        ((svg.encode(), "svg", (192, 0, 0)), (picture.getvalue(), "png", (0, 0, 192)))
    ):
        with packed.inside("hangzhou"):
            address = store_asset(data, packed.clock())
        name = f"hangzhou/logo.{ending}"
        text = HANGZHOU.replace("branding:\n", f"branding:\n  logo: {name}\n")
        candidate = Candidate(parse(text + channels("330100") + FORM, "hangzhou"), {name: address})
        packed.documents().save(candidate, 2 + number, "")
        packed.app.registry.refresh()
        drawn = icons(packed)
        assert drawn.getpixel((2, 2)) == (255, 255, 255)
        assert drawn.getpixel((256, 256)) == colour


def icons(world: World) -> Any:
    files = pack(world, "hangzhou", "weibo")
    for side in (144, 512, 1024):
        assert Image.open(io.BytesIO(files[f"icons/icon-{side}.png"])).size == (side, side)
    return Image.open(io.BytesIO(files["icons/icon-512.png"])).convert("RGB")


def test_the_city_s_own_host_comes_first_once_it_is_proved(
    packed: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Promise: a pack leads to the domain that the city has proved, and lists both; a host that is
    named only is not in it, and nobody is told that `localhost` is on the internet."""
    files = pack(packed, "hangzhou", "wechat")
    assert read(files, "domains.json")["web_view"] == [
        "city.hangzhou.example",
        "hangzhou.localhost",
    ]
    assert read(files, "links.json")[0]["address"] == "https://city.hangzhou.example/"
    registry = packed.app.registry
    monkeypatch.setattr(registry, "snapshot", replace(registry.snapshot, claims={}))
    files = pack(packed, "hangzhou", "wechat")
    assert read(files, "domains.json")["web_view"] == ["hangzhou.localhost"]
    assert "No app can open `hangzhou.localhost`" in files["checklist.en.md"].decode()
    assert not off_the_internet("www.hangzhou.gov.cn")


@pytest.mark.parametrize(
    "text, words",
    [
        (NINGBO.replace("state: live", "state: suspended") + channels("330200"), "is suspended"),
        (NINGBO, "has not configured channels.baidu"),
        (
            NINGBO + channels("330200").replace('{client_id: "3', '{state: closed, client_id: "3'),
            "has closed channels.baidu",
        ),
        (
            NINGBO + channels("330200").replace("baidu_client_secret", "not_there_yet"),
            "secret “not_there_yet” of channels.baidu is not stored",
        ),
    ],
    ids=["suspended", "not configured", "closed", "no secret"],
)
def test_what_cannot_be_handed_in_is_refused(packed: World, text: str, words: str) -> None:
    """Promise: a city that is not live, and one without its application at the app, get no pack but a
    sentence that says what to do; other cities theirs."""
    packed.save(text, based_on=2)
    with pytest.raises(CannotPack) as refused:
        pack(packed, "ningbo", "baidu")
    assert words in str(refused.value.detail)
    assert pack(packed, "hangzhou", "baidu")


def test_a_draft_has_no_pack(packed: World) -> None:
    """Promise: a draft, which nobody can open, is refused by that word."""
    draft = NINGBO.replace("ningbo", "huzhou").replace("330200", "330500")
    packed.save(draft.replace("state: live", "state: draft"))
    with pytest.raises(CannotPack, match="is draft"):
        pack(packed, "huzhou", "wechat")
