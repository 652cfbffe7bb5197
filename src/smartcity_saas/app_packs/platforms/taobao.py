"""Taobao: a mini program of the same make as Alipay's, with one ``web-view``."""

from __future__ import annotations

from smartcity_saas.app_packs.platforms import (
    MINI_PROGRAM,
    NOT_READ,
    AppPlatform,
    Finding,
    Shell,
    Support,
    title_bar,
)

WEB_VIEW = "https://open.alitrip.com/docs/doc.htm?articleId=120184&docType=1&treeId=785"


platform = AppPlatform(
    name="taobao",
    title={"zh": "淘宝", "en": "Taobao"},
    form=MINI_PROGRAM,
    shell=Shell("axml", "mini.project.json", lambda frame: {}, title_bar),
    listed=Finding(
        Support.NOT,
        {
            "zh": "web-view 打开外部页面要先申请白名单。",
            "en": "A web-view opens pages from outside once they are on a list that one applies for.",
        },
        WEB_VIEW,
    ),
    uploads=NOT_READ,
    sign_in={
        "taobao": Finding(
            Support.UNKNOWN,
            {
                "zh": "没有读到淘宝登录页能否在 web-view 里打开。",
                "en": "No document was found that says whether Taobao's sign-in opens in a web-view.",
            },
        )
    },
    steps=(
        {
            "zh": "向淘宝开放平台申请小程序，并为 domains.json 里的每个域名申请 web-view 白名单。",
            "en": "Apply to Taobao's open platform for a mini program, and for every domain of domains.json to be on "
            "the list of its web-view.",
        },
        {
            "zh": "用淘宝开发者工具打开 project 目录，真机预览 links.json 里的每一项，再上传、提交审核。",
            "en": "Open the folder “project” in Taobao's developer tool, preview each line of links.json on a real "
            "telephone, then upload it and submit it for review.",
        },
    ),
    sources=(WEB_VIEW,),
    unread=(
        {
            "zh": "淘宝 App 小程序的文档没有读到，只读到同一平台写给千牛的 web-view 一页；app.json 照支付宝小程序写，请在开发者工具里核对。",
            "en": "The documents on mini programs in Taobao's app: only the page on web-views that the same platform "
            "wrote for Qianniu. app.json is written as for Alipay; check it in the developer tool.",
        },
    ),
)
