"""Walks through coming in: by number, by an app, linking, merging, verification."""

from __future__ import annotations

import pyotp
import pytest

from tests.support.openid_provider import running
from tests.support.walk import Walk, by_phone, number_of

pytestmark = pytest.mark.browser


def test_by_number_then_an_app_then_the_real_name(walk: Walk) -> None:
    """A code, consent, linking Weibo and coming in by it, then name and number."""
    walk.go("hangzhou", "/sign-in")
    walk.check()
    by_phone(walk, number_of(walk, 1))
    walk.sees("开通本市账户", "Keeping an account for you")
    walk.check()
    walk.press("同意", "I agree")
    walk.page.get_by_text(walk.say("登录方式", "Ways to sign in")).click()
    walk.check()
    walk.press("微博", "Weibo")
    walk.page.get_by_text("示例用户甲" if walk.language == "zh" else "示例用户乙").click()
    walk.sees("已绑定微博", "Weibo is linked")
    walk.check()
    walk.errors.clear()
    walk.go("hangzhou", "/me")
    walk.press("退出", "Sign out")
    walk.go("hangzhou", "/sign-in")
    walk.press("用微博登录", "Sign in with Weibo")
    walk.page.get_by_text("示例用户甲" if walk.language == "zh" else "示例用户乙").click()
    walk.sees("身份验证", "Verification")
    walk.go("hangzhou", "/me/verify")
    walk.page.fill("input[name=real_name]", "示例")
    walk.page.fill("input[name=number]", "110101199003070010")
    walk.page.check("input[name=agree]")
    walk.press("认证", "Verify")
    walk.sees("身份证号码不对", "This ID number is not right")
    walk.errors.clear()
    walk.check()


def test_two_accounts_become_one(walk: Walk) -> None:
    """Linking a number that has an account of its own asks, and merges."""
    number, city = number_of(walk, 2), walk.say("guangzhou", "shenzhen")
    walk.go(city, "/sign-in")
    by_phone(walk, number)
    walk.press("同意", "I agree")
    walk.press("退出", "Sign out")
    walk.go(city, "/sign-in")
    walk.press("示例住户乙", "Sample resident B")
    walk.go(city, "/me/ways-in")
    walk.press("手机号", "Mobile number")
    by_phone(walk, number)
    walk.sees("你在本市有两个账户", "You have two accounts here")
    walk.check()
    walk.press("合并两个账户", "Merge the accounts")
    walk.sees("手机号", "Mobile number")
    walk.check()


def test_staff_by_invitation_with_a_second_factor(walk: Walk) -> None:
    """A province admin invites finance; the guest makes an account, sets up an app, keeps the
    recovery codes, and comes in again by a code."""
    mark = f"{walk.language}{walk.server.port}"
    walk.as_staff("hangzhou")
    walk.go("console", "/cities/hangzhou/staff")
    walk.check()
    walk.page.fill("input[name=mail]", f"{mark}@city.example")
    walk.page.fill("input[name=name]", "示例同事")
    walk.page.locator("form[novalidate] fieldset input[value=finance]").check()
    walk.press("发出邀请", "Send invitation")
    link = walk.page.locator("code.wrap-anywhere").inner_text()
    walk.check()
    walk.page.context.clear_cookies()
    walk.page.goto(link)
    walk.check()
    walk.page.fill("input[name=username]", f"sample-{mark}")
    walk.page.fill("input[name=password]", "four blue herons walk")
    walk.press("创建账号", "Create my account")
    walk.sees("还差一步", "One more step")
    walk.check()
    walk.page.locator("summary").click()
    secret = walk.page.locator("details code").inner_text()
    walk.page.fill("input[name=code]", pyotp.TOTP(secret).now())
    walk.press("继续", "Continue")
    walk.sees("恢复码", "Recovery codes")
    recovery = walk.page.locator(".codes code").first.inner_text()
    walk.check()
    walk.press("我已保存", "I have saved them")
    walk.page.wait_for_url("**/cities/hangzhou/overview")
    walk.go("console", "/account")
    walk.check()
    walk.page.context.clear_cookies()
    walk.go("console", "/sign-in")
    walk.page.fill("input[name=username]", f"sample-{mark}")
    walk.page.fill("input[name=password]", "four blue herons walk")
    walk.press("登录", "Sign in")
    walk.sees("两步验证", "Two-step verification")
    walk.check()
    walk.page.fill("input[name=code]", recovery)
    walk.press("继续", "Continue")
    walk.page.wait_for_url("**/cities/hangzhou/overview")


