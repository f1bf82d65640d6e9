"""Carry out the worked example of docs/extend.md in a copy of the project.

`python tools/worked_example.py ../try` copies the project without its data and reports to `../try`
and writes every block of the document to the file that the block names.
"""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
DOCUMENT = PROJECT / "docs" / "extend.md"
PARTS = (
    "helpers", "notebooks", "tests", "tools", "docs", "data/plan", "data/README.md", "run_all.py",
    "pyproject.toml", "requirements.lock", "README.md", "Makefile", ".ci", "environment.yml",
)  # fmt: skip
_FENCE = re.compile(r"^```(\w+) (\S+?)( \+)?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_CELL = re.compile(r"^# %% ?(.*)\n", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """A block of the document.

    Attributes:
        kind: Language of the fence; `diff` changes lines of a file that is there.
        file: The file's path in the project.
        appends: Whether it is added to the end of a file that is there.
        text: What it says.
    """

    kind: str
    file: str
    appends: bool
    text: str


def blocks(document: str) -> list[Block]:
    """The blocks that name a file, in their order."""
    found = _FENCE.findall(document)
    return [Block(kind, file, bool(plus), text) for kind, file, plus, text in found]


def write(block: Block, project: Path) -> None:
    """Write, append or change the file that a block names.

    Raises:
        ValueError: What a block changes does not stand once in its file.
    """
    path = project / block.file
    path.parent.mkdir(parents=True, exist_ok=True)
    before = path.read_text(encoding="utf-8") if block.appends or block.kind == "diff" else ""
    if block.kind == "diff":
        text = _changed(before, block)
    elif path.suffix == ".ipynb":
        text = notebook(block.text)
    else:
        text = before + block.text
    path.write_text(text, encoding="utf-8")


def _changed(before: str, block: Block) -> str:
    lines = block.text.splitlines(keepends=True)
    old = "".join(line[1:] for line in lines if line[0] in " -")
    new = "".join(line[1:] for line in lines if line[0] in " +")
    if before.count(old) != 1:
        raise ValueError(f"{block.file}: {old!r} must stand in it once")
    return before.replace(old, new)


def notebook(cells: str) -> str:
    """A notebook as JSON, without outputs.

    Args:
        cells: Each below `# %%` and what it is: nothing, `parameters`, or `text` and its language.
    """
    import nbformat
    from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

    made = []
    for number, (about, source) in enumerate(_cells(cells)):
        kind, _, language = about.partition(" ")
        cell = (new_markdown_cell if kind == "text" else new_code_cell)(source, id=str(number))
        if kind == "text":
            cell.metadata.language = language
        elif kind:
            cell.metadata.tags = [kind]
        made.append(cell)
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    whole = new_notebook(cells=made, metadata={"kernelspec": kernel})
    return nbformat.writes(whole) + "\n"


def _cells(text: str) -> Iterator[tuple[str, str]]:
    _, *parts = _CELL.split(text)
    for about, source in zip(parts[::2], parts[1::2], strict=True):
        yield about, source.strip("\n")


def copy(target: Path) -> None:
    """Copy the project without its data, reports and caches."""
    passed_over = shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints")
    for part in PARTS:
        source, goal = PROJECT / part, target / part
        if source.is_dir():
            shutil.copytree(source, goal, ignore=passed_over)
        elif source.exists():
            goal.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, goal)


def carry_out(target: Path) -> list[str]:
    """Copy the project and write the example's files into the copy; their paths."""
    copy(target)
    found = blocks(DOCUMENT.read_text(encoding="utf-8"))
    for block in found:
        write(block, target)
    return sorted({block.file for block in found})


if __name__ == "__main__":
    if len(sys.argv) != 2 or Path(sys.argv[1]).exists():
        sys.exit("usage: python tools/worked_example.py FOLDER, where FOLDER is not there yet")
    print("\n".join(carry_out(Path(sys.argv[1]))))
