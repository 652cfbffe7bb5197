"""What the numbers of a service mean, in words of the code: no city can call them something else."""

from __future__ import annotations

from dataclasses import dataclass

from smartcity_saas.configuration.city import Localized


@dataclass(frozen=True)
class Measured:
    """Of what is counted in a service: the acts as they follow a number (``1,204 payments``), from
    when to when a wait is (after “Usual wait”), and what “in time” means."""

    acts: Localized
    wait: Localized
    in_time: Localized


COMMON = Measured(
    acts={"zh": "件", "en": "done"},
    wait={"zh": "从开始到办好", "en": "from beginning to end"},
    in_time={"zh": "在说好的时间内办好", "en": "within the time that was promised"},
)
"""Of a service that says nothing of its own."""
