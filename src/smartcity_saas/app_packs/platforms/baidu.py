"""Baidu: a smart mini program (SWAN) with one ``web-view``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from smartcity_saas.app_packs.platforms import (
    MINI_PROGRAM,
    NOT_READ,
    AppPlatform,
    Finding,
    Frame,
    Shell,
    Support,
    compile_conditions,
    navigation_bar,
)

WEB_VIEW = "https://w3cschool.cn/baiduapp/baiduapp-pc9s39ga.html"
DOMAINS = "https://juejin.cn/post/6844903906372222983"
PROJECT = "https://w3cschool.cn/baiduapp/baiduapp-3iw12t5y.html"
APP_JSON = "https://w3cschool.cn/baiduapp/baiduapp-1kuz399s.html"
OPENING = "https://w3cschool.cn/baiduapp/baiduapp-ve8d39z7.html"


def _settings(frame: Frame) -> Mapping[str, Any]:
    ways = [{**one, "id": str(one["id"])} for one in compile_conditions(frame)]
    return {"appid": frame.app_id, "condition": {"swan": {"current": 0, "list": ways}}}


platform = AppPlatform(
    name="baidu",
    title={"zh": "百度", "en": "Baidu"},
    form=MINI_PROGRAM,
    shell=Shell("swan", "project.swan.json", _settings, navigation_bar),
    listed=Finding(
        Support.NOT,
        {
            "zh": "web-view 只打开业务域名里的页面；业务域名要放校验文件。",
            "en": "A web-view opens pages of business domains only, each proved by a file.",
        },
        DOMAINS,
    ),
    uploads=NOT_READ,
    steps=(
        {
            "zh": "「设置 → 开发设置 → 业务域名」：下载校验文件放到域名根目录，加入 domains.json 里的每个域名。",
            "en": "“设置 → 开发设置 → 业务域名”: put the file that Baidu gives you at the root of each domain of "
            "domains.json, and add the domain.",
        },
        {
            "zh": "任何页面都可能被单独打开（搜索、收藏、分享）：逐个打开 links.json 里的每一项。",
            "en": "Any page may be opened by itself (from search, bookmarks, shares): open each line of links.json.",
        },
        {
            "zh": "用百度开发者工具打开 project 目录，预览每个编译条件，再发布、提交审核。",
            "en": "Open the folder “project” in Baidu's developer tool, preview each compile condition, then publish "
            "it and submit it for review.",
        },
    ),
    sources=(WEB_VIEW, DOMAINS, PROJECT, APP_JSON, OPENING),
    unread=(
        {
            "zh": "smartprogram.baidu.com 的原文没有读到，读到的是转载和一篇文章；从外部打开小程序的地址格式、图标尺寸和隐私表格没有读到。其他小程序可用 swan.navigateToSmartProgram 打开 links.json 里的 page。",
            "en": "Not smartprogram.baidu.com itself but copies of it and an article; not the form of an address that "
            "opens a mini program from outside, the sizes of icons, nor the form on privacy. Other mini programs "
            "open what links.json calls “page” by swan.navigateToSmartProgram.",
        },
    ),
)
