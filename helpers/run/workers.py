"""The worker processes of a run, each led by a thread of the runner."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from helpers.run import child, preparation
from helpers.run.arguments import checked_parameters
from helpers.run.chapters import Chapter
from helpers.run.context import Run
from helpers.store.open import Prepared

OnProgress = Callable[[str, int, int], None]
Answer = dict[str, Any] | str
TIME_IS_OVER = "the time of the run was over"


@dataclass(frozen=True)
class Task:
    """A chapter to execute, and the fingerprint that its execution will be kept under."""

    chapter: Chapter
    mark: str


def answers(
    run: Run, prepared: Prepared, tasks: list[Task], on_progress: OnProgress
) -> Iterator[tuple[Task, Answer]]:
    """Execute the tasks in as many worker processes as the run has jobs.

    Yields:
        Each task when it is done, with the worker's result, or with the reason why there is none.
    """
    waiting: queue.SimpleQueue[Task] = queue.SimpleQueue()
    for task in tasks:
        waiting.put(task)
    told: queue.SimpleQueue[_Message] = queue.SimpleQueue()
    leaders = [
        _Leader(run, prepared, waiting, told) for _ in range(min(run.options.jobs, len(tasks)))
    ]
    for leader in leaders:
        leader.start()
    left = len(tasks)
    while left:
        try:
            message = told.get(timeout=0.5)
        except queue.Empty:
            continue
        if isinstance(message, _Progress):
            on_progress(message.chapter, message.done, message.of)
        else:
            left -= 1
            yield message
    for leader in leaders:
        leader.join()


@dataclass(frozen=True)
class _Progress:
    chapter: str
    done: int
    of: int


_Message = _Progress | tuple[Task, Answer]


class _Leader(threading.Thread):
    """Gives tasks to one worker process, which is started anew when it has died and kept for the
    next batch.
    """

    def __init__(
        self,
        run: Run,
        prepared: Prepared,
        waiting: queue.SimpleQueue[Task],
        told: queue.SimpleQueue[_Message],
    ) -> None:
        super().__init__(daemon=True)
        self._run, self._prepared, self._waiting, self._told = run, prepared, waiting, told
        self._worker = run.idle.pop() if run.idle else None

    def run(self) -> None:
        """Work until no task waits."""
        while not self._run.stopping.is_set():
            try:
                task = self._waiting.get_nowait()
            except queue.Empty:
                break
            self._told.put((task, self._answer(task)))
        if self._worker:
            self._run.idle.append(self._worker)

    def _answer(self, task: Task) -> Answer:
        name = task.chapter.name
        if not self._run.seconds_left():
            return TIME_IS_OVER
        try:
            self._worker = self._worker or self._run.start("helpers.run.worker", f"worker-{name}")
            found: dict[str, Any] = self._worker.ask(
                _request(self._run, self._prepared, task.chapter),
                seconds=self._run.seconds_left(),
                on_event=lambda event: self._told.put(_Progress(name, event["done"], event["of"])),
            )
            return found
        except child.ChildFailed as error:
            self._run.log(f"{name}: {error.kind}: {error}")
            return _reason(error, self._run.limits.cell_seconds)
        except Exception as error:
            self._run.log(f"{name}: the worker process: {type(error).__name__}: {error}")
            if self._worker:
                self._worker.end()
                self._worker = None
            return "its process died" if self._run.seconds_left() else TIME_IS_OVER


def _request(run: Run, prepared: Prepared, chapter: Chapter) -> child.Event:
    return {
        "chapter": chapter.name,
        "source": str(chapter.notebook),
        "target": str(run.folder / f"{chapter.name}.ipynb"),
        "cell_seconds": run.limits.cell_seconds,
        "parameters": checked_parameters(
            {
                "data": str(run.folder / preparation.FILE),
                "store": prepared.name,
                "period": prepared.period.label,
                "run": str(run.folder),
                "languages": ",".join(run.options.languages),
            }
        ),
    }


def _reason(error: child.ChildFailed, cell_seconds: int) -> str:
    """Why a chapter failed, in words that show nothing of the data."""
    known = {
        "PapermillExecutionError": "a cell raised an error",
        "CellTimeoutError": f"a cell took longer than {cell_seconds} s",
        "DeadKernelError": "its kernel died",
        "NotExecuted": str(error),
    }
    return known.get(error.kind, f"it could not be executed ({error.kind})")
