"""Weibo: no mini program, but light applications (轻应用), pages that Weibo opens in its own browser."""

from __future__ import annotations

from smartcity_saas.app_packs.platforms import NOT_READ, AppPlatform, Finding, Support

GUIDE = "http://open.weibo.com/wiki/轻应用开发指南"

_UNTRIED = Finding(
    Support.UNKNOWN,
    {
        "zh": "没有读到微博内浏览器能否打开城市支付页面。在微博里试过再告诉居民。",
        "en": "No document was found that says whether Weibo's browser opens the city's payment page. Try it in "
        "Weibo before you promise it.",
    },
)

platform = AppPlatform(
    name="weibo",
    title={"zh": "微博", "en": "Weibo"},
    form={"zh": "轻应用", "en": "light application"},
    listed=None,
    uploads=NOT_READ,
    sign_in={
        "weibo": Finding(
            Support.UNKNOWN,
            {
                "zh": "微博会把登录用户的 access_token 交给轻应用，城市网站不用它，仍按网页授权登录；请在微博里试过。",
                "en": "Weibo hands a light application the access token of whoever is signed in; the city's site "
                "does not use it and signs in by its own page. Try it in Weibo.",
            },
            GUIDE,
        )
    },
    paying={"card": _UNTRIED, "alipay": _UNTRIED},
    steps=(
        {
            "zh": "在微博开放平台申请轻应用（H5 版），地址填 links.json 里的第一项；图标用 icons 目录里的。",
            "en": "Apply for a light application (H5) on Weibo's open platform, with the first address of links.json "
            "and the icons of the folder “icons”.",
        },
        {
            "zh": "微博页面和卡片里的入口用 links.json 里的地址，每项服务一个。",
            "en": "Entrances on Weibo's pages and cards take the addresses of links.json, one a service.",
        },
        {
            "zh": "在微博里逐个打开 links.json 里的每一项。",
            "en": "Open each line of links.json in Weibo.",
        },
    ),
    sources=(GUIDE,),
    unread=(
        {
            "zh": "没有找到微博小程序的文档，所以没有外壳代码；轻应用指南只在转载里读到概述，审核要求、图标尺寸和隐私表格没有读到。",
            "en": "No documents on mini programs of Weibo were found, so there is no shell; of the guide to light "
            "applications the overview was read, in a copy, not what review asks, the sizes of icons or the form on privacy.",
        },
    ),
)
