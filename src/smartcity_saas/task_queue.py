"""The queue of Celery between dispatchers and workers.

A message is the keys of a city and a task; nothing of a person passes the broker. Nothing is kept of
a result: that a task is done stands in its row.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from contextlib import suppress
from importlib.util import find_spec
from typing import Any

from celery import Celery, Task
from celery.signals import setup_logging
from kombu.exceptions import ChannelError, OperationalError

from smartcity_saas.errors import SettingsError, SmartCityError, TenantIsolationError
from smartcity_saas.observability import init_logging
from smartcity_saas.outbox import Outcome, run_task
from smartcity_saas.tenancy.context import tenant_context
from smartcity_saas.tenancy.flask_app import SiteFlask

QUEUE = "smartcity"
RUN = "smartcity.run_task"
CONNECT_SECONDS = 4
VISIBLE_AGAIN_SECONDS = 600
"""When Redis gives a message that nobody acknowledged to another worker. Well beyond what a task
takes; whoever gets it twice finds the task claimed or done."""


class CityTask(Task):  # type: ignore[misc] # celery has no types
    """A task inside the tenant context of the city that its message names first; a message that
    names none fails before anything is done."""

    abstract = True
    site: Callable[[], SiteFlask]
    note: Callable[[Outcome], None]

    def __call__(self, city_id: object, *arguments: Any) -> Any:
        if type(city_id) is not int:
            raise TenantIsolationError("a message that names no city")
        app = self.site()
        with app.app_context(), suppress(SmartCityError):
            app.registry.refresh_if_due()
        with app.app_context(), tenant_context(city_id):
            return self.run(app, *arguments)


def make_celery(
    broker: str,
    site: Callable[[], SiteFlask],
    queue: str = QUEUE,
    note: Callable[[Outcome], None] = lambda outcome: None,
) -> Celery:
    """The Celery application: every task of it is a ``CityTask``.

    Args:
        broker: The address of RabbitMQ (``amqp://``) or Redis (``redis://``).
        site: Gives the product; asked by workers alone, in each process after it was forked.
        queue: The name of the queue.
        note: Told what became of each task.

    Raises:
        SettingsError: The broker is a Redis, and its package is not installed.
    """
    if broker.startswith("redis") and find_spec("redis") is None:
        raise SettingsError("SMARTCITY_BROKER is a Redis: `pip install 'smartcity-saas[redis]'`.")
    parts = {"abstract": True, "site": staticmethod(site), "note": staticmethod(note)}
    bound = type("CityTask", (CityTask,), parts)
    app = Celery(
        "smartcity", broker=broker, task_cls=bound, set_as_current=False, strict_typing=False
    )
    app.conf.update(
        task_default_queue=queue,
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        task_ignore_result=True,
        accept_content=["json"],
        worker_prefetch_multiplier=1,
        worker_enable_remote_control=False,
        broker_connection_timeout=CONNECT_SECONDS,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_transport_options=_transport(broker),
    )
    app.task(_run, name=RUN, bind=True, shared=False)
    return app


def _run(task: CityTask, app: SiteFlask, task_id: str) -> None:
    task.note(run_task(app.product.tasks, uuid.UUID(task_id), app.product.clock()))


def _transport(broker: str) -> dict[str, Any]:
    if broker.startswith("redis"):
        return {
            "visibility_timeout": VISIBLE_AGAIN_SECONDS,
            "socket_connect_timeout": CONNECT_SECONDS,
            "socket_timeout": CONNECT_SECONDS * 5,
        }
    return {"confirm_publish": True}


class CeleryQueue:
    """The dispatcher's side of the queue."""

    def __init__(self, celery: Celery) -> None:
        self.celery = celery
        self.name = celery.conf.task_default_queue

    def send(self, city_id: int, task_id: uuid.UUID) -> None:
        """Put a message into the queue.

        Raises:
            kombu.exceptions.OperationalError: The broker does not answer.
        """
        once = {"max_retries": 1, "interval_start": 0}
        self.celery.send_task(RUN, (city_id, str(task_id)), retry=True, retry_policy=once)

    def waiting(self) -> int:
        """How many messages no worker has taken yet.

        Raises:
            kombu.exceptions.OperationalError: The broker does not answer.
        """
        with self.celery.pool.acquire(block=True) as connection:
            try:
                connection.ensure_connection(max_retries=1, interval_start=0)
                with suppress(ChannelError), connection.channel() as channel:
                    return int(channel.queue_declare(queue=self.name, passive=True).message_count)
            except connection.recoverable_connection_errors as error:  # Redis has its own
                raise OperationalError(str(error)) from error
        return 0  # the first message makes the queue


@setup_logging.connect  # type: ignore[untyped-decorator]
def _log_as_the_product(**_options: Any) -> None:
    init_logging()
