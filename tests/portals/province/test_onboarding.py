"""Onboarding one city."""

from __future__ import annotations

from tests.support.routes import home
from tests.support.world import World


def test_onboarding_a_city_from_the_official_list(world: World) -> None:
    """Found by pinyin, previewed, ready, live: and it answers on its own host."""
    admin = world.province_admin()
    page = "/provinces/zhejiang/onboard"
    found = admin.get(f"{page}?find=wenz")
    assert "温州市" in found.text
    assert "嘉兴市" not in found.text
    filled = admin.get(f"{page}?code=330300&color=%23b8232f")
    assert "city: wenzhou" in filled.text
    preview = admin.get(f"{page}/preview?code=330300&color=%23b8232f&lang_shown=en")
    assert "Wenzhou" in preview.text
    assert "frame-ancestors 'self'" in preview.headers["Content-Security-Policy"]
    done = admin.post(
        page,
        f"{page}?code=330300",
        code="330300",
        zh="温州市",
        en="Wenzhou",
        color="#b8232f",
        live="1",
    )
    assert done.headers["Location"] == "/provinces/zhejiang?made=wenzhou"
    assert "Wenzhou" in home(world, "wenzhou")
    text = world.documents().live_revision("wenzhou").text
    assert text == (
        'city: wenzhou\nprovince: zhejiang\ndivision_code: "330300"\n'
        'name: {zh: 温州市, en: Wenzhou}\nstate: live\nbranding: {color: "#b8232f"}\n'
    )


def test_onboarding_refuses_what_is_not_ready(world: World) -> None:
    """Without a name or a readable colour nothing is stored and what was typed is kept."""
    admin = world.province_admin()
    page = "/provinces/zhejiang/onboard"
    closed = {f"service_{name}": "closed" for name in world.app.product.services}
    for wrong in ({"en": ""}, {"color": "#7a7a7a"}, closed):
        typed = {"code": "330300", "zh": "温州市", "en": "Wenzhou", "live": "1", **wrong}
        assert admin.post(page, f"{page}?code=330300", **typed).status_code == 422
    assert "wenzhou" not in {found.name for found in world.documents().all()}
    draft = {"code": "330300", "zh": "温州市", "en": "Wenzhou", "draft": "1"}
    assert admin.post(page, f"{page}?code=330300", **draft).status_code == 302
    live = admin.post("/cities/wenzhou/state", "/cities/wenzhou", revision="1", state="live")
    assert live.status_code == 302
    assert "Wenzhou" in home(world, "wenzhou")
