"""Applications of the tests, served over a real connection on loopback."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

from werkzeug.serving import make_server


@contextlib.contextmanager
def serving(make: Callable[[str], Any]) -> Iterator[str]:
    """Serve what ``make`` makes of its own address, over a real connection on loopback."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    base = f"http://127.0.0.1:{port}"
    server = make_server("127.0.0.1", port, make(base), threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield base
    server.shutdown()
    server.server_close()
