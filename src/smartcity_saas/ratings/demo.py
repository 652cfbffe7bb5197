"""Sample ratings for demo mode, plainly marked as sample."""

from __future__ import annotations

import uuid
from datetime import datetime

from smartcity_saas.identity.demo import sample_resident
from smartcity_saas.ratings.models import RatingLevel
from smartcity_saas.ratings.submission import ActReference, RatingDetails, complete, keep_rating


def sample_rating(
    subject: str, service: str, act: str, level: RatingLevel, words: str, now: datetime
) -> None:
    """Let a sample resident of the current city have rated something that is not there any more."""
    resident = sample_resident(subject, now)
    made = keep_rating(resident, ActReference(service, act, uuid.uuid4()), level, now)
    if words:
        complete(resident, made.id, RatingDetails(words=words), now)
