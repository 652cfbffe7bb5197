"""What a city tells its residents: on their own page always, by mail or SMS where they said so."""

from smartcity_saas.messages.models import Message
from smartcity_saas.messages.quiet import QuietHours
from smartcity_saas.messages.reaching import Reach, give_leave, reach_of, reached
from smartcity_saas.messages.telling import (
    mark_read,
    messages_of,
    tell,
    unread_count,
)

__all__ = [
    "Message",
    "QuietHours",
    "Reach",
    "give_leave",
    "mark_read",
    "messages_of",
    "reach_of",
    "reached",
    "tell",
    "unread_count",
]
