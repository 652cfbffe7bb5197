"""An edition whose text is all there: made up, small, and summing to 100."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from smartcity_saas.scorecard.edition_files import read_edition
from smartcity_saas.scorecard.figures import FIGURES
from smartcity_saas.scorecard.standard import Edition
from smartcity_saas.tenancy.flask_app import SiteFlask
from tests.support.product import other_parts

KEY = "gbt_33356_2016"
WHOLE = """\
edition: gbt_33356_2016
standard: GB/T 33356-2016
name: {zh: 样本, en: Sample}
counts: {indicators: 2, sub_indicators: 2, items: 4}
sources:
  text:
    title: {zh: 样本, en: Sample}
    read: {zh: 全部, en: All of it}
indicators:
  - number: L1
    name: {zh: 惠民服务, en: Services for citizens}
    weight: 60
    source: text
    sub_indicators:
      - number: L1P1
        name: {zh: 政务服务, en: Government services}
        weight: 60
        source: text
        items:
          - number: L1P1-A1
            name: {zh: 电子证照, en: Electronic licences}
            weight: 25
            formula: 甲 ÷ 乙 × 100
            source: text
          - number: L1P1-A2
            name: {zh: 开放的服务, en: Services that are open}
            weight: 75
            formula: 丙 ÷ 丁 × 100
            computed_by: services_offered
            source: text
  - number: L2
    name: {zh: 精准治理, en: Governance}
    weight: 40
    source: text
    sub_indicators:
      - number: L2P1
        name: {zh: 城市管理, en: City management}
        weight: 40
        source: text
        items:
          - number: L2P1-A1
            name: {zh: 一号通, en: One number}
            weight: 50.5
            formula: 戊 ÷ 己 × 100
            source: text
          - number: L2P1-A2
            name: {zh: 一张图, en: One map}
            weight: 49.5
            formula: 庚 ÷ 辛 × 100
            source: text
"""


def edition(text: str = WHOLE) -> Edition:
    """An edition from its YAML."""
    return read_edition(text.encode(), "sample.yaml", FIGURES, KEY)


@contextmanager
def whole_edition(app: SiteFlask) -> Iterator[Edition]:
    """An application that has the sample's text in place of the shipped one."""
    made = edition()
    with other_parts(app, editions={**app.product.editions, KEY: made}):
        yield made
