"""Looking up one row that has to be there."""

from __future__ import annotations

from typing import TypeVar

from sqlalchemy.sql.selectable import TypedReturnsRows

from smartcity_saas.database.transactions import db
from smartcity_saas.errors import NotFound
from smartcity_saas.texts import Text

Row = TypeVar("Row")


def one_or_404(statement: TypedReturnsRows[Row], message: Text = "") -> Row:
    """The one row, or the first column of it, that a statement finds.

    Args:
        statement: A ``select``, or a change with ``returning``, that finds one row at the most.
        message: What people are told where it finds none, in their language.

    Raises:
        NotFound: It finds none.
    """
    found = db.session.scalars(statement).one_or_none()
    if found is None:
        raise NotFound(message)
    return found
