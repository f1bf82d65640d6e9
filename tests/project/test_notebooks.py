"""The form of notebooks/: thin, parametrised, bilingual, without outputs."""

import ast
import re
from pathlib import Path

import nbformat
import pytest

FOLDER = Path(__file__).resolve().parents[2] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
LONGEST_CELL_LINES = 12
SQL = re.compile(r"\bselect\b.+\bfrom\b|\.(?:raw_)?sql\(", re.IGNORECASE | re.DOTALL)
EXITS = {"exit", "quit", "sys.exit", "os._exit", "os.abort"}

each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def cells(path: Path, kind: str) -> list[nbformat.NotebookNode]:
    notebook = nbformat.read(path, as_version=nbformat.NO_CONVERT)
    return [cell for cell in notebook.cells if cell.cell_type == kind]


def tags(cell: nbformat.NotebookNode) -> list[str]:
    return cell.metadata.get("tags", [])


def chinese_share(text: str) -> float:
    letters = [character for character in text if character.isalpha()]
    return sum("\u3400" <= character <= "\u9fff" for character in letters) / max(len(letters), 1)


def faults_of_code(source: str) -> list[str]:
    """What a code cell may not hold, in words."""
    if re.search(r"^\s*[!%?]|=\s*[!%]\w", source, re.MULTILINE):
        return ["a magic or a shell command"]
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.append(f"defines {node.name}")
        elif isinstance(node, ast.Lambda):
            found.append("defines a function without a name")
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in EXITS:
            found.append(f"calls {ast.unparse(node.func)}")
        elif isinstance(node, ast.ImportFrom) and node.names[0].name == "*":
            found.append("imports *")
    if SQL.search(source):
        found.append("holds SQL")
    if len(source.splitlines()) > LONGEST_CELL_LINES:
        found.append(f"has more than {LONGEST_CELL_LINES} lines")
    return found


@pytest.mark.parametrize(
    ("source", "fault"),
    [
        ("!ls", "a magic or a shell command"),
        ("files = !ls", "a magic or a shell command"),
        ("%%bash\nls", "a magic or a shell command"),
        ("if done:\n    sys.exit(0)", "calls sys.exit"),
        ("def rate(): ...", "defines rate"),
        ("rate = lambda row: row", "defines a function without a name"),
        ("from helpers.report import *", "imports *"),
        ("store.sql('SELECT 1 FROM orders')", "holds SQL"),
        ("a = 1\n" * 13, "has more than 12 lines"),
    ],
)
def test_the_faults_of_a_cell_are_seen(source: str, fault: str) -> None:
    assert faults_of_code(source) == [fault]


def test_there_are_notebooks_and_their_names_give_their_order() -> None:
    assert NOTEBOOKS, f"{FOLDER.name}/ holds no notebook"
    assert [path.name for path in NOTEBOOKS if not re.fullmatch(r"\d\d_[a-z_]+", path.stem)] == []


@each_notebook
def test_a_notebook_is_valid_and_runs_on_the_environments_own_kernel(path: Path) -> None:
    notebook = nbformat.read(path, as_version=nbformat.NO_CONVERT)
    nbformat.validate(notebook)
    assert (notebook.nbformat, notebook.nbformat_minor) >= (4, 5)
    assert len({cell.id for cell in notebook.cells}) == len(notebook.cells)
    assert notebook.metadata.kernelspec.name == "python3"


@each_notebook
def test_a_notebook_carries_no_trace_of_an_execution(path: Path) -> None:
    executed = [
        cell.source.splitlines()[:1]
        for cell in cells(path, "code")
        if cell.outputs or cell.execution_count is not None or "execution" in cell.metadata
    ]
    assert executed == [], "run `make hooks`, then add the notebook again"
    assert "papermill" not in nbformat.read(path, as_version=nbformat.NO_CONVERT).metadata


@each_notebook
def test_code_cells_are_short_and_define_nothing(path: Path) -> None:
    faults = {cell.source: faults_of_code(cell.source) for cell in cells(path, "code")}
    assert {source: fault for source, fault in faults.items() if fault} == {}


@each_notebook
def test_the_first_code_cell_alone_is_tagged_parameters_and_only_assigns(path: Path) -> None:
    tagged = [index for index, cell in enumerate(cells(path, "code")) if "parameters" in tags(cell)]
    assert tagged == [0]
    statements = ast.parse(cells(path, "code")[0].source).body
    assert statements
    assert all(isinstance(statement, ast.Assign | ast.AnnAssign) for statement in statements)


@each_notebook
def test_text_stands_in_english_and_chinese_side_by_side(path: Path) -> None:
    notebook = nbformat.read(path, as_version=nbformat.NO_CONVERT)
    assert notebook.cells[0].cell_type == "markdown"
    runs: list[list[nbformat.NotebookNode]] = [[]]
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            runs[-1].append(cell)
        else:
            runs.append([])
    for run in filter(None, runs):
        found: dict[str, list[list[str]]] = {"en": [], "zh": []}
        for cell in run:
            headings = re.findall(r"^#+(?= )", cell.source, re.MULTILINE)
            found.setdefault(cell.metadata.get("language"), []).append(headings)
        assert all(headings == found["en"] for headings in found.values()), run[0].source


@each_notebook
def test_the_language_of_a_text_is_the_one_that_its_cell_names(path: Path) -> None:
    wrong = [
        cell.source
        for cell in cells(path, "markdown")
        if (chinese_share(cell.source) > 0.2) != (cell.metadata.get("language") == "zh")
    ]
    assert wrong == []
