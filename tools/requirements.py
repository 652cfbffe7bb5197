"""Write what setup.cfg asks for as requirements, for tools that read no setup.cfg.

``python tools/requirements.py`` writes the product's, ``… optional`` those of its extras, ``… test``
those of the extra ``test``, and ``… build`` those of the build (pyproject.toml), one on each line.
"""

from __future__ import annotations

import sys
import tomllib
from configparser import ConfigParser
from pathlib import Path

ROOT = Path(__file__).parent.parent


def main(extra: str = "") -> None:
    """Print the requirements of the product, of its extras, of the tests, or of the build."""
    if extra == "build":
        project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
        print("\n".join(project["build-system"]["requires"]))
        return
    declared = ConfigParser()
    declared.read(ROOT / "setup.cfg", "utf-8")
    extras = dict(declared["options.extras_require"])
    tests = extras.pop("test")
    words = {
        "": declared["options"]["install_requires"],
        "test": tests,
        "optional": "".join(extras.values()),
    }
    print(words[extra].strip())


main(*sys.argv[1:2])
