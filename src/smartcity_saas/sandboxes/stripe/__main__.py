"""``python -m smartcity_saas.sandboxes.stripe``: serve on loopback, in demo mode only."""

from __future__ import annotations

import argparse
import threading
from pathlib import Path

from smartcity_saas.sandboxes.stripe.sending import send_forever
from smartcity_saas.sandboxes.stripe.server import create_sandbox
from smartcity_saas.sandboxes.stripe.state import Sandbox
from smartcity_saas.web.loopback import demo_settings, serve_on_loopback

NAME = "stripe sandbox"


def main() -> None:
    """Serve until stopped, or until the parent is gone if it asked for that."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--state", type=Path, help="keep everything in this file")
    parser.add_argument("--with-parent", action="store_true", help="stop when standard input ends")
    arguments = parser.parse_args()
    port = demo_settings(NAME).stripe_sandbox_port
    sandbox = Sandbox(arguments.state)
    stop = threading.Event()
    threading.Thread(target=send_forever, args=(sandbox, stop), daemon=True).start()
    app = create_sandbox(sandbox, f"http://127.0.0.1:{port}")
    try:
        serve_on_loopback(NAME, app, port, "STRIPE_SANDBOX_PORT", with_parent=arguments.with_parent)
    finally:
        stop.set()


if __name__ == "__main__":
    main()
