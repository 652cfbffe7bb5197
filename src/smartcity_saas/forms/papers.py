"""Letters and certificates: issued with the approval, sealed with the application, verified by a code.

A code has 128 random bits and stands on the paper alone: whoever has it learns whether the paper is
valid, of which service it is and its number, and nothing of its holder.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from smartcity_saas.addresses import network_of, wide_network_of
from smartcity_saas.clock import today_in
from smartcity_saas.configuration.city import Localized
from smartcity_saas.credentials.personal_encryption import seal_content, seal_personal
from smartcity_saas.database import db, one_or_404, transaction
from smartcity_saas.errors import NotFound
from smartcity_saas.forms.answers import asked
from smartcity_saas.forms.definition import Definition
from smartcity_saas.forms.fields import words
from smartcity_saas.forms.files import PDF, CheckedFile, file_of
from smartcity_saas.forms.models import (
    FILE_CONTENT,
    FILE_NAME,
    Application,
    ApplicationFile,
    ApplicationPaper,
)
from smartcity_saas.forms.names import HOLDER, VERIFY, FieldKind
from smartcity_saas.forms.paper_pdf import Paper, Side
from smartcity_saas.forms.reading import verified_name
from smartcity_saas.forms.stored_forms import answers_of, form_of
from smartcity_saas.identity.rate_limits import count_attempt
from smartcity_saas.identity.residents.models import Resident, ResidentAttempt
from smartcity_saas.product import product
from smartcity_saas.request.site import site_address
from smartcity_saas.tenancy.current import current_city
from smartcity_saas.tenancy.storage import require_room
from smartcity_saas.web.formats import full_day_in
from smartcity_saas.web.languages import LANGUAGES, both

CODE_BYTES = 16
MOST_LOOK_UPS = 30
"""From one network within five minutes."""
MOST_LOOK_UPS_OF_SITE = 300
"""From one /48 of IPv6, which has 65,536 networks and is one customer's. Nothing is counted for more
people than that: codes cannot be guessed, and nobody is to lock the others out."""
_NO_CODE = "0" * 2 * CODE_BYTES
_CODE = re.compile(rf"[0-9a-f]{{{2 * CODE_BYTES}}}")
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
PAPER = ""
"""The name of the field under which a paper is kept among an application's files: no field's."""


class PaperStanding(StrEnum):
    """What whoever verifies a paper is told."""

    VALID = "valid"
    EXPIRED = "expired"
    REVOKED = "revoked"


@dataclass(frozen=True)
class VerifiedPaper:
    """All that a paper's code tells."""

    standing: PaperStanding
    service: Localized
    number: str
    issuer: Localized


@dataclass(frozen=True)
class DrawnPaper:
    """A paper that can be issued: its PDF, and what is kept of it."""

    pdf: bytes
    name: str
    code: str
    issued_on: date
    valid_until: date | None


def draw_paper(row: Application, now: datetime) -> DrawnPaper | None:
    """The letter or certificate of an application, drawn but not issued; None where its form has none.

    Raises:
        Invalid: The city's storage has no room for it.
    """
    sample = _("Sample") if product().settings.demo else ""
    drawn = _drawn(row, secrets.token_hex(CODE_BYTES), sample, now)
    if drawn is not None:
        require_room(
            len(drawn.pdf),
            _("The paper cannot be kept. Make room first, then decide."),
            from_reserve=True,
        )
    return drawn


def preview_paper(row: Application, now: datetime) -> CheckedFile:
    """The same to look at before it is decided: its mark says that it is a preview, and its code leads
    to no paper.

    Raises:
        NotFound: The application is finished, or its form has no paper.
    """
    drawn = _drawn(row, _NO_CODE, _("Preview, not valid"), now) if row.is_under_way else None
    if drawn is None:
        raise NotFound
    return CheckedFile(drawn.name, PDF, drawn.pdf)


def _drawn(row: Application, code: str, mark: Any, now: datetime) -> DrawnPaper | None:
    form, city = form_of(row), current_city()
    if not form.result.is_paper:
        return None
    today = today_in(city.timezone, now)
    until = form.result.valid.after(today) if form.result.valid else None
    answers = answers_of(row, now)
    holder = _holder(row, form, answers, now)
    facts = _facts(row, form, today, until)
    foot = both(
        lambda: _("Scan the code, or open the address, to see whether this paper is valid.")
    )
    paper = Paper(
        color=city.color,
        number=row.number,
        address=f"{site_address(city.slug)}{VERIFY}/{code}",
        sample=" ".join(both(lambda: mark).values()) if mark else "",
        sides=[
            Side(
                language=language,
                city=_said(city.name, language),
                title=_said(_title(form), language),
                paragraphs=_text(form, answers, holder, language),
                facts=facts[language],
                foot=foot[language],
            )
            for language in LANGUAGES
        ],
    )
    return DrawnPaper(paper.pdf(), f"{row.number}.pdf", code, today, until)


