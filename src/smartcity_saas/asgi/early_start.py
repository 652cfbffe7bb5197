"""Requests that begin before the loop is woken for them.

granian hands every request to the loop from a thread of its own. To wake the loop and to change threads
costs more than an answer that is kept already, so a request begins in that thread, and goes on on the
loop only if it comes to ``on_the_loop``.
"""

from __future__ import annotations

import types
from asyncio import AbstractEventLoop
from collections.abc import Callable, Generator
from contextlib import suppress
from typing import Any


@types.coroutine
def on_the_loop() -> Generator[None, None, None]:
    """Go on on the loop. Before this nothing may wait, ask which loop is running, or leave anything in
    a context variable; on the loop already, it lets others have their turn."""
    yield


def begin_early(loop: AbstractEventLoop) -> None:
    """Have coroutines that are handed to a loop from another thread begin in that thread.

    granian gives ``call_soon_threadsafe`` a function that makes a task, with the coroutine as its first
    argument. Another server hands over none so, and nothing changes for it; nor where the loop's
    methods cannot be replaced.
    """
    hand_over = loop.call_soon_threadsafe

    def begin(callback: Callable[..., object], *arguments: Any, context: Any = None) -> Any:
        if arguments and isinstance(arguments[0], types.CoroutineType):
            try:
                arguments[0].send(None)
            except StopIteration:
                return None
        return hand_over(callback, *arguments, context=context)

    with suppress(AttributeError):
        loop.call_soon_threadsafe = begin  # type: ignore[assignment, method-assign]
