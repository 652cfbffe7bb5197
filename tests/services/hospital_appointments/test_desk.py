"""The desk of hospital appointments."""

from __future__ import annotations

import io
import re

from smartcity_saas.services.hospital_appointments.csv_import import OPTIONAL, REQUIRED
from tests.support.clinic import ROW, Clinic
from tests.support.clinic_pages import ROOT, book


def test_the_desk_marks_who_came_and_calls_off(clinic: Clinic) -> None:
    """A list to print and as CSV without formulas; who came; calling off with words in both
    languages, and everyone is told."""
    browser, path = book(clinic)
    staff = clinic.world.city_staff()
    base = "/cities/hangzhou/hospital-appointments"
    assert "Cardiology" in staff.get(f"{base}?day={clinic.day()}").text
    session = f"{base}/sessions/{clinic.session()}"
    page = staff.get(session).text
    assert "示例甲" in page
    assert "示例甲" in staff.get(f"{session}/list.csv").text
    code = re.search(r"<code>([A-Z0-9]{10})</code>", page)[1]  # type: ignore[index]
    assert "示例甲" in staff.get(f"{base}?text={code}").text
    appointment = path.rpartition("/")[2]
    early = staff.post(f"{base}/appointments/{appointment}", session, state="no_show")
    assert early.status_code == 409
    assert (
        staff.post(f"{base}/appointments/{appointment}", session, state="attended").status_code
        == 409
    )
    assert staff.post(f"{session}/close", session, zh="", en="").status_code == 422
    done = staff.post(f"{session}/close", session, zh="医生外出。", en="The doctor is away.")
    assert "1 person can see this on their page" in done.text
    assert "The doctor is away." in browser.get("/me/messages").text
    assert "cancelled this clinic" in browser.get(path).text
    assert staff.post(f"{session}/reopen", session).status_code == 302
    assert "示例甲" in staff.get(session).text, "someone may have to ring them up"
    other = clinic.world.city_staff("ningbo")
    assert other.get(session).status_code == 404
    assert other.get(session.replace("hangzhou", "ningbo")).status_code == 404


def test_the_desk_imports_a_file(clinic: Clinic) -> None:
    """The same as on the command."""
    staff = clinic.world.city_staff()
    columns = [*REQUIRED, *OPTIONAL]
    row = {**ROW, "day": clinic.day(5)}
    text = ",".join(columns) + "\n" + ",".join(row.get(c, "") for c in columns)
    page = "/cities/hangzhou/hospital-appointments"
    done = staff.post(page, file=(io.BytesIO(text.encode()), "s.csv"))
    assert "1 added" in done.text


def test_the_desk_learns_whom_to_ring_up(clinic: Clinic) -> None:
    """Calling off says how many nobody writes to, and marks them in the list."""
    browser, path = book(clinic)
    staff = clinic.world.city_staff()
    session = f"/cities/hangzhou/hospital-appointments/sessions/{clinic.session()}"
    done = staff.post(f"{session}/close", session, zh="医生外出", en="Away").text
    assert "1 of them gets no message" in done
    assert "call them</span>" in done
    browser.post(f"{ROOT}/messages", "/me/data/consents", next=path)
    assert "call them</span>" not in staff.get(session).text
