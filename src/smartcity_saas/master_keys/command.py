"""The variable is a command that prints the key: ``SMARTCITY_MASTER_KEY_COMMAND``."""

import shlex
import subprocess

suffix = "_COMMAND"
SECONDS = 30


def read(value: str) -> str:
    """What the command prints on standard output, without the newline at its end. It is run
    without a shell.

    Raises:
        OSError, ValueError: It cannot be run, fails, or takes longer than 30 seconds.
    """
    try:
        done = subprocess.run(  # noqa: S603 -- the operator's own command, from the environment
            shlex.split(value), capture_output=True, timeout=SECONDS, check=True, text=True
        )
    except subprocess.SubprocessError as error:
        raise ValueError(type(error).__name__) from None
    return done.stdout.strip()
