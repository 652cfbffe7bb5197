"""An application for a server's own process, that tells in which thread a request began and ended."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

from smartcity_saas.asgi.early_start import begin_early, on_the_loop


def create() -> Any:
    """For ``granian --factory``: ``/stay`` is answered where it began, any other path on the loop. The
    body names the threads, the loop's as ``loop``."""
    loop = asyncio.get_event_loop()
    begin_early(loop)
    of_the_loop = threading.get_ident()

    def here() -> str:
        return "loop" if threading.get_ident() == of_the_loop else "server"

    async def application(scope: Any, receive: Any, send: Any) -> None:
        began = here()
        if scope["path"] != "/stay":
            await on_the_loop()
            await asyncio.sleep(0)
            assert asyncio.current_task() is not None
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": f"{began} {here()}".encode()})

    return application
