"""How long an answer that holds nothing of anyone stays true, told while it is made.

Whoever would keep an answer (``asgi/kept_answers.py``) puts an ``AnswerLife`` into the environment
of the request that makes it. Whatever reads the clock for the answer says until when what it read
holds (``tenancy/current.py``); what reads it without saying so ends the life.
"""

from __future__ import annotations

from datetime import datetime

from flask import has_request_context, request

ANSWER_LIFE = "smartcity.answer_life"
"""The name in the WSGI environment, where no header of a request can put anything."""


class AnswerLife:
    """How long the answer under way may be kept.

    Attributes:
        granted: Until when, once the finished answer may be; None while or where it may not.
        names_a_file: The address names one file for ever, its query included.
        status: Of the answers that may be kept: 200, unless a page that is as lasting says another.
    """

    def __init__(self) -> None:
        self.granted: datetime | None = None
        self.names_a_file = False
        self.status = 200
        self._until: datetime | None = None
        self._over = False

    def end(self) -> None:
        """The answer is true of this moment alone, or is not worth its place."""
        self._over = True

    def holds_until(self, moment: datetime) -> None:
        """A part of the answer is true until a moment; the earliest counts."""
        self._until = min(moment, self._until or moment)

    def grant(self, longest: datetime) -> None:
        """Let the finished answer be kept as long as it is true.

        Args:
            longest: Beyond it nothing is, so that a change that nobody announced is seen too.
        """
        self.granted = None if self._over else min(longest, self._until or longest)


def answer_life() -> AnswerLife | None:
    """The life of the answer under way; None where nobody would keep it."""
    return request.environ.get(ANSWER_LIFE) if has_request_context() else None
