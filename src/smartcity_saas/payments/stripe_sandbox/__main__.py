"""``python -m smartcity_saas.payments.stripe_sandbox``: serve on loopback, in demo mode only."""

from __future__ import annotations

import argparse
import sys
import threading
from pathlib import Path

from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from smartcity_saas.errors import SmartCityError
from smartcity_saas.payments.stripe_sandbox.sending import send_forever
from smartcity_saas.payments.stripe_sandbox.server import create_sandbox
from smartcity_saas.payments.stripe_sandbox.state import Sandbox
from smartcity_saas.settings import Settings


class _Quiet(WSGIRequestHandler):
    """Logs nothing: what the sandbox does shows in the product."""

    def log_request(self, *ignored: object) -> None:
        """Nothing."""


def main() -> None:
    """Serve until stopped, or until the parent is gone if it asked for that."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--state", type=Path, help="keep everything in this file")
    parser.add_argument("--with-parent", action="store_true", help="stop when standard input ends")
    arguments = parser.parse_args()
    try:
        settings = Settings.from_environment()
    except SmartCityError as error:
        sys.exit(f"stripe sandbox: {error.detail}")
    if not settings.demo:
        sys.exit("stripe sandbox: it runs in demo mode only (SMARTCITY_DEMO=1); it moves no money.")
    port = settings.stripe_sandbox_port
    sandbox = Sandbox(arguments.state)
    try:
        server = make_server(
            "127.0.0.1",
            port,
            create_sandbox(sandbox, f"http://127.0.0.1:{port}"),
            threaded=True,
            request_handler=_Quiet,
        )
    except (OSError, SystemExit):
        sys.exit(f"stripe sandbox: port {port} is taken. Set STRIPE_SANDBOX_PORT to another one.")
    stop = threading.Event()
    threading.Thread(target=send_forever, args=(sandbox, stop), daemon=True).start()
    if arguments.with_parent:
        threading.Thread(target=_stop_with_parent, args=(server,), daemon=True).start()
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass
    finally:
        stop.set()


def _stop_with_parent(server: BaseWSGIServer) -> None:
    sys.stdin.read()
    server.shutdown()


if __name__ == "__main__":
    main()
