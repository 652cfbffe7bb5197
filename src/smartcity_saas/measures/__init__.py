"""What is known of use, without people in it: counts per city, day, service and channel.

    count(Count(service="utility_bills", measure=Measure.DONE, ...), now)      appended
    fold(now)                                       the worker adds what was appended to the days
    totals_of(...), series_of(...), hours_of(...)    read: days and what is not folded yet, together
    published(...)                                   what may leave the city: small cells suppressed

A row is appended in the transaction of its cause, so two bookings never wait for each other's
count; the worker adds them up (``folding``). Whoever reads has both, in one statement, so a figure
is never counted twice or left out. No row names a resident, nor anything that leads to one.
"""

from smartcity_saas.measures.buckets import Waits, bucket_of
from smartcity_saas.measures.counting import (
    Count,
    Measure,
    Outage,
    count,
    count_all,
    count_offered,
    count_outage,
    count_rating,
    count_refused,
    in_channel,
    note_refusal,
    waiting,
)
from smartcity_saas.measures.folding import (
    FoldMeasures,
    events_waiting,
    fold,
    fold_all,
    forget_hours,
    note_days,
)
from smartcity_saas.measures.models import CityHour, CityMeasure, CityMeasureDay, MeasureEvent
from smartcity_saas.measures.outages import RecentOutage, recent_outages
from smartcity_saas.measures.publishing import SMALL_CELL, Published, published, suppressed
from smartcity_saas.measures.questions import Window
from smartcity_saas.measures.reading import Totals, daily_totals, hours_of, series_of, totals_of

__all__ = [
    "SMALL_CELL",
    "CityHour",
    "CityMeasure",
    "CityMeasureDay",
    "Count",
    "FoldMeasures",
    "Measure",
    "MeasureEvent",
    "Outage",
    "Published",
    "RecentOutage",
    "Totals",
    "Waits",
    "Window",
    "bucket_of",
    "count",
    "count_all",
    "count_offered",
    "count_outage",
    "count_rating",
    "count_refused",
    "daily_totals",
    "events_waiting",
    "fold",
    "fold_all",
    "forget_hours",
    "hours_of",
    "in_channel",
    "note_days",
    "note_refusal",
    "published",
    "recent_outages",
    "series_of",
    "suppressed",
    "totals_of",
    "waiting",
]
