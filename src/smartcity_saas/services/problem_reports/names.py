"""What the service is called in documents and code, and where its pages stand on a city's site."""

SERVICE = "problem_reports"
TELL = f"{SERVICE}.tell"
"""The task of the outbox that tells residents of a step."""
ROOT = "/services/problem-reports"
TITLE = {"zh": "随手拍", "en": "Report a problem"}
ICON_WORDS = (
    "bulb",
    "dots",
    "droplet",
    "map-pin",
    "road",
    "shield-check",
    "trash",
    "trees",
    "volume",
)
"""The icons that a category may have."""
