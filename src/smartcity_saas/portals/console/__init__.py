"""What all staff share on the console: signing in and out, one's own account, where to begin."""

from smartcity_saas.portals.console import account, invitations, sign_in, single_sign_on
from smartcity_saas.portals.console.blueprint import blueprint

__all__ = ["account", "blueprint", "invitations", "sign_in", "single_sign_on"]
