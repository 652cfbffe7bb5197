"""Rating what one finished: one press, then words once; a matter that is not solved opened again."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from flask_babel import lazy_gettext as _
from sqlalchemy import select

from smartcity_saas.catalog.rateable import FinishedAct, RateableAct
from smartcity_saas.clock import today_in
from smartcity_saas.database import db, insert_once, one_or_404, transaction
from smartcity_saas.errors import Conflict, FieldErrors, NotFound
from smartcity_saas.identity.residents.accounts import SignedInResident
from smartcity_saas.measures import Measure, count, count_rating
from smartcity_saas.ratings.models import Rating, RatingAnswer, RatingLevel
from smartcity_saas.ratings.rules import RatingRules
from smartcity_saas.ratings.tags import tags_for
from smartcity_saas.tenancy.city_services import city_service
from smartcity_saas.tenancy.current import current_city
from smartcity_saas.web.formats import full_day

LONGEST_WORDS = 500
MOST_LISTED = 100


@dataclass(frozen=True)
class ActReference:
    """What is rated: a service, the name of one of its rateable acts, the act's key there."""

    service: str
    act: str
    key: uuid.UUID


@dataclass(frozen=True)
class RatingPrompt:
    """What the page of a finished act shows: the question, or the rating that was given."""

    of: ActReference
    until: datetime
    given: Rating | None


@dataclass(frozen=True)
class RatingDetails:
    """What a resident adds to a rating, once: tags by their codes, words, and whether the matter
    is not solved."""

    tags: Collection[str] = ()
    words: str = ""
    not_solved: bool = False


def rating_prompt(
    resident: SignedInResident, of: ActReference, now: datetime
) -> RatingPrompt | None:
    """What to show on the page of an act; None while it is not over, once it is too late, and at
    the counter: nobody rates for somebody else."""
    act = act_of(of.service, of.act)
    if resident.acting or act is None:
        return None
    given = _rating_of(resident, of)
    finished = act.finished(resident, of.key, now)
    if finished is None:
        return None
    until = RatingRules.of_city(current_city()).rate_until(finished.finished_at)
    return RatingPrompt(of, until, given) if given is not None or now < until else None


def rate(resident: SignedInResident, of: ActReference, level: str, now: datetime) -> Rating:
    """Rate an act that is over. A bad rating starts the clock of the desk.

    Pressing again gives the rating that there is: the level stands as it was given first.

    Raises:
        NotFound: It is no act of the resident's that is over.
        FieldErrors: There is no such level.
        Conflict: It is too late.
    """
    finished = _finished(resident, of, now)
    if (earlier := _rating_of(resident, of)) is not None:
        return earlier
    if level not in list(RatingLevel):
        raise FieldErrors({"level": _("Choose one of the five levels.")})
    rules = RatingRules.of_city(current_city())
    until = rules.rate_until(finished.finished_at)
    if now >= until:
        last = full_day(today_in(rules.zone, until))
        raise Conflict(_("You could rate this until %(day)s. It is too late now.", day=last))
    return keep_rating(resident, of, RatingLevel(level), now)


def keep_rating(
    resident: SignedInResident, of: ActReference, level: RatingLevel, now: datetime
) -> Rating:
    """Write and count a rating, once for its act; whoever calls has made sure that it is over.

    Raises:
        Conflict: Somebody else has rated it.
    """
    with transaction():
        key = insert_once(
            Rating,
            ("service", "act", "reference"),
            resident_id=resident.id,
            service=of.service,
            act=of.act,
            reference=of.key,
            level=level,
            created_at=now,
            tags=[],
            words="",
            not_solved=False,
            reopened=False,
            sample=resident.demo,
        )
        if key is not None:
            count_rating(of.service, level.score, now)
            if level.is_bad:
                _owe_answer(key, now)
        made = _rating_of(resident, of)
    if made is None:  # an account that is another by now had rated it
        raise Conflict(_("This has been rated already."))
    return made


