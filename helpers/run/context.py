"""One run: its id, its folder, its log, its children."""

from __future__ import annotations

import os
import secrets
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from helpers.run import kernel, processes
from helpers.run.arguments import Options
from helpers.run.child import Child
from helpers.run.places import Limits, Places
from helpers.run.redaction import Redactor

KEPT_RUNS = 5
TEMPORARY = "temporary"


class Log:
    """The run's log: what a reader is not shown. Secrets are left out before a line is written."""

    def __init__(self, path: Path, redact: Redactor) -> None:
        """Open a new log, for its owner alone."""
        self.path = path
        self._redact = redact
        self._lock = threading.Lock()
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._file = os.fdopen(descriptor, "w", encoding="utf-8")

    def __call__(self, line: str) -> None:
        """Write a line; a full disk does not end the run here."""
        with self._lock, suppress(OSError, ValueError):
            self._file.write(f"{_now()} {self._redact(line)}\n")
            self._file.flush()

    def close(self) -> None:
        """Close the file; later lines are dropped."""
        with self._lock, suppress(OSError):
            self._file.close()


@dataclass
class Run:
    """What the steps of a run share.

    Attributes:
        id: Name of the run: when it began (UTC), and four random digits.
        folder: Executed notebooks, records and log.
        idle: Workers that wait for another chapter.
        stopping: Set when the run ends early, so that nothing new is started.
    """

    id: str
    folder: Path
    options: Options
    places: Places
    limits: Limits
    redact: Redactor
    log: Log
    sockets: Path
    started_at: str
    deadline: float
    children: list[Child] = field(default_factory=list)
    idle: list[Child] = field(default_factory=list)
    stopping: threading.Event = field(default_factory=threading.Event)

    @property
    def temporary(self) -> Path:
        """Where children keep what does not fit in memory; gone when the run ends."""
        return self.folder / TEMPORARY

    @property
    def address(self) -> str:
        """The database's address; empty for files."""
        return os.environ.get(self.options.variable, "")

    def seconds_left(self) -> float:
        """Seconds until all chapters must have been executed; never below 0."""
        return max(0.0, self.deadline - time.monotonic())

    def start(self, module: str, part: str, *, with_address: bool = False) -> Child:
        """Start a child of the run; only one that asks for it gets the database's address."""
        environment = dict(os.environ)
        if not with_address:
            environment.pop(self.options.variable, None)
        environment[processes.MARK] = f"{self.id}/{part}"
        environment[kernel.SOCKETS] = str(self.sockets)
        environment |= dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(self.temporary))
        child = Child(module, environment=environment, log=lambda line: self.log(f"{part}: {line}"))
        self.children.append(child)
        return child

    def end(self) -> None:
        """End all that the run has started."""
        self.stopping.set()
        processes.end_marked(self.id)
        for child in self.children:
            child.end()
        processes.end_marked(self.id)


@contextmanager
def begun(options: Options, places: Places, limits: Limits) -> Iterator[Run]:
    """A run in a fresh folder; when it is left, no process of it remains."""
    started = datetime.now(UTC)
    name = f"{started:%Y%m%dT%H%M%S}.{started.microsecond // 1000:03}Z-{secrets.token_hex(2)}"
    _forget_old(places.runs)
    folder = places.runs / name
    folder.mkdir(parents=True, mode=0o700)
    (folder / TEMPORARY).mkdir()
    redact = Redactor.of(os.environ, options.variable)
    run = Run(
        id=name,
        folder=folder,
        options=options,
        places=places,
        limits=limits,
        redact=redact,
        log=Log(folder / "log.txt", redact),
        sockets=kernel.sockets_folder(),
        started_at=started.isoformat(timespec="seconds"),
        deadline=time.monotonic() + limits.run_seconds,
    )
    try:
        (folder / "sockets").write_text(str(run.sockets), encoding="utf-8")
        run.log(f"run {name}: {options.wanted()}")
        yield run
    finally:
        run.end()
        run.log.close()
        for left in (run.sockets, run.temporary):
            shutil.rmtree(left, ignore_errors=True)
        (folder / "sockets").unlink(missing_ok=True)


def _forget_old(runs: Path) -> None:
    """Delete what killed runs have left behind, and all but the newest runs."""
    found = sorted(path for path in runs.glob("*") if path.is_dir())
    for path in found:
        shutil.rmtree(path / TEMPORARY, ignore_errors=True)
        with suppress(OSError):
            _forget_sockets(path / "sockets")
    for path in found[: -(KEPT_RUNS - 1)]:
        shutil.rmtree(path, ignore_errors=True)


def _forget_sockets(note: Path) -> None:
    folder = Path(note.read_text(encoding="utf-8"))
    if folder.name.startswith(kernel.SOCKETS_PREFIX):
        shutil.rmtree(folder, ignore_errors=True)
    note.unlink()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
