"""Inviting staff on the console."""

from __future__ import annotations

from tests.support.world import World


def test_the_operator_invites(world: World) -> None:
    """With the rules of addresses, roles and places said on the form."""
    operator = world.operator()
    good = {"mail": "li@city.example", "name": "Li", "roles": "city_admin", "at": "ningbo"}
    for wrong in ({"mail": "li"}, {"at": "atlantis"}, {"name": ""}, {"roles": "emperor"}):
        assert operator.post("/platform/staff", **{**good, **wrong}).status_code == 422
    assert "/invitations/" in operator.post("/platform/staff", **good).text
    assert "li@city.example" in operator.get("/platform/staff").text
    page = operator.get("/platform").text
    assert "Zhejiang" in page
