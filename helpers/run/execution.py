"""Executing the chapters that have changed, in worker processes; the others are taken as kept."""

from __future__ import annotations

import platform
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime

from helpers.run import chapters, files, workers
from helpers.run.chapters import Chapter, Execution, Kept
from helpers.run.context import Run
from helpers.run.workers import Answer, OnProgress, Task
from helpers.store import fingerprints
from helpers.store.open import Prepared

EXECUTED, UNCHANGED, CARRIED = "executed", "unchanged", "carried"
STALE, FAILED, LEFT_OUT = "stale", "failed", "left_out"


@dataclass(frozen=True)
class Outcome:
    """What became of a chapter.

    Attributes:
        chapter: Name of the chapter.
        status: `executed`, `unchanged` (taken as kept), `carried` (not asked for, taken as kept),
            `stale` (failed; the last good one is shown), `failed` (nothing to show) or `left_out`
            (not asked for, and nothing kept that fits).
        execution: The good execution whose page is shown.
        reason: Why it failed, in words that may be published.
    """

    chapter: str
    status: str
    execution: Execution | None = None
    reason: str = ""

    @property
    def is_good(self) -> bool:
        """Whether its findings are this run's."""
        return self.status in (EXECUTED, UNCHANGED, CARRIED)

    @property
    def has_failed(self) -> bool:
        """Whether it was to be executed and is not good."""
        return self.status in (STALE, FAILED)


def execute(
    run: Run,
    prepared: Prepared,
    every: list[Chapter],
    chosen: list[Chapter],
    on_progress: OnProgress,
) -> list[Outcome]:
    """Execute what has changed; chapters that read the others' records come last, one by one.

    Args:
        run: The run; its folder receives executed notebooks and records.
        prepared: The store.
        every: All chapters.
        chosen: The chapters asked for.
        on_progress: Told a chapter's name, its finished cells and all its cells.

    Returns:
        One outcome a chapter, in the chapters' order.
    """
    kept = Kept(run.places.chapters, prepared.name, prepared.period.label)
    base = _base(run, prepared)
    outcomes: dict[str, Outcome] = {}
    first = [chapter for chapter in every if not chapter.reads_others]
    for batch in [first, *([each] for each in every if each.reads_others)]:
        good = [o.execution for o in outcomes.values() if o.is_good and o.execution]
        records = {execution.chapter: execution.record for execution in good}
        tasks = []
        for chapter in batch:
            task = Task(chapter, chapters.fingerprint(chapter, base, records))
            if outcome := _without_executing(run, task, chapter in chosen, kept):
                outcomes[chapter.name] = outcome
            else:
                tasks.append(task)
        for task, answer in workers.answers(run, prepared, tasks, on_progress):
            outcomes[task.chapter.name] = _outcome(run, task, answer, kept)
    return [outcomes[chapter.name] for chapter in every]


def _without_executing(run: Run, task: Task, is_wanted: bool, kept: Kept) -> Outcome | None:
    """What becomes of a chapter that has not changed or was not asked for."""
    name = task.chapter.name
    match = None if is_wanted and run.options.force else kept.matching(name, task.mark)
    if match:
        shutil.copy(match.notebook, run.folder / f"{name}.ipynb")
        files.write_json(run.folder / f"{name}.json", match.record, private=True)
        return Outcome(name, UNCHANGED if is_wanted else CARRIED, match)
    return None if is_wanted else Outcome(name, LEFT_OUT)


def _base(run: Run, prepared: Prepared) -> str:
    """What all chapters depend on: data, period, code, plan, packages."""
    places = run.places
    return fingerprints.of(
        prepared.fingerprint,
        prepared.name,
        prepared.period.label,
        run.options.languages,
        fingerprints.of_code(*places.code, *(p for p in (places.plan, places.lock) if p.exists())),
        platform.python_version(),
    )


def _outcome(run: Run, task: Task, answer: Answer, kept: Kept) -> Outcome:
    name = task.chapter.name
    if isinstance(answer, str):
        run.log(f"{name}: failed: {answer}")
        (run.folder / f"{name}.json").unlink(missing_ok=True)
        latest = kept.latest(name)
        return Outcome(name, STALE if latest else FAILED, latest, answer)
    execution = Execution(
        chapter=name,
        notebook=run.folder / f"{name}.ipynb",
        run=run.id,
        executed_at=datetime.now(UTC).isoformat(timespec="seconds"),
        **answer,
    )
    files.write_json(run.folder / f"{name}.json", execution.record, private=True)
    return Outcome(name, EXECUTED, kept.keep(execution, task.mark))
