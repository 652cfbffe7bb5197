"""Alipay: a mini program with one ``web-view``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from smartcity_saas.app_packs.platforms import (
    MINI_PROGRAM,
    PAGE,
    AppPlatform,
    Finding,
    Frame,
    Shell,
    Support,
    title_bar,
)

WEB_VIEW = "https://w3cschool.cn/aliminiapp/aliminiapp-vdzb3bgm.html"
QUESTIONS = "https://w3cschool.cn/aliminiapp/aliminiapp-7yk63bgk.html"
APP_JSON = "https://w3cschool.cn/aliminiapp/aliminiapp-zn2h3bel.html"
PROJECT = "https://5851388.com/m006kxd/pathhash=225083d7.html"
SCHEME = "https://developer.aliyun.com/article/916028"


def _settings(frame: Frame) -> Mapping[str, Any]:
    return {"format": 2, "compileType": "mini", "miniprogramRoot": "./"}


def _scheme(app_id: str, query: str) -> str:
    page = quote(f"{PAGE}?{query}" if query else PAGE, safe="/")
    return f"alipays://platformapi/startapp?appId={app_id}&page={page}"


platform = AppPlatform(
    name="alipay",
    title={"zh": "支付宝", "en": "Alipay"},
    form=MINI_PROGRAM,
    shell=Shell("axml", "mini.project.json", _settings, title_bar),
    listed=Finding(
        Support.NOT,
        {
            "zh": "web-view 只打开 H5 域名白名单里的页面；白名单里的域名要在根目录放校验文件，不支持跳到外部页面。",
            "en": "A web-view opens pages of its list of H5 domains only, proved by a file at the root of each; it "
            "does not jump to pages outside.",
        },
        QUESTIONS,
    ),
    uploads=Finding(
        Support.NOT,
        {
            "zh": "支付宝说 web-view 内嵌的 H5 不支持上传图片。",
            "en": "Alipay says that a page in a web-view cannot upload pictures.",
        },
        QUESTIONS,
    ),
    sign_in={
        "alipay": Finding(
            Support.NOT,
            {
                "zh": "支付宝说 web-view 不支持嵌套授权，拼接地址授权会报访问受限。",
                "en": "Alipay says that a web-view takes no nested authorization: by an address it is refused.",
            },
            WEB_VIEW,
        )
    },
    paying={
        "alipay": Finding(
            Support.NOT,
            {
                "zh": "小程序里要用小程序支付接口（my.tradePay）付款；城市的支付页面不用它。",
                "en": "Inside, one pays by the mini program's own call (my.tradePay), which the city's payment "
                "page does not use.",
            },
            QUESTIONS,
        )
    },
    scheme=_scheme,
    steps=(
        {
            "zh": "用企业或单位的小程序：个人小程序不能用 web-view。",
            "en": "Use an organisation's mini program: a personal one has no web-view.",
        },
        {
            "zh": "「小程序详情 → 开发设置 → H5 域名配置」：加入 domains.json 里的每个域名，并把校验文件放到该域名根目录。仅 HTTPS，不能是 IP 或带端口。",
            "en": "“小程序详情 → 开发设置 → H5 域名配置”: add every domain of domains.json, and put the file that Alipay "
            "gives you at its root. HTTPS only, no IP address, no port.",
        },
        {
            "zh": "提交版本之后再加的域名，要重新提交审核上架才生效。",
            "en": "A domain that is added after a version was submitted counts once a new version is out.",
        },
        {
            "zh": "告诉居民：在支付宝里请用手机号登录，照片和缴费请用浏览器打开（见 parity.zh.md）。",
            "en": "Tell residents: in Alipay sign in by mobile number; for photographs and payments open the site in "
            "a browser (parity.en.md).",
        },
        {
            "zh": "用支付宝小程序开发者工具打开 project 目录，真机预览 links.json 里的每一项，再上传、提交审核。",
            "en": "Open the folder “project” in Alipay's developer tool, preview each line of links.json on a real "
            "telephone, then upload it and submit it for review.",
        },
    ),
    sources=(WEB_VIEW, QUESTIONS, APP_JSON, PROJECT, SCHEME),
    unread=(
        {
            "zh": "opendocs.alipay.com 的原文没有读到，读到的是 2020 年和 2024 年的转载；图标尺寸和隐私表格没有读到。",
            "en": "Not opendocs.alipay.com itself but copies of 2020 and 2024; not the sizes of icons, nor the form "
            "on privacy.",
        },
    ),
)
