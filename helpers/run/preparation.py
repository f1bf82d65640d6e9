"""Preparing the data: the only step that may see a database's address, in a child of its own."""

from __future__ import annotations

import time
from datetime import date
from pathlib import Path
from typing import Any

from helpers.run import child, files, processes
from helpers.run.context import Run
from helpers.store.errors import BadInput
from helpers.store.open import Prepared, prepare

FILE = "prepared.json"


class NotPrepared(Exception):
    """The data could not be prepared, and not for a fault that was recognised in them."""


def prepared(run: Run) -> tuple[Prepared, dict[str, Any]]:
    """Bring tables and marts up to date in a child, so that its memory is free for the kernels.

    Returns:
        The prepared store, which stands in the run's folder too, and what the step cost
        (`seconds`, `peak_memory_mb`).

    Raises:
        BadInput: The data can't be used.
        NotPrepared: The step failed otherwise, or the run's time was over.
    """
    request = {
        "data": run.options.data,
        "name": run.options.store or None,
        "period": run.options.period,
        "cache": str(run.places.cache),
        "target": str(run.folder / FILE),
        "today": date.today().isoformat(),
    }
    worker = run.start("helpers.run.preparation", "prepare", with_address=True)
    try:
        answer = worker.ask(request, seconds=run.seconds_left())
    except (child.ChildDied, child.ChildFailed) as error:
        run.log(f"prepare: {type(error).__name__}: {error}")
        raise NotPrepared(f"the data could not be prepared; {run.log.path} says why") from error
    finally:
        worker.end()
    if "bad_input" in answer:
        run.log(f"prepare: {answer['bad_input']}")
        raise BadInput(answer["bad_input"])
    return Prepared.read(run.folder / FILE), answer


def work(request: child.Event, emit: child.Emit) -> dict[str, Any]:
    """Prepare, in the child; a fault in the data is an answer."""
    start = time.monotonic()
    try:
        found = prepare(
            request["data"],
            name=request["name"],
            period=request["period"],
            cache=Path(request["cache"]),
            today=date.fromisoformat(request["today"]),
        )
    except BadInput as error:
        return {"bad_input": str(error)}
    found.write(Path(request["target"]))
    return {"seconds": child.seconds_since(start), "peak_memory_mb": processes.peak_memory_mb()}


def quality(found: Prepared) -> Any:
    """What the ingest says about the data: verdicts, rows, money, the bridge."""
    return files.read_json(found.tables / "quality.json") or {}


if __name__ == "__main__":
    child.serve(work)
