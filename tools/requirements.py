"""Write what setup.cfg asks for as requirements, for tools that read no setup.cfg.

``python tools/requirements.py`` writes the product's, ``python tools/requirements.py test`` those of
the extra ``test``, one on each line.
"""

from __future__ import annotations

import sys
from configparser import ConfigParser
from pathlib import Path

ROOT = Path(__file__).parent.parent


def main(extra: str = "") -> None:
    """Print the requirements of the product, or of an extra."""
    declared = ConfigParser()
    declared.read(ROOT / "setup.cfg", "utf-8")
    section, option = ("options.extras_require", extra) if extra else ("options", "install_requires")
    print(declared[section][option].strip())


main(*sys.argv[1:2])
