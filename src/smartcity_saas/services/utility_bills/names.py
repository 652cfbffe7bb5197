"""What the service is called in documents and code, and where its pages stand on a city's site."""

SERVICE = "utility_bills"
ROOT = "/services/utility-bills"
PAID_IN_TIME = f"{SERVICE}.paid_in_time"
KINDS = ("water", "electricity", "gas")
UNITS = {"water": "m³", "electricity": "kWh", "gas": "m³"}
"""What the usage of each kind is counted in."""
TARIFFS = "utility_tariffs"
"""Its dataset."""
