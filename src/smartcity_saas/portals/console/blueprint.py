"""The blueprint of what all staff share."""

from smartcity_saas.web.policy import ConsoleBlueprint

blueprint = ConsoleBlueprint("console", __name__)