def test_staff_with_a_passkey(walk: Walk) -> None:
    """A passkey is made on the account's page, and opens the console at the next sign-in."""
    session = walk.page.context.new_cdp_session(walk.page)
    session.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    account = walk.say("guangzhou", "shanghai")
    for _round in range(2):
        walk.as_staff(account)
        if _round == 0:
            walk.page.wait_for_url(f"**/cities/{account}/overview")
            walk.go("console", "/account/factors")
            walk.check()
            walk.press("创建通行密钥", "Create a passkey")
            walk.sees("恢复码", "Recovery codes")
            walk.press("我已保存", "I have saved them")
            walk.page.context.clear_cookies()
    walk.press("使用通行密钥", "Use a passkey")
    walk.page.wait_for_url(f"**/cities/{account}/overview")
    walk.go("console", "/account")
    walk.press("移除", "Remove")
    walk.sees("还没有。", "None.")


def test_my_data(walk: Walk) -> None:
    """Everything held, what was agreed to, sessions; downloaded; deleting says what stands in the
    way."""
    walk.go("shenzhen", "/sign-in")
    walk.press("示例住户甲", "Sample resident A")
    walk.go("shenzhen", "/me/data")
    walk.check()
    with walk.page.expect_download() as download:
        walk.press("下载我的数据", "Download everything")
    assert download.value.suggested_filename == "shenzhen-my-data.json"
    for path in ("consents", "access", "delete"):
        walk.go("shenzhen", f"/me/data/{path}")
        walk.check()
    walk.go("shenzhen", "/me/sessions")
    walk.sees("本机", "here")
    walk.check()


def test_at_the_counter(walk: Walk) -> None:
    """A resident who comes in by a number stands at the counter: staff find them, say why, act; the
    resident reads who did what."""
    number = number_of(walk, 4)
    walk.go("hangzhou", "/sign-in")
    by_phone(walk, number)
    walk.press("同意", "I agree")
    walk.page.wait_for_url("**/me**")
    resident = walk.page.context.cookies()
    walk.page.context.clear_cookies()
    walk.as_staff("hangzhou")
    walk.go("console", "/cities/hangzhou/counter")
    walk.page.fill("input[name=number]", number)
    walk.page.fill("input[name=reason]", "忘带手机")
    walk.press("搜索", "Search")
    walk.check()
    link = walk.page.locator(".notice a.button").get_attribute("href")
    assert link is not None
    walk.page.goto(link)
    walk.check()
    walk.press("开始代办", "Act for the resident")
    walk.sees("窗口", "Counter")
    walk.go("hangzhou", "/services/utility-bills/link?kind=water")
    walk.check()
    walk.page.context.clear_cookies()
    walk.page.context.add_cookies(resident)
    walk.go("hangzhou", "/me/data/access")
    walk.sees("忘带手机", "忘带手机")
    walk.check()


def test_secrets_clients_and_the_chain(walk: Walk) -> None:
    """City staff see that a secret works, make an API client whose secret is shown once, and check
    the audit log; the API is there to read."""
    walk.as_staff("hangzhou")
    walk.go("console", "/cities/hangzhou/secrets")
    walk.page.locator("form[action$='/stripe_secret_key/probe'] button").click()
    walk.page.locator(".tag.ok").first.wait_for()
    walk.check()
    walk.go("console", "/cities/hangzhou/clients")
    walk.page.fill("input[name=name]", "示例水务")
    walk.page.locator("input[value='bills:write']").check()
    walk.press("新建", "Create client")
    walk.sees("请现在复制密钥", "Copy the secret now")
    walk.check()
    walk.go("console", "/cities/hangzhou/audit?check=1")
    walk.sees("哈希链完整", "hash chain intact")
    walk.check()
    walk.go("console", "/cities/hangzhou/counter")
    walk.check()
    walk.go("hangzhou", "/api/v1/docs")
    walk.check()


