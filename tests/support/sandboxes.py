"""What stands for the outside."""

from __future__ import annotations

from dataclasses import dataclass

from smartcity_saas.sandboxes.channels.state import ChannelSandbox
from smartcity_saas.sandboxes.stripe.state import Sandbox


@dataclass(frozen=True)
class Sandboxes:
    """What stands for the outside, and where it is served."""

    stripe: Sandbox
    stripe_base: str
    apps: ChannelSandbox
    channel_base: str
