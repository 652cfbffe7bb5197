"""Clocks of processes that can be set ahead or back while they run, as a machine's can be."""

from __future__ import annotations

import shutil
import struct
import subprocess
from pathlib import Path

SOURCE = Path(__file__).with_suffix(".c")


def stepped_clock_library(folder: Path) -> Path | None:
    """The library that processes load for it, compiled into a folder; None without a C compiler."""
    compiler = shutil.which("cc")
    if compiler is None:
        return None
    made = folder / "stepped_clock.so"
    subprocess.run([compiler, "-O2", "-shared", "-fPIC", "-o", str(made), str(SOURCE)], check=True)
    return made


class SteppedClock:
    """The clock of one process, and of those that it begins.

    Args:
        library: What the processes load.
        file: Where the clock stands; in a folder that is there.
    """

    def __init__(self, library: Path, file: Path) -> None:
        self.library, self.file = library, file
        file.write_bytes(struct.pack("=q", 0))

    @property
    def environment(self) -> dict[str, str]:
        """With what a process must be started."""
        return {"LD_PRELOAD": str(self.library), "STEPPED_CLOCK": str(self.file)}

    def set_off(self, seconds: int) -> None:
        """Let the time of day be off by so much, from now on."""
        with self.file.open("r+b") as file:  # in place: the processes have it in their memory
            file.write(struct.pack("=q", seconds))
