"""Whether an executed notebook counts as executed: the notebook's own word is not enough."""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping
from typing import Any

RECORD = "application/vnd.store-report.record+json"

Notebook = Mapping[str, Any]


class NotExecuted(Exception):
    """A chapter that did not run to its end."""


def record_of(notebook: Notebook, chapter: str) -> dict[str, Any]:
    """The record of a chapter that ran to its end.

    A killed kernel leaves cells that say `completed`, and `sys.exit` a run that says it succeeded:
    so the cells are counted, and the last one's record must be there.

    Raises:
        NotExecuted: A cell failed, did not run or ran out of order, or the record is absent.
    """
    cells = [cell for cell in notebook["cells"] if _is_code(cell)]
    if not cells:
        raise NotExecuted("it has no code cell")
    for number, cell in enumerate(cells, start=1):
        if cell.get("execution_count") != number:
            raise NotExecuted(f"code cell {number} of {len(cells)} did not run in its turn")
        if any(output["output_type"] == "error" for output in cell["outputs"]):
            raise NotExecuted(f"code cell {number} raised")
        run = cell["metadata"].get("papermill", {})
        if run.get("status") != "completed" or run.get("exception"):
            raise NotExecuted(f"code cell {number} did not complete")
    return _record(cells[-1], chapter)


def _is_code(cell: Mapping[str, Any]) -> bool:
    """Whether a kernel is sent the cell: blank ones never are."""
    return cell["cell_type"] == "code" and bool("".join(cell["source"]).strip())


def _record(cell: Mapping[str, Any], chapter: str) -> dict[str, Any]:
    found = [
        output["data"][RECORD] for output in cell["outputs"] if RECORD in output.get("data", {})
    ]
    if len(found) != 1 or not isinstance(found[0], dict):
        raise NotExecuted("its last cell left no record; it must end with `report.record()`")
    if found[0].get("chapter") != chapter:
        raise NotExecuted(f"its record is of chapter {found[0].get('chapter')!r}")
    try:
        json.dumps(found[0], allow_nan=False)
    except ValueError as error:
        raise NotExecuted("its record holds a number that is not finite") from error
    return found[0]


def parameters_declared(notebook: Notebook) -> set[str]:
    """Names that the cell tagged `parameters` assigns; empty where there is no such cell."""
    for cell in notebook["cells"]:
        if "parameters" in cell["metadata"].get("tags", ()):
            tree = ast.parse("".join(cell["source"]))
            assigned = [node.targets for node in ast.walk(tree) if isinstance(node, ast.Assign)]
            return {name.id for names in assigned for name in names if isinstance(name, ast.Name)}
    return set()
