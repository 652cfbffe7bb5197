"""What the service is called in documents, code and on screens, and where its pages stand."""

from smartcity_saas.configuration.city import Localized

SERVICE = "city_credit"
ROOT = "/services/city-credit"
TITLE: Localized = {"zh": "城市信用", "en": "City credit"}

CERTIFICATE = "certificate"
"""The kind of benefit that a partner checks by a code."""
PAY_AFTER_TREATMENT = "pay_after_treatment"
"""The kind of benefit by which a hospital's fee is paid after the visit."""
BENEFIT_KINDS = (CERTIFICATE, PAY_AFTER_TREATMENT)
