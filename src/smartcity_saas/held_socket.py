"""Serving on a listening socket that a supervisor holds: systemd's socket activation.

While a node restarts its connections wait in the socket, which stays open, and the next process
takes them: a restart refuses nobody, with one node and without a proxy.
"""

from __future__ import annotations

import socket

from granian._granian import SocketHolder
from granian.server.mp import MPServer

FIRST_DESCRIPTOR = 3
"""Where a supervisor puts the first socket (``SD_LISTEN_FDS_START`` of sd_listen_fds(3))."""


class HeldSocketGranian(MPServer):
    """Granian on the supervisor's socket. It has no argument for one, but shares one socket among
    its processes where it serves a path (``uds``); this gives it ours in the same place."""

    def _init_shared_socket(self) -> None:
        self._sso = socket.socket(fileno=FIRST_DESCRIPTOR)
        self._sso.set_inheritable(True)
        self._shd = SocketHolder(FIRST_DESCRIPTOR, False, self.backlog)  # type: ignore[assignment, call-arg]
