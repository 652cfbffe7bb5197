"""The blueprint of the resident's pages."""

from smartcity_saas.web.policy import CityBlueprint

blueprint = CityBlueprint("resident", __name__)