def complete(
    resident: SignedInResident, rating_id: uuid.UUID, details: RatingDetails, now: datetime
) -> Rating:
    """Add tags and words to a rating, once. What is not solved is opened again where the service
    allows it; where it does not, the desk owes an answer.

    Raises:
        NotFound: It is no rating of the resident's.
        FieldErrors: Nothing is said, or the words are too long, or too short for opening the matter
            again; nothing is used up.
        Conflict: Words were added before, or the matter cannot be opened again by now.
    """
    words = details.words.strip()
    if len(words) > LONGEST_WORDS:
        raise FieldErrors({"words": _("At most %(most)s characters.", most=LONGEST_WORDS)})
    with transaction():
        row = _own(resident, rating_id, lock=True)
        if row.completed_at is not None:
            raise Conflict(_("You have already added to this rating. It stays as it is."))
        known = tags_for(row.level, act_of(row.service, row.act))
        tags = [code for code in known if code in details.tags]
        if not (tags or words or details.not_solved):
            raise FieldErrors({"tags": _("Write something or tick something, then send it.")})
        row.tags = tags
        row.words, row.not_solved, row.completed_at = words, details.not_solved, now
        if details.not_solved:
            row.reopened = _reopen(resident, row, words, now)
            count(row.service, Measure.NOT_SOLVED, now)
            if row.reopened:
                count(row.service, Measure.REOPENED, now)
            if not row.reopened and not row.level.is_bad:
                _owe_answer(row.id, now)
    return row


def own_rating(resident: SignedInResident, rating_id: uuid.UUID) -> Rating:
    """One rating of a resident's.

    Raises:
        NotFound: It is someone else's, another city's, or none.
    """
    return _own(resident, rating_id)


def ratings_of(resident: SignedInResident) -> list[tuple[Rating, RatingAnswer | None]]:
    """A resident's ratings with what the city owes or answered, the newest first."""
    query = (
        select(Rating, RatingAnswer)
        .outerjoin(RatingAnswer, RatingAnswer.rating_id == Rating.id)
        .where(Rating.resident_id == resident.id)
        .order_by(Rating.created_at.desc(), Rating.id.desc())
        .limit(MOST_LISTED)
    )
    return [(rating, answer) for rating, answer in db.session.execute(query)]


def answer_of(rating: Rating) -> RatingAnswer | None:
    """What the city owes or answered; None where it owes nothing."""
    query = select(RatingAnswer).where(RatingAnswer.rating_id == rating.id)
    return db.session.scalars(query).one_or_none()


def act_of(service: str, act: str) -> RateableAct | None:
    """A kind of act that can be rated; None where no installed service has it."""
    found = city_service(current_city(), service)
    return found.rateable.get(act) if found else None


def can_reopen(resident: SignedInResident, rating: Rating, now: datetime) -> bool:
    """Whether saying that it is not solved opens the matter again."""
    act = act_of(rating.service, rating.act)
    if act is None or act.reopening is None:
        return False
    finished = act.finished(resident, rating.reference, now)
    return finished is not None and finished.can_reopen


def path_of(resident: SignedInResident, rating: Rating, now: datetime) -> str | None:
    """The page of what was rated; None where it is not there any more."""
    act = act_of(rating.service, rating.act)
    finished = act.finished(resident, rating.reference, now) if act else None
    return finished.path if finished else None


def _finished(resident: SignedInResident, of: ActReference, now: datetime) -> FinishedAct:
    act = act_of(of.service, of.act)
    finished = act.finished(resident, of.key, now) if act else None
    if finished is None:
        raise NotFound(_("There is nothing here that you can rate."))
    return finished


def _rating_of(resident: SignedInResident, of: ActReference) -> Rating | None:
    query = select(Rating).where(
        Rating.resident_id == resident.id,
        Rating.service == of.service,
        Rating.act == of.act,
        Rating.reference == of.key,
    )
    return db.session.scalars(query).one_or_none()


def _own(resident: SignedInResident, rating_id: uuid.UUID, *, lock: bool = False) -> Rating:
    query = select(Rating).where(Rating.id == rating_id, Rating.resident_id == resident.id)
    message = _("We cannot find that rating.")
    return one_or_404(query.with_for_update() if lock else query, message)


def _owe_answer(rating_id: uuid.UUID, now: datetime) -> None:
    due_on = RatingRules.of_city(current_city()).answer_by(now)
    insert_once(RatingAnswer, ("rating_id",), rating_id=rating_id, due_on=due_on, created_at=now)


def _reopen(resident: SignedInResident, row: Rating, words: str, now: datetime) -> bool:
    act = act_of(row.service, row.act)
    if act is None or act.reopening is None or not can_reopen(resident, row, now):
        return False
    try:
        act.reopening.reopen(resident, row.reference, words, now)
    except FieldErrors as error:
        raise FieldErrors({"words": next(iter(error.fields.values()))}) from None
    return True
