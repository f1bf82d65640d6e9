"""Work in a process of its own, so that its memory is given back and its end harms nobody.

One line of JSON is a request; the answer is lines of JSON: events, then `{"result": ...}`.
What a child writes to its standard error goes to the run's log.
"""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from helpers.run import processes
from helpers.store.fingerprints import PROJECT

Event = dict[str, Any]
Emit = Callable[[Event], None]
GRACE_SECONDS = 2


class ChildDied(Exception):
    """A child ended before it had answered."""


class ChildFailed(Exception):
    """A child raised; the log holds the traceback.

    Attributes:
        kind: Name of the exception.
    """

    def __init__(self, kind: str, message: str) -> None:
        self.kind = kind
        super().__init__(message)


class Child:
    """A running child, seen from the runner."""

    def __init__(self, module: str, *, environment: dict[str, str], log: Callable[[str], None]):
        """Start `python -m module`."""
        path = os.pathsep.join(filter(None, [str(PROJECT), environment.get("PYTHONPATH", "")]))
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**environment, "PYTHONPATH": path, "PYTHONIOENCODING": "utf-8"},
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
        )
        self._log = log
        self._errors = threading.Thread(target=self._copy_errors, daemon=True)
        self._errors.start()

    def ask(self, request: Event, *, seconds: float, on_event: Emit = lambda event: None) -> Any:
        """Send a request and wait for its result.

        Raises:
            ChildDied: It ended, or took longer than `seconds` and was ended.
            ChildFailed: It raised.
        """
        timer = threading.Timer(max(seconds, 0.001), self.end)
        timer.daemon = True
        timer.start()
        try:
            return self._answer(request, on_event)
        finally:
            timer.cancel()

    def _answer(self, request: Event, on_event: Emit) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
            for line in self._process.stdout:
                event = json.loads(line)
                if "result" in event:
                    return event["result"]
                if "failed" in event:
                    raise ChildFailed(event["failed"], event["message"])
                on_event(event)
        except OSError as error:
            raise ChildDied(f"{error}") from error
        raise ChildDied(f"ended with {self._process.wait()}")

    def end(self) -> None:
        """End the child; one that has work to clean up is given a moment."""
        assert self._process.stdin is not None
        with suppress(OSError):
            self._process.stdin.close()
        try:
            self._process.wait(GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            processes.end_family(self._process)
            self._process.wait()
        self._errors.join(GRACE_SECONDS)

    def _copy_errors(self) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            self._log(line.rstrip("\n"))


def serve(work: Callable[[Event, Emit], Any], *, at_end: Callable[[], None] = lambda: None) -> None:
    """Answer requests until the runner closes the line or is gone; then end at once.

    Args:
        work: Takes a request and a function that sends events; its result must be JSON-able.
        at_end: Called before the process ends while it works.
    """
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    requests: queue.Queue[str] = queue.Queue()
    threading.Thread(target=_listen, args=(requests, at_end), daemon=True).start()

    def emit(event: Event) -> None:
        answers.write(json.dumps(event, default=str) + "\n")
        answers.flush()

    while True:
        request = json.loads(requests.get())
        try:
            emit({"result": work(request, emit)})
        except Exception as error:
            traceback.print_exc()
            emit({"failed": type(error).__name__, "message": str(error)})


def _listen(requests: queue.Queue[str], at_end: Callable[[], None]) -> None:
    for line in sys.stdin:
        requests.put(line)
    at_end()
    sys.stderr.flush()
    os._exit(0)


def seconds_since(start: float) -> float:
    """Seconds since a `time.monotonic()`, to the hundredth."""
    return round(time.monotonic() - start, 2)
