"""The key itself stands in the variable: ``SMARTCITY_MASTER_KEY``."""

suffix = ""


def read(value: str) -> str:
    """The value is the key."""
    return value
