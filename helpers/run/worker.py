"""A child that executes chapters, one after the other, each in a fresh kernel."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from helpers.run import child, kernel, processes, verify
from helpers.run.arguments import checked_parameters
from helpers.run.files import write_text
from helpers.run.redaction import Redactor

Count = Callable[[int, int], None]


def execute(request: child.Event, emit: child.Emit) -> dict[str, Any]:
    """Execute one chapter.

    Args:
        request: `chapter`, `source` (its notebook), `target` (where the executed one goes),
            `parameters` and `cell_seconds`.
        emit: Takes `{"done": cells, "of": cells}`.

    Returns:
        `record`, `seconds` and `peak_memory_mb` of the kernel; the executed notebook stands at
        `target`, without secrets, also where the chapter fails.

    Raises:
        NotExecuted: The chapter did not run to its end.
    """
    start = time.monotonic()
    source, target = Path(request["source"]), Path(request["target"])
    parameters = checked_parameters(request["parameters"])
    declared = verify.parameters_declared(json.loads(source.read_text(encoding="utf-8")))
    if missing := sorted(set(parameters) - declared):
        raise verify.NotExecuted(
            f"its cell tagged `parameters` does not assign {', '.join(missing)}"
        )
    peaks: list[float | None] = [None]

    def count(done: int, cells: int) -> None:
        peaks.append(kernel.peak_memory_mb())
        emit({"done": done, "of": cells})

    try:
        notebook = _run(source, parameters, request["cell_seconds"], count, target)
    finally:
        end_kernels()
    return {
        "record": verify.record_of(notebook, request["chapter"]),
        "seconds": child.seconds_since(start),
        "peak_memory_mb": max((peak for peak in peaks if peak is not None), default=None),
    }


def _run(
    source: Path, parameters: dict[str, object], cell_seconds: int, count: Count, target: Path
) -> dict[str, Any]:
    """Execute with papermill and write the redacted outcome, whatever it is."""
    import papermill

    kept: dict[str, Any] = {}
    try:
        papermill.execute_notebook(
            str(source).replace("{", "{{").replace("}", "}}"),
            None,
            parameters=parameters,
            engine_name=_register_engine(kept, count),
            kernel_name="python3",
            language="python",
            cwd=str(source.parent),
            progress_bar=False,
            start_timeout=kernel.START_SECONDS,
            execution_timeout=cell_seconds,
            kernel_manager_class=kernel.manager_class(),
            shutdown_kernel="immediate",
        )
    finally:
        outcome: dict[str, Any] = Redactor.of(os.environ).everywhere(kept.get("notebook", {}))
        if outcome:
            write_text(target, json.dumps(outcome, ensure_ascii=False, indent=1), private=True)
    return outcome


def _register_engine(kept: dict[str, Any], count: Count) -> str:
    """Name of an engine that keeps hold of the notebook and counts its cells: papermill itself
    gives a failed notebook to nobody, or writes it with its secrets.
    """
    from papermill.engines import NBClientEngine, papermill_engines

    class KeepingEngine(NBClientEngine):
        """papermill's own engine, watched."""

        @classmethod
        def execute_managed_notebook(cls, nb_man: Any, kernel_name: str, **arguments: Any) -> Any:
            kept["notebook"] = nb_man.nb
            cells = len(nb_man.nb.cells)
            count(0, cells)
            arguments["on_cell_executed"] = lambda cell_index, **_: count(cell_index + 1, cells)
            return super().execute_managed_notebook(nb_man, kernel_name, **arguments)

    papermill_engines.register("keeping", KeepingEngine)
    return "keeping"


def main() -> None:
    """Serve the runner; when it goes, so does every process that a chapter has started."""
    child.serve(execute, at_end=end_kernels)


def end_kernels() -> None:
    """End the kernel and whatever a chapter has started and left."""
    kernel.end_latest()
    processes.end_marked(os.environ[processes.MARK])


if __name__ == "__main__":
    main()
