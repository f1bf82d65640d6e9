"""What a person at the terminal sees while a run works."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID


class Lines:
    """One line a finished step, for logs and pipes."""

    def __call__(self, name: str, done: int, of: int) -> None:
        """Tell that `done` of the parts of a step are done."""
        if done == of:
            self.say(f"{name}: done")

    def say(self, text: str) -> None:
        """Write a line."""
        print(text, file=sys.stderr, flush=True)


class Bars(Lines):
    """One bar a step."""

    def __init__(self, progress: Progress) -> None:
        """Take rich's progress display."""
        self._progress = progress
        self._bars: dict[str, TaskID] = {}

    def __call__(self, name: str, done: int, of: int) -> None:
        """Move the step's bar."""
        if name not in self._bars:
            self._bars[name] = self._progress.add_task(name, total=of)
        self._progress.update(self._bars[name], completed=done, total=of)

    def say(self, text: str) -> None:
        """Write a line above the bars."""
        self._progress.console.print(text, highlight=False, markup=False)


@contextmanager
def shown() -> Iterator[Lines]:
    """Bars where a person looks, lines elsewhere; both on standard error."""
    if not sys.stderr.isatty():
        yield Lines()
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description:<18}"), BarColumn(), MofNCompleteColumn(),
               TimeElapsedColumn())  # fmt: skip
    with Progress(*columns, console=Console(stderr=True)) as progress:
        yield Bars(progress)
