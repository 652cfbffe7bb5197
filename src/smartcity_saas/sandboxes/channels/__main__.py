"""``python -m smartcity_saas.sandboxes.channels``: serve on loopback, in demo mode only."""

from __future__ import annotations

import argparse

from smartcity_saas.sandboxes.channels.server import create_channel_sandbox
from smartcity_saas.sandboxes.channels.state import ChannelSandbox
from smartcity_saas.web.loopback import demo_settings, serve_on_loopback

NAME = "channel sandbox"


def main() -> None:
    """Serve until stopped, or until the parent is gone if it asked for that."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--with-parent", action="store_true", help="stop when standard input ends")
    arguments = parser.parse_args()
    port = demo_settings(NAME).channel_sandbox_port
    app = create_channel_sandbox(ChannelSandbox())
    serve_on_loopback(NAME, app, port, "CHANNEL_SANDBOX_PORT", with_parent=arguments.with_parent)


if __name__ == "__main__":
    main()
