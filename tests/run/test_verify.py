"""Rule 1: a chapter counts as executed only if all of it is there."""

import copy

import pytest

from helpers.run import verify

RECORD = {"schema": 1, "chapter": "10_traffic", "facts": []}


def cell(count, *outputs, status="completed", exception=False, source="x"):
    return {
        "cell_type": "code",
        "source": source,
        "execution_count": count,
        "outputs": list(outputs),
        "metadata": {"papermill": {"status": status, "exception": exception}},
    }


def output(record=RECORD, kind="display_data"):
    return {"output_type": kind, "data": {verify.RECORD: record, "text/plain": "r"}}


def executed():
    stream = {"output_type": "stream", "name": "stderr", "text": "a warning"}
    title = {"cell_type": "markdown", "source": "# T", "metadata": {}}
    blank = cell(None, status="completed", source="\n")
    return {"cells": [title, cell(1), blank, cell(2, stream), cell(3, output())]}


def test_the_record_of_a_whole_chapter_is_taken():
    assert verify.record_of(executed(), "10_traffic") == RECORD


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda cells: cells[3].update(execution_count=None), "did not run"),
        (lambda cells: cells[3].update(execution_count=7), "did not run"),
        (lambda cells: cells[1].update(execution_count=2), "did not run"),
        (lambda cells: cells[3]["outputs"].append({"output_type": "error"}), "raised"),
        (lambda cells: cells[3]["metadata"]["papermill"].update(status="running"), "complete"),
        (lambda cells: cells[3]["metadata"]["papermill"].update(exception=True), "complete"),
        (lambda cells: cells[3]["metadata"].clear(), "complete"),
        (lambda cells: cells[4]["outputs"].clear(), "no record"),
        (lambda cells: cells[4]["outputs"].append(output()), "no record"),
        (lambda cells: cells.pop(), "no record"),
        (lambda cells: cells.append(cell(4)), "no record"),
        (lambda cells: cells.clear(), "no code cell"),
        (lambda cells: cells[4].update(outputs=[output("text")]), "no record"),
        (lambda cells: cells[4].update(outputs=[output({"chapter": "20_x"})]), "'20_x'"),
        (
            lambda cells: cells[4].update(outputs=[output({**RECORD, "facts": [float("nan")]})]),
            "not finite",
        ),
    ],
)
def test_a_chapter_with_a_fault_does_not_count(change, said):
    notebook = copy.deepcopy(executed())
    change(notebook["cells"])
    with pytest.raises(verify.NotExecuted, match=said):
        verify.record_of(notebook, "10_traffic")


def test_names_of_the_parameters_cell_are_those_it_assigns():
    tagged = {
        "cell_type": "code",
        "metadata": {"tags": ["parameters"]},
        "source": ["data = 'sample'\n", "period = ''\n", "# store = ''\n"],
    }
    other = {"cell_type": "code", "metadata": {}, "source": "store = ''"}
    assert verify.parameters_declared({"cells": [other, tagged]}) == {"data", "period"}
    assert verify.parameters_declared({"cells": [other]}) == set()