def test_by_openid(walk: Walk) -> None:
    """A city names its OpenID provider on the console; a resident comes in by it and leaves it."""
    city = walk.say("chengdu", "qingdao")
    client = {
        "client_id": "site",
        "client_secret": "a-secret-of-the-test",
        "redirect_uris": [walk.server.url(city, "/sign-in/oidc/callback")],
        "post_logout_redirect_uris": [walk.server.url(city, "/")],
    }
    with running([client]) as provider:
        walk.as_staff("operator")
        walk.go("console", f"/cities/{city}/document")
        text = walk.page.input_value("textarea[name=text]")
        walk.page.fill(
            "textarea[name=text]",
            f"{text.rstrip()}\nchannels:\n  oidc: {{issuer: '{provider.issuer}', client_id: site, "
            "client_secret: {credential: oidc_client_secret}}\n",
        )
        walk.press("保存", "Save")
        walk.page.wait_for_load_state()
        walk.go("console", f"/cities/{city}/secrets")
        walk.page.fill("input[name=name]", "oidc_client_secret")
        walk.page.fill("input[name=secret]", "a-secret-of-the-test")
        walk.page.locator("form.card button").last.click()
        walk.sees("已保存“oidc_client_secret”", "“oidc_client_secret” is saved")
        walk.check()
        walk.go(city, "/sign-in")
        walk.press("用统一身份认证登录", "Sign in with City account")
        walk.page.fill("input[name=account]", "alice")
        walk.page.get_by_role("button").click()
        walk.sees("开通本市账户", "Keeping an account for you")
        walk.errors.clear()
        walk.check()
        walk.press("同意", "I agree")
        walk.sees("alice", "alice")
        walk.press("退出", "Sign out")
        walk.page.wait_for_url(walk.server.url(city, "/"))


def test_single_sign_on_of_a_province(walk: Walk) -> None:
    """A province admin switches it on, somebody takes up an invitation by it, leaves there too, and
    comes in again without a password."""
    province = walk.say("jiangsu", "sichuan")
    mark, base = f"{walk.language}{walk.server.port}", walk.server.url("console")
    client = {
        "client_id": f"{province}-console",
        "client_secret": "a secret of the test",
        "redirect_uris": [f"{base}sign-in/with/{province}/callback"],
        "post_logout_redirect_uris": [f"{base}sign-in"],
    }
    with running([client]) as provider:
        walk.as_staff("operator")
        walk.go("console", f"/provinces/{province}/single-sign-on")
        walk.check()
        walk.page.fill("input[name=issuer]", provider.issuer)
        walk.page.fill("input[name=client_id]", f"{province}-console")
        walk.page.fill("input[name=secret]", "a secret of the test")
        walk.press("保存", "Save")
        walk.press("检测", "Test")
        walk.sees("身份认证服务回应正常", "The identity provider is responding")
        walk.check()
        walk.go("console", f"/provinces/{province}/staff")
        walk.page.fill("input[name=mail]", f"{mark}@province.example")
        walk.page.fill("input[name=name]", "示例同事")
        walk.page.locator("fieldset input[value=province_admin]").last.check()
        walk.press("发出邀请", "Send invitation")
        link = walk.page.locator("code.wrap-anywhere").inner_text()
        walk.page.context.clear_cookies()
        walk.page.goto(link)
        walk.check()
        walk.page.fill("input[name=username]", f"sample-{province}")
        walk.page.locator("button[formaction$=with-province]").click()
        walk.page.fill("input[name=account]", "somebody")
        walk.page.get_by_role("button").click()
        walk.sees("还差一步", "One more step")
        walk.errors.clear()  # the provider has no icon
        walk.page.locator("summary").click()
        secret = walk.page.locator("details code").inner_text()
        walk.page.fill("input[name=code]", pyotp.TOTP(secret).now())
        walk.press("继续", "Continue")
        walk.press("我已保存", "I have saved them")
        walk.page.wait_for_url(f"**/provinces/{province}")
        walk.go("console", "/account")
        walk.sees("没有设密码", "it has no password")
        walk.check()
        walk.go("console", "/account/prove")
        walk.check()
        walk.page.locator("form[action='/sign-out'] button").click()
        walk.page.wait_for_url("**/sign-in")
        walk.errors.clear()
        walk.check()
        walk.page.locator(f"a[href^='/sign-in/with/{province}']").click()
        walk.page.fill("input[name=account]", "somebody")
        walk.page.get_by_role("button").click()
        walk.sees("两步验证", "Two-step verification")
        walk.errors.clear()
