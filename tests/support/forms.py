"""Forms for tests: the sample definitions, and documents of cities that have one."""

from __future__ import annotations

from textwrap import indent

from tests.support.paths import ROOT

SAMPLES = sorted((ROOT / "config" / "forms").glob("*.yaml"))
"""The library of sample definitions."""
LETTER = """\
walking_permit:
  kind: form
  state: open
  title: {zh: 散步证, en: Walking permit}
  category: papers
  keywords: [散步, sanbu]
  takes: {working_days: 3}
  steps:
    - title: {zh: 去哪里, en: Where to}
      fields:
        - {name: place, kind: text, required: true, label: {zh: 地点, en: Place}}
        - {name: dog, kind: yes_no, label: {zh: 带狗吗, en: With a dog?}}
        - {name: breed, kind: text, required: true, show_if: {dog: "yes"}, label: {zh: 品种, en: Breed}}
  result: {kind: letter, valid: {years: 1}}
  keep: {years: 1}
"""
"""A form of one step, free, with a letter in the end."""


def with_services(document: str, *definitions: str) -> str:
    """A document of a city that has no services of its own yet, with definitions below ``services``."""
    return document + "services:\n" + "".join(indent(one, "  ") for one in definitions)


FORM = "walking-permit"
"""Its name in addresses."""
EVERY_SERVICE = with_services(
    "", "city_credit: {state: open}\n", "problem_reports: {state: open}\n", LETTER
)
"""What a document says so that every installed service is open, and one that it defines itself."""
