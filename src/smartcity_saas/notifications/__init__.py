"""Notifications of residents: on their own page always, by mail or SMS where they said so.

Its modules load when they are needed: what documents say of senders is read without them.
"""

from typing import TYPE_CHECKING

from smartcity_saas.lazy_imports import lazily

if TYPE_CHECKING:
    from smartcity_saas.notifications.messages import mark_read, messages_of, notify, unread_count
    from smartcity_saas.notifications.models import Message
    from smartcity_saas.notifications.quiet_hours import QuietHours
    from smartcity_saas.notifications.reachability import Reach, give_leave, reach_of, reached

__all__ = [
    "Message",
    "QuietHours",
    "Reach",
    "give_leave",
    "mark_read",
    "messages_of",
    "notify",
    "reach_of",
    "reached",
    "unread_count",
]

__getattr__ = lazily(
    __name__,
    {
        "models": ("Message",),
        "quiet_hours": ("QuietHours",),
        "reachability": ("Reach", "give_leave", "reach_of", "reached"),
        "messages": ("mark_read", "messages_of", "notify", "unread_count"),
    },
)
