"""The revision that a form of the console was opened on, for every form that makes a new one."""

from __future__ import annotations

from flask import request

FIELD = "revision"
"""Its field: the macro ``based_on`` of ``components/forms.html`` writes it."""


def base_revision() -> int:
    """The revision that the present form was opened on; 0 if it does not say, which is older than
    any, so that nothing of anybody is overwritten unseen."""
    return request.form.get(FIELD, 0, int)
