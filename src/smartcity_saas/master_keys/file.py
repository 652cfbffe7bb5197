"""The variable names a file (a mounted secret): ``SMARTCITY_MASTER_KEY_FILE``."""

from pathlib import Path

suffix = "_FILE"


def read(value: str) -> str:
    """The file's text, without the newline at its end.

    Raises:
        OSError, ValueError: It cannot be read, or is no text.
    """
    return Path(value).read_text("utf-8").strip()
