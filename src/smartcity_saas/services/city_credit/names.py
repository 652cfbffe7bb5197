"""What the service is called in documents, code and on screens, and where its pages stand."""

from smartcity_saas.configuration.city import Localized

SERVICE = "city_credit"
ROOT = "/services/city-credit"
TITLE: Localized = {"zh": "城市信用", "en": "City credit"}
