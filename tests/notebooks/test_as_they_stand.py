"""Every notebook as an analyst opens it: run all cells, on the sample shop, without a run."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOKS = sorted((Path(__file__).resolve().parents[2] / "notebooks").glob("[0-9]*.ipynb"))

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def sample_shop_exists() -> None:
    """The sample shop, made once where it is absent."""
    from helpers.store.open import SAMPLE, resolve_data

    resolve_data(SAMPLE)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_from_top_to_bottom(path, sample_shop_exists):
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(notebook, timeout=300, resources={"metadata": {"path": path.parent}})
    client.execute()
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    shown = [output for cell in cells for output in cell.outputs if "data" in output]
    assert any("text/html" in output["data"] for output in shown)
    assert "application/vnd.store-report.record+json" in cells[-1].outputs[-1]["data"]
