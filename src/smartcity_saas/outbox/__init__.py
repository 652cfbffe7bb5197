"""Work after a commit: written with its cause, done at least once, idempotent in the database.

``queue`` writes and claims tasks of one city; ``runner`` looks at what is due and enters each
city in turn.
"""

from smartcity_saas.outbox.attention import failed_attention
from smartcity_saas.outbox.backlog import Backlog, ages, backlogs
from smartcity_saas.outbox.heartbeats import (
    Heartbeat,
    RunnerState,
    runner_states,
    worker_lives,
    worker_seen,
)
from smartcity_saas.outbox.models import CityDue, OutboxTask, RunnerKind
from smartcity_saas.outbox.queue import (
    Ask,
    AskingTask,
    Outcome,
    Payload,
    PermanentFailure,
    Postponed,
    Task,
    Tasks,
    enqueue,
    failed_tasks,
    run_task,
    try_failed_again,
)

__all__ = [
    "Ask",
    "AskingTask",
    "Backlog",
    "CityDue",
    "Heartbeat",
    "OutboxTask",
    "Outcome",
    "Payload",
    "PermanentFailure",
    "Postponed",
    "RunnerKind",
    "RunnerState",
    "Task",
    "Tasks",
    "ages",
    "backlogs",
    "enqueue",
    "failed_attention",
    "failed_tasks",
    "run_task",
    "runner_states",
    "try_failed_again",
    "worker_lives",
    "worker_seen",
]
