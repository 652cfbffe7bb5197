"""The console of one province: its cities, onboarding, roll-outs, its baseline."""

from smartcity_saas.portals.province import (
    cities,
    data,
    onboarding,
    onboarding_csv,
    overview,
    single_sign_on,
)
from smartcity_saas.portals.province.blueprint import blueprint

__all__ = [
    "blueprint",
    "cities",
    "data",
    "onboarding",
    "onboarding_csv",
    "overview",
    "single_sign_on",
]