def issue_paper(row: Application, drawn: DrawnPaper, now: datetime) -> None:
    """Issue a paper with the approval, in the caller's transaction, which holds the application."""
    with transaction() as session:
        session.add_all(
            (
                ApplicationPaper(
                    application_id=row.id,
                    number=row.number,
                    code=drawn.code,
                    issued_on=drawn.issued_on,
                    valid_until=drawn.valid_until,
                ),
                ApplicationFile(
                    application_id=row.id,
                    field=PAPER,
                    media_type=PDF,
                    sealed=seal_personal(FILE_NAME, drawn.name, now),
                    content=seal_content(FILE_CONTENT, drawn.pdf, now),
                    created_at=now,
                ),
            )
        )
        session.flush()


def paper_of(row: Application) -> ApplicationPaper | None:
    """The paper of an application, with its standing; None where none was issued."""
    query = select(ApplicationPaper).where(ApplicationPaper.application_id == row.id)
    found: ApplicationPaper | None = db.session.scalars(query).one_or_none()
    return found


def paper_file(row: Application, now: datetime) -> CheckedFile:
    """The PDF of an application's paper; whoever calls has made sure whose it is.

    Raises:
        NotFound: None was issued.
    """
    query = select(ApplicationFile).where(
        ApplicationFile.application_id == row.id, ApplicationFile.field == PAPER
    )
    found = one_or_404(query, _("There is no paper for this application."))
    return file_of(row, found.id, now)


def standing_on(paper: ApplicationPaper, today: date) -> PaperStanding:
    """What a paper is on a day."""
    if paper.revoked_at is not None:
        return PaperStanding.REVOKED
    return PaperStanding.VALID if paper.is_valid_on(today) else PaperStanding.EXPIRED


def verify_paper(code: str, address: str, now: datetime) -> VerifiedPaper:
    """What is told of a paper by its code; looking is counted by network.

    Args:
        code: As it stands in the address.
        address: From where it is asked.
        now: The time.

    Raises:
        NotFound: The city knows no such paper.
        Throttled: Too many tries.
    """
    if not _CODE.fullmatch(code):
        raise NotFound
    network, site = network_of(address), wide_network_of(address)
    count_attempt(ResidentAttempt, f"verify:address:{network}", MOST_LOOK_UPS, now)
    if ":" in site:
        count_attempt(ResidentAttempt, f"verify:address:{site}", MOST_LOOK_UPS_OF_SITE, now)
    query = (
        select(Application, ApplicationPaper)
        .join(ApplicationPaper, ApplicationPaper.application_id == Application.id)
        .where(ApplicationPaper.code == code)
        .options(joinedload(Application.definition, innerjoin=True))
    )
    found = db.session.execute(query).one_or_none()
    if found is None:
        raise NotFound
    row, paper = found
    today = today_in(current_city().timezone, now)
    form = form_of(row)
    return VerifiedPaper(standing_on(paper, today), _title(form), paper.number, _issuer(form))


def _issuer(form: Definition) -> Localized:
    """Who issues the papers of a form, the same on the paper and where it is verified."""
    return form.department or current_city().name


def _title(form: Definition) -> Localized:
    return form.result.title or form.title


def _holder(row: Application, form: Definition, answers: Mapping[str, Any], now: datetime) -> str:
    """Whose paper it is: whom the form asked for, else the resident, by the name that is verified
    where one is."""
    for one in asked(form, answers):
        if one.kind is FieldKind.PERSON and one.name in answers:
            return str(answers[one.name]["name"])
    name, _number = verified_name(row, now)
    if name is not None:
        return name
    return db.session.scalars(select(Resident).where(Resident.id == row.resident_id)).one().name


def _text(form: Definition, answers: Mapping[str, Any], holder: str, language: str) -> list[str]:
    """What the paper says, in one language, a paragraph each. Only the template has places and
    paragraphs: what is put into them is words, whatever is in it."""
    if form.result.text is None:
        title = _said(form.title, language)
        return [_common_text(holder, title)[language]]
    said = {one.name: words(one, answers.get(one.name), language) for one in form.fields}
    said[HOLDER] = holder
    return [
        _PLACEHOLDER.sub(lambda found: " ".join(said.get(found[1], found[0]).split()), line)
        for line in _said(form.result.text, language).splitlines()
        if line.strip()
    ]


def _common_text(holder: str, service: str) -> dict[str, str]:
    return both(
        lambda: _(
            "This is to certify that the application of %(name)s was approved: %(service)s.",
            name=holder,
            service=service,
        )
    )


def _facts(
    row: Application, form: Definition, issued: date, until: date | None
) -> dict[str, list[tuple[str, str]]]:
    """Label and value in each language."""
    labels = {
        "number": both(lambda: _("Number")),
        "issuer": both(lambda: _("Issued by")),
        "issued": both(lambda: _("Issued")),
        "until": both(lambda: _("Valid until")),
        "good": both(lambda: _("Without end")),
    }
    return {
        language: [
            (labels["number"][language], row.number),
            (labels["issuer"][language], _said(_issuer(form), language)),
            (labels["issued"][language], full_day_in(language, issued)),
            (
                labels["until"][language],
                full_day_in(language, until) if until else labels["good"][language],
            ),
        ]
        for language in LANGUAGES
    }


def _said(text: Localized, language: str) -> str:
    return text.get(language) or next(iter(text.values()))
