"""A notebook's kernel: private sockets, this Python, and an end when its runner ends."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

from helpers.run import processes

LONGEST_SOCKET_BYTES = 90
START_SECONDS = 60
PARENT = "STORE_REPORT_PARENT"
SOCKETS = "STORE_REPORT_SOCKETS"
SOCKETS_PREFIX = "store-report-kernels-"
_started: list[Any] = []


def sockets_folder() -> Path:
    """A fresh folder for sockets that only its owner can enter, on a path short enough for one."""
    for place in (os.environ.get("XDG_RUNTIME_DIR"), tempfile.gettempdir(), "/tmp"):
        if place and os.access(place, os.W_OK) and _is_short(Path(place)):
            return Path(tempfile.mkdtemp(prefix=SOCKETS_PREFIX, dir=place))
    return Path(tempfile.mkdtemp(prefix=SOCKETS_PREFIX))


def _is_short(place: Path) -> bool:
    longest = place / f"{SOCKETS_PREFIX}12345678" / "k12345678" / "socket-5"
    return len(os.fsencode(longest)) < LONGEST_SOCKET_BYTES


def manager_class() -> type:
    """A kernel manager whose kernels no other user can listen to and no kernelspec redirects."""
    from jupyter_client.kernelspec import KernelSpec
    from jupyter_client.manager import AsyncKernelManager

    class PrivateKernelManager(AsyncKernelManager):
        """Starts this module as the kernel."""

        def __init__(self, **arguments: Any) -> None:
            super().__init__(**arguments)
            _started[:] = [self]
            if sys.platform != "win32":
                folder = Path(tempfile.mkdtemp(prefix="k", dir=os.environ.get(SOCKETS)))
                self.transport = "ipc"
                self.ip = str(folder / "socket")
                self.connection_file = str(folder / "connection.json")

        @property
        def kernel_spec(self) -> KernelSpec:
            return KernelSpec(
                argv=[sys.executable, "-P", "-m", __name__, "-f", "{connection_file}"],
                env={PARENT: str(os.getpid())},
                display_name="Python 3",
                language="python",
                interrupt_mode="signal",
            )

    return PrivateKernelManager


def peak_memory_mb() -> float | None:
    """Largest memory that the latest kernel has held so far, in MB; None where not known."""
    process = _process_of_latest()
    return processes.peak_memory_mb(process) if process else None


def end_latest() -> None:
    """End the latest kernel and its group, where the system has groups."""
    process = _process_of_latest()
    if process and hasattr(os, "killpg"):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process, signal.SIGKILL)


def _process_of_latest() -> int | None:
    """The kernel's process while it has not been waited for."""
    provisioner = _started[0].provisioner if _started else None
    return provisioner.pid if provisioner and provisioner.has_process else None


def main() -> None:
    """Become an IPython kernel."""
    processes.die_with_parent(int(os.environ[PARENT]))
    from ipykernel import kernelapp

    kernelapp.launch_new_instance()


if __name__ == "__main__":
    main()
