"""Where a run reads and writes, and how long it may take."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from helpers.store.errors import BadInput
from helpers.store.fingerprints import HELPERS, PROJECT, cache_folder

CELL_SECONDS = 1_800
RUN_SECONDS = 4 * 3_600
PAGES_SECONDS = 1_800


@dataclass(frozen=True)
class Places:
    """Folders of a run.

    Attributes:
        output: What is published.
        cache: Tables, marts, executed notebooks and logs.
        notebooks: The chapters.
        plan: What the plan says, for people to edit.
        lock: The locked list of packages.
    """

    output: Path
    cache: Path
    notebooks: Path
    plan: Path = PROJECT / "data" / "plan"
    lock: Path = PROJECT / "requirements.lock"

    @classmethod
    def of(cls, output: Path) -> Places:
        """The project's folders; STORE_REPORT_CACHE and STORE_REPORT_NOTEBOOKS move theirs."""
        notebooks = Path(os.environ.get("STORE_REPORT_NOTEBOOKS", PROJECT / "notebooks"))
        return cls(output, cache_folder().absolute(), notebooks.absolute())

    @property
    def runs(self) -> Path:
        """One folder a run: executed notebooks, records, log."""
        return self.cache / "runs"

    @property
    def chapters(self) -> Path:
        """The last good executions of each chapter, by store and period."""
        return self.cache / "chapters"

    @property
    def releases(self) -> Path:
        """What the published links point to."""
        return self.output / ".releases"

    @property
    def code(self) -> tuple[Path, ...]:
        """The code that a chapter's numbers and figures can depend on."""
        return tuple(HELPERS / name for name in ("measures", "models", "plan", "report", "store"))


@dataclass(frozen=True)
class Limits:
    """Longest times in seconds: one cell, all until the last chapter is executed, the pages."""

    cell_seconds: int = CELL_SECONDS
    run_seconds: int = RUN_SECONDS
    pages_seconds: int = PAGES_SECONDS

    @classmethod
    def of_environment(cls) -> Limits:
        """STORE_REPORT_CELL_SECONDS and STORE_REPORT_RUN_SECONDS, where they are set.

        Raises:
            BadInput: One of them is no whole number from 1.
        """
        return cls(
            _seconds("STORE_REPORT_CELL_SECONDS", CELL_SECONDS),
            _seconds("STORE_REPORT_RUN_SECONDS", RUN_SECONDS),
        )


def _seconds(variable: str, default: int) -> int:
    text = os.environ.get(variable, str(default))
    if not text.isdecimal() or int(text) < 1:
        raise BadInput(f"{variable} is {text!r}; it must be a whole number of seconds from 1")
    return int(text)
