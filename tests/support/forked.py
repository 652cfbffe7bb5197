"""Modules run as programs, each in a process of its own that has the product's imports already.

A start of the command from nothing is three seconds of processor time, nearly all of it imports. The
processes are forked from one that has only imported and run nothing (``multiprocessing``'s fork
server): folder, environment, streams and exit code are each one's own.
"""

from __future__ import annotations

import multiprocessing
import os
import pkgutil
import runpy
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

from smartcity_saas import services

_SERVER = multiprocessing.get_context("forkserver")
_SERVER.set_forkserver_preload(
    [
        "tests.support.forked",
        "smartcity_saas.app",
        "smartcity_saas.cli.documents",
        "smartcity_saas.cli.operations",
        *(f"{services.__name__}.{one.name}" for one in pkgutil.iter_modules(services.__path__)),
    ]
)


def run_module(
    module: str,
    words: Sequence[str] = (),
    *,
    folder: Path,
    env: Mapping[str, str],
    stdin: str = "",
    seconds: float = 120,
) -> subprocess.CompletedProcess[str]:
    """Run a module as ``python -m`` does, and wait until it ends.

    Raises:
        subprocess.TimeoutExpired: It did not end in time; it is killed.
    """
    with (
        tempfile.TemporaryFile() as given,
        tempfile.TemporaryFile() as out,
        tempfile.TemporaryFile() as err,
    ):
        given.write(stdin.encode())
        given.seek(0)
        files = [f"/proc/{os.getpid()}/fd/{one.fileno()}" for one in (given, out, err)]
        process = _SERVER.Process(
            target=_run, args=(module, list(words), str(folder), dict(env), files)
        )
        process.start()
        process.join(seconds)
        if process.exitcode is None:
            process.kill()
            process.join()
            raise subprocess.TimeoutExpired([module, *words], seconds, _read(out), _read(err))
        code = process.exitcode
        process.close()
        return subprocess.CompletedProcess([module, *words], code, _read(out), _read(err))


def _run(module: str, words: list[str], folder: str, env: dict[str, str], files: list[str]) -> None:
    for number, path in enumerate(files):
        opened = os.open(path, os.O_RDWR | os.O_APPEND * (number > 0))
        os.dup2(opened, number)
        os.close(opened)
    sys.stdin, sys.stdout, sys.stderr = (
        os.fdopen(number, mode, buffering=1, encoding="utf-8") for number, mode in enumerate("rww")
    )
    os.environ.clear()
    os.environ.update(env)
    os.chdir(folder)
    sys.path[0] = folder
    sys.argv = [module, *words]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def _read(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode()
