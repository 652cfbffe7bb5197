"""Hospital appointments for programs."""

from __future__ import annotations

from tests.support.browser import fresh
from tests.support.clinic import Clinic
from tests.support.clinic_pages import api, book


def test_the_same_as_json(clinic: Clinic) -> None:
    """Departments, clinics, booking, cancelling; problem details for what is refused."""
    root = "/api/v1/hospital-appointments"
    anyone = clinic.world.client("hangzhou.localhost")
    (department,) = anyone.get(f"{root}/departments?q=chest").json["departments"]  # type: ignore[index]
    found = anyone.get(f"{root}/departments/{department['id']}/sessions?day={clinic.day()}").json
    (session,) = found["sessions"]  # type: ignore[index]
    assert (session["free"], session["capacity"]) == (3, 3)
    refused = anyone.get(root)
    assert (refused.status_code, refused.mimetype) == (401, "application/problem+json")
    browser, _path = book(clinic)
    (patient,) = browser.get(root).json["patients"]  # type: ignore[index]
    (mine,) = browser.get(root).json["appointments"]  # type: ignore[index]
    assert api(browser, "delete", f"{root}/{mine['id']}").json["state"] == "cancelled"
    body = {"session": session["id"], "patient": patient["id"]}
    made = api(browser, "post", root, body)
    assert made.status_code == 201
    assert api(browser, "post", root, body).status_code == 403
    for wrong in ({}, [], {"session": "x", "patient": 1}, {**body, "city": "ningbo"}):
        answer = api(browser, "post", root, wrong)
        assert (answer.status_code, answer.mimetype) == (422, "application/problem+json")
    bare = fresh(browser.client.post, root, base_url=f"http://{browser.host}", json=body)
    assert bare.status_code == 400, "a session's cookie alone writes nothing"
