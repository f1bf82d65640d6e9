"""The processes of a run: started together, ended together, whatever happens to the runner.

Every process that a run starts carries the run's mark in its environment, and so do the children
that a notebook starts. Whoever ends the run ends all that carry the mark.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any

MARK = "STORE_REPORT_RUN"
ROUNDS = 20
_PROCESSES = Path("/proc")
_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")


class Ended(BaseException):
    """The run was told to end by a signal.

    Attributes:
        exit_code: 128 and the signal's number, as shells have it.
    """

    def __init__(self, number: int) -> None:
        self.exit_code = 128 + number
        super().__init__(f"ended by {signal.Signals(number).name}")


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """Signals that ask for an end raise `Ended` in the main thread, once."""
    known = [getattr(signal, name) for name in _SIGNALS if hasattr(signal, name)]
    before = {number: signal.getsignal(number) for number in known}

    def end(number: int, _: FrameType | None) -> None:
        for each in known:
            signal.signal(each, signal.SIG_IGN)
        raise Ended(number)

    for number in known:
        signal.signal(number, end)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def die_with_parent(parent: int) -> None:
    """Have the kernel end this process when the thread that started it ends (Linux)."""
    if sys.platform != "linux":
        return
    import ctypes

    set_parent_death_signal = 1
    ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def end_marked(mark: str) -> None:
    """End every process that carries the mark, but not this one; children started meanwhile too."""
    for _ in range(ROUNDS):
        found = list(marked(mark))
        if not found:
            return
        for process in found:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(process, getattr(signal, "SIGKILL", signal.SIGTERM))
        time.sleep(0.05)


def marked(mark: str) -> Iterator[int]:
    """Processes that carry the mark, or the mark of a part of it (`mark/part`), and are not this
    one; none where the system has no /proc.
    """
    whole, part = f"{MARK}={mark}".encode(), f"{MARK}={mark}/".encode()
    for folder in _PROCESSES.glob("[0-9]*"):
        with suppress(OSError):
            if int(folder.name) == os.getpid() or _is_over(folder):
                continue
            variables = (folder / "environ").read_bytes().split(b"\0")
            if any(one == whole or one.startswith(part) for one in variables):
                yield int(folder.name)


def _is_over(folder: Path) -> bool:
    """Whether the process has ended and only waits for its parent to notice."""
    return (folder / "stat").read_text().rpartition(")")[2].split()[0] in "ZX"


def end_family(process: subprocess.Popen[Any]) -> None:
    """End a child and the processes of its group or tree."""
    with suppress(ProcessLookupError, PermissionError):
        if sys.platform == "win32":
            command = ["taskkill", "/T", "/F", "/PID", str(process.pid)]
            subprocess.run(command, check=False, capture_output=True)
        else:
            os.killpg(process.pid, signal.SIGKILL)


def peak_memory_mb(process: int | str = "self") -> float | None:
    """Largest memory that a process has held so far, in MB; None where it can't be known."""
    with suppress(OSError):
        for line in (_PROCESSES / str(process) / "status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return round(int(line.split()[1]) / 1024, 1)
    return None
