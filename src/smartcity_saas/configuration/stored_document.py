"""A live document as it is stored: its columns, and its values as unparsed JSON."""

from __future__ import annotations

import json
from typing import NamedTuple

from smartcity_saas.configuration.city import LiveDocument


class StoredDocument(NamedTuple):
    """A document's live revision before anything of it is parsed: thousands load in a moment.

    ``values``, ``files`` and ``since`` are JSON.
    """

    id: int
    name: str
    kind: str
    province: str | None
    division_code: str | None
    went_live: bool
    content_version: int
    number: int
    values: str
    files: str
    since: str

    def loaded(self) -> LiveDocument:
        """The document with its values."""
        return LiveDocument(
            id=self.id,
            name=self.name,
            kind=self.kind,
            province=self.province,
            number=self.number,
            values=json.loads(self.values),
            files=json.loads(self.files),
            since=json.loads(self.since),
            content_version=self.content_version,
            went_live=self.went_live,
            division_code=self.division_code,
        )
