"""The chapters: which there are, what decides whether one is executed again, their good executions.

A good execution is kept under `<cache>/chapters/<store>/<period>/<chapter>/<fingerprint>/`: the
executed notebook, its record, and when and at what cost it came about.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from helpers.run import files
from helpers.store import fingerprints
from helpers.store.errors import BadInput

READS_OTHERS_FROM = 90
KEPT_EXECUTIONS = 3
_NAME = re.compile(r"(\d\d)_([a-z0-9_]+)")


@dataclass(frozen=True, order=True)
class Chapter:
    """One notebook."""

    name: str
    notebook: Path

    @property
    def reads_others(self) -> bool:
        """Whether it works on the others' records, and so comes after them."""
        return int(self.name[:2]) >= READS_OTHERS_FROM


@dataclass(frozen=True)
class Execution:
    """A chapter that ran to its end, or the good one that stands for it.

    Attributes:
        chapter: Name of the chapter.
        notebook: The executed notebook.
        record: What it found.
        run: Id of the run that executed it.
        executed_at: When, in ISO 8601 (UTC).
        seconds: How long it took.
        peak_memory_mb: Largest memory of its kernel; None where it could not be known.
    """

    chapter: str
    notebook: Path
    record: dict[str, Any]
    run: str
    executed_at: str
    seconds: float
    peak_memory_mb: float | None


def find(folder: Path) -> list[Chapter]:
    """All chapters, in the order of their file names.

    Raises:
        BadInput: There is none.
    """
    paths = [path for path in sorted(folder.glob("*.ipynb")) if _NAME.fullmatch(path.stem)]
    if not paths:
        raise BadInput(f"{folder} holds no chapter; a chapter is named like 10_traffic.ipynb")
    return [Chapter(path.stem, path) for path in paths]


def choose(chapters: list[Chapter], names: Iterable[str]) -> list[Chapter]:
    """The chapters with these names, the number may be left out; all where there are no names.

    Raises:
        BadInput: A name is no chapter's.
    """
    names = list(names)
    known = {chapter.name: chapter for chapter in chapters}
    known |= {chapter.name[3:]: chapter for chapter in chapters}
    if unknown := [name for name in names if name not in known]:
        raise BadInput(
            f"--chapters: {unknown[0]!r} is no chapter; chapters are "
            f"{', '.join(chapter.name for chapter in chapters)}"
        )
    return sorted({known[name] for name in names}) if names else chapters


def fingerprint(
    chapter: Chapter,
    base: str,
    records: Mapping[str, Mapping[str, Any]],
) -> str:
    """What decides whether a chapter is executed again.

    Args:
        chapter: The chapter.
        base: Fingerprint of data, code, plan and parameters.
        records: Records of the other chapters; they count where the chapter reads them.
    """
    others = dict(records) if chapter.reads_others else {}
    return fingerprints.of(base, chapter.name, files.sha256(chapter.notebook), others)


class Kept:
    """The good executions of one store's period."""

    def __init__(self, folder: Path, store: str, period: str) -> None:
        """Take the chapters' folder of the cache."""
        self._folder = folder / store / period

    def matching(self, chapter: str, mark: str) -> Execution | None:
        """The execution under this fingerprint, if there is one."""
        return _read(self._folder / chapter / mark)

    def latest(self, chapter: str) -> Execution | None:
        """The last good execution under any fingerprint."""
        found = [_read(path) for path in self._folders(chapter)]
        return max(filter(None, found), key=lambda each: each.executed_at, default=None)

    def keep(self, execution: Execution, mark: str) -> Execution:
        """Keep an execution, in one step, and forget the oldest."""
        folder = self._folder / execution.chapter / mark
        waiting = folder.with_name(f".{mark}")
        shutil.rmtree(waiting, ignore_errors=True)
        waiting.mkdir(parents=True)
        shutil.copy(execution.notebook, waiting / "notebook.ipynb")
        facts = {name: value for name, value in vars(execution).items() if name != "notebook"}
        files.write_json(waiting / "execution.json", facts, private=True)
        files.bring_to_disk(waiting)
        shutil.rmtree(folder, ignore_errors=True)
        waiting.rename(folder)
        self._forget(execution.chapter)
        kept = _read(folder)
        assert kept is not None
        return kept

    def _folders(self, chapter: str) -> list[Path]:
        folder = self._folder / chapter
        return [path for path in folder.glob("*") if not path.name.startswith(".")]

    def _forget(self, chapter: str) -> None:
        found = sorted(self._folders(chapter), key=lambda path: path.stat().st_mtime_ns)
        for path in found[:-KEPT_EXECUTIONS]:
            shutil.rmtree(path, ignore_errors=True)


def _read(folder: Path) -> Execution | None:
    facts = files.read_json(folder / "execution.json")
    notebook = folder / "notebook.ipynb"
    return Execution(notebook=notebook, **facts) if facts and notebook.exists() else None
