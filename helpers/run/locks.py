"""One run at a time: a lock that is never waited for and that the system frees at any end."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

EXIT_CODE = 75
NAME = ".lock"


class LockHeld(Exception):
    """Another run works on the same folder."""


@contextmanager
def held(*folders: Path) -> Iterator[None]:
    """Hold the locks of all the folders, which are made where absent.

    Raises:
        LockHeld: Another process holds one of them; known at once.
    """
    with ExitStack() as stack:
        for folder in folders:
            stack.enter_context(_held(folder))
        yield


@contextmanager
def _held(folder: Path) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / NAME
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            _lock(descriptor)
        except OSError as error:
            raise LockHeld(f"another run holds {path}; run again when it has ended") from error
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int) -> None:
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
