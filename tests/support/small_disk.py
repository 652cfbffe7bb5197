"""A disk that is soon full: a file system of its own, in memory, where root may mount one."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[bool]:
    """Whether a folder is a file system of so many megabytes until the block ends; where this is not
    root's, or may not mount anything, it stays what it was."""
    if os.geteuid() != 0:
        yield False
        return
    options = f"size={megabytes}m,mode=0755"
    mounted = not _quietly("mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder))
    try:
        yield mounted
    finally:
        if mounted:
            _unmount(folder)


def fill(disk: Path) -> Path:
    """Fill a disk to its last page; returns the file that does."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(b"\0" * 65_536)
    return ballast


def _unmount(folder: Path) -> None:
    """A process that has just ended may hold a file for a moment."""
    for _try in range(50):
        if not _quietly("umount", str(folder)):
            return
        time.sleep(0.1)
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def _quietly(*words: str) -> int:
    return subprocess.run(words, check=False, stderr=subprocess.DEVNULL).returncode
