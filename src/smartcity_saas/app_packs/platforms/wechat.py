"""WeChat: a mini program with one ``web-view``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from smartcity_saas.app_packs.platforms import (
    MINI_PROGRAM,
    NOT_READ,
    PAGE,
    AppPlatform,
    Finding,
    Frame,
    Shell,
    Support,
    compile_conditions,
    navigation_bar,
)

DOMAINS = "https://developers.weixin.qq.com/miniprogram/dev/framework/ability/domain.md"
WEB_VIEW = "https://developers.weixin.qq.com/community/personal/oCJUsw41RTifrCldfrMpP7ne79ig/follow"
PROJECT = "https://mp.weixin.qq.com/debug/minigame/dev/devtools/projectconfig.html"
PRIVACY = "https://developers.weixin.qq.com/miniprogram/en/dev/framework/user-privacy"
SCHEME = "https://blog.csdn.net/weixin_42464273/article/details/138911418"


def _settings(frame: Frame) -> Mapping[str, Any]:
    return {
        "appid": frame.app_id,
        "projectname": frame.title,
        "compileType": "miniprogram",
        "setting": {"es6": True, "minified": True, "urlCheck": True},
        "condition": {"miniprogram": {"list": compile_conditions(frame)}},
    }


def _scheme(app_id: str, query: str) -> str:
    return f"weixin://dl/business/?appid={app_id}&path={PAGE}" + (
        f"&query={quote(query, safe='')}" if query else ""
    )


_NO_PAYING = Finding(
    Support.NOT,
    {
        "zh": "微信说 web-view 不支持支付能力。",
        "en": "WeChat says that a web-view cannot pay.",
    },
    WEB_VIEW,
)

platform = AppPlatform(
    name="wechat",
    title={"zh": "微信", "en": "WeChat"},
    form=MINI_PROGRAM,
    shell=Shell("wxml", "project.config.json", _settings, navigation_bar),
    listed=Finding(
        Support.NOT,
        {
            "zh": "web-view 只打开业务域名里的页面，跳转过去的页面也要在内；业务域名要在根目录放校验文件。",
            "en": "A web-view opens pages of business domains only, those that it is redirected to included; "
            "a business domain is proved by a file at its root.",
        },
        WEB_VIEW,
    ),
    uploads=NOT_READ,
    sign_in={
        "wechat": Finding(
            Support.WORKS,
            {
                "zh": "微信说明了 web-view 里的公众号授权。",
                "en": "WeChat describes signing in by an official account inside a web-view.",
            },
            WEB_VIEW,
        )
    },
    paying={"card": _NO_PAYING, "alipay": _NO_PAYING, "wechat_pay": _NO_PAYING},
    scheme=_scheme,
    steps=(
        {
            "zh": "用单位主体的小程序账号：个人账号不能用 web-view。",
            "en": "Use an organisation's mini program account: a personal one has no web-view.",
        },
        {
            "zh": "「开发管理 → 开发设置 → 业务域名」：加入 domains.json 里的每个域名，并把校验文件放到该域名根目录。域名要已备案、用 HTTPS、不能是 IP；最多 300 个。",
            "en": "“开发管理 → 开发设置 → 业务域名”: add every domain of domains.json, and put the file that WeChat "
            "gives you at its root. A domain needs an ICP filing and HTTPS, and is no IP address; 300 at most.",
        },
        {
            "zh": "提交代码前填写《用户隐私保护指引》，照 privacy.zh.md。",
            "en": "Fill in the user privacy guidelines before you submit code, from privacy.zh.md.",
        },
        {
            "zh": "要从短信等打开：「设置 → 隐私与安全 → 明文 Scheme 拉起此小程序」里声明 links.json 里的页面。",
            "en": "To be opened from an SMS: declare the page of links.json under “设置 → 隐私与安全 → 明文 Scheme "
            "拉起此小程序”.",
        },
        {
            "zh": "用微信开发者工具打开 project 目录，预览每个编译模式（每项服务一个），再上传、提交审核。",
            "en": "Open the folder “project” in WeChat's developer tool, preview each compile mode (one a service), "
            "then upload it and submit it for review.",
        },
    ),
    sources=(DOMAINS, WEB_VIEW, PROJECT, PRIVACY, SCHEME),
    unread=(
        {
            "zh": "图标的确切尺寸；web-view 里网页选择照片的限制。",
            "en": "The exact sizes of icons; limits to choosing photographs on a page in a web-view.",
        },
    ),
)
