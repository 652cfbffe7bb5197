"""What reading an application's answers needs to know, of the city, the resident and the files."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select

from smartcity_saas.clock import today_in
from smartcity_saas.credentials.personal_encryption import open_personal
from smartcity_saas.database import db
from smartcity_saas.forms.fields import Context
from smartcity_saas.forms.files import names_of
from smartcity_saas.forms.models import Application
from smartcity_saas.forms.names import FILES, FieldKind
from smartcity_saas.forms.stored_forms import form_of
from smartcity_saas.identity.residents.identity_numbers import masked_number
from smartcity_saas.identity.residents.models import Resident
from smartcity_saas.tenancy.current import current_city


def context_of(application: Application, now: datetime) -> Context:
    """What an application's answers are read with, now.

    The resident's verified name is opened only where the form asks for a person.
    """
    city, form = current_city(), form_of(application)
    kinds = {one.kind for one in form.fields}
    name, number = None, None
    if FieldKind.PERSON in kinds:
        name, number = verified_name(application, now)
    return Context(
        zone=city.timezone,
        currency=application.currency,
        today=today_in(city.timezone, now),
        name=name,
        masked_number=number,
        files=names_of(application.id, now) if FILES & kinds else {},
        division_code=city.division_code,
    )


def verified_name(application: Application, now: datetime) -> tuple[str | None, str | None]:
    """The verified name of an application's resident, and their masked number; None where there is
    none."""
    row = db.session.scalars(select(Resident).where(Resident.id == application.resident_id)).one()
    if row.real_name is None or row.number is None:
        return None, None
    number = open_personal("number", row.number, now)
    return open_personal("real_name", row.real_name, now), masked_number(number)
