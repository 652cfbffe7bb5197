"""The form that an application was begun under, and its answers, as they are stored."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import select

from smartcity_saas.configuration.city import CatalogEntry
from smartcity_saas.credentials.personal_encryption import open_personal, seal_personal
from smartcity_saas.database import db, insert_once
from smartcity_saas.forms.definition import Definition, definition_of, read_definition, stored_text
from smartcity_saas.forms.models import ANSWERS, Application, FormDefinition


def keep_definition(entry: CatalogEntry, now: datetime) -> FormDefinition:
    """The row of the form as the catalog has it now, made when it is first asked for."""
    form = definition_of(entry)
    insert_once(
        FormDefinition,
        ("service", "digest"),
        service=entry.name,
        digest=form.digest,
        values=json.loads(stored_text(form.values)),
        created_at=now,
    )
    return db.session.scalars(
        select(FormDefinition).where(
            FormDefinition.service == entry.name, FormDefinition.digest == form.digest
        )
    ).one()


def form_of(application: Application) -> Definition:
    """The form that an application was begun under."""
    return _read(_Stored(application.definition.digest, application.definition.values))


@dataclass(frozen=True)
class _Stored:
    """A definition as it is stored, told from others by its digest alone."""

    digest: str
    values: Mapping[str, Any] = field(compare=False)


@lru_cache(maxsize=256)
def _read(stored: _Stored) -> Definition:
    """Definitions by what they say: reading one takes longer than finding it."""
    return read_definition(stored.values)


def seal_answers(answers: Mapping[str, Any], now: datetime) -> bytes:
    """Answers, sealed with the city's key."""
    return seal_personal(ANSWERS, json.dumps(answers, ensure_ascii=False), now)


def answers_of(application: Application, now: datetime) -> dict[str, Any]:
    """The answers of an application by the names of its fields, canonical."""
    found: dict[str, Any] = json.loads(open_personal(ANSWERS, application.sealed, now))
    return found
