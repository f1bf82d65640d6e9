"""Setting up: the choice of Python, conda users' commands, and the hook for notebooks."""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

needs_make = pytest.mark.skipif(
    shutil.which("make") is None or shutil.which("git") is None,
    reason="set-up by make: make and git are not both installed",
)
KERNEL_SCRIPT = """
import nbformat, nbclient
source = '''import helpers, json, os, sys
print(json.dumps([helpers.__file__, os.getcwd(), sys.prefix]))'''
notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)])
nbclient.NotebookClient(notebook, kernel_name="python3").execute(cwd="notebooks")
print(notebook.cells[0].outputs[0].text)
"""


def output_of(command: list[str | Path], folder: Path, **variables: str) -> str:
    """What a command prints; it has to succeed."""
    hidden = {"PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "MAKEFLAGS", "MAKELEVEL"}
    environment = {key: value for key, value in os.environ.items() if key not in hidden}
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment | variables,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
    return done.stdout


def fake_python(
    folder: Path, name: str, version: tuple[int, int], *, has_venv: bool = True
) -> None:
    """A program that answers as a Python of that version would."""
    script = folder / name
    script.write_text(
        "#!/bin/sh\ncase $2 in\n"
        f"*platform*) echo {version[0]}.{version[1]}.0 ;;\n"
        f"*version_info*) exit {int(version < (3, 11))} ;;\n"
        f"*venv*) exit {int(not has_venv)} ;;\nesac\n"
    )
    script.chmod(0o755)


def chosen_python(root: Path, folder: Path, *names: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["/bin/sh", root / "tools" / "find_python.sh", *names],
        env={"PATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_newest_supported_python_that_can_make_environments_is_chosen(
    project_root: Path, tmp_path: Path
) -> None:
    fake_python(tmp_path, "python3", (3, 11))
    fake_python(tmp_path, "python3.12", (3, 12))
    fake_python(tmp_path, "python3.13", (3, 13), has_venv=False)
    assert chosen_python(project_root, tmp_path).stdout == "python3.12\n"


def test_a_named_python_is_taken_and_no_other(project_root: Path, tmp_path: Path) -> None:
    fake_python(tmp_path, "python3.12", (3, 12))
    fake_python(tmp_path, "mine", (3, 14))
    assert chosen_python(project_root, tmp_path, "mine").stdout == "mine\n"
    assert chosen_python(project_root, tmp_path, "absent").returncode == 1


def test_where_no_python_will_do_the_error_names_each_that_was_found(
    project_root: Path, tmp_path: Path
) -> None:
    fake_python(tmp_path, "python3", (3, 10))
    fake_python(tmp_path, "python3.11", (3, 11), has_venv=False)
    refused = chosen_python(project_root, tmp_path)
    assert refused.returncode == 1
    assert refused.stdout == ""
    assert "python3.13: not found" in refused.stderr
    assert "python3.11: 3.11.0, without venv" in refused.stderr
    assert "python3: 3.10.0, too old" in refused.stderr
    assert "make PYTHON=" in refused.stderr


@pytest.fixture(scope="module")
def clone_with_hook(project_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty repository with our attributes, set up by `make hooks`."""
    clone = tmp_path_factory.mktemp("clone")
    output_of(["git", "init", "--quiet"], clone)
    shutil.copy(project_root / ".gitattributes", clone)
    ready = Path(sys.prefix) / ".installed"
    output_of(
        ["make", "hooks", f"VENV={sys.prefix}", f"READY={ready}", f"--assume-old={ready}"],
        project_root,
        GIT_DIR=str(clone / ".git"),
    )
    return clone


@needs_make
def test_the_hook_strips_outputs_from_git_and_leaves_them_in_the_work_tree(
    clone_with_hook: Path,
) -> None:
    printed = new_output("stream", text="12 customers\n")
    cell = new_code_cell("print(buyers)", execution_count=3, outputs=[printed])
    cell.metadata.update(tags=["parameters"], language="en")
    notebook = new_notebook(
        cells=[cell], metadata={"language_info": {"name": "python", "version": "3.11.7"}}
    )
    work_copy = clone_with_hook / "10_traffic.ipynb"
    nbformat.write(notebook, work_copy)
    output_of(["git", "add", "10_traffic.ipynb"], clone_with_hook)

    kept = json.loads(output_of(["git", "show", ":10_traffic.ipynb"], clone_with_hook))
    assert kept["cells"][0]["outputs"] == []
    assert kept["cells"][0]["execution_count"] is None
    assert kept["cells"][0]["metadata"] == {"tags": ["parameters"], "language": "en"}
    assert "version" not in kept["metadata"].get("language_info", {})
    assert "12 customers" in work_copy.read_text(encoding="utf-8")
    assert output_of(["git", "diff", "--name-only"], clone_with_hook) == ""


@needs_make
def test_a_notebook_is_refused_where_the_hook_cannot_run(clone_with_hook: Path) -> None:
    (clone_with_hook / "20_broken.ipynb").write_text("{", encoding="utf-8")
    added = subprocess.run(
        ["git", "add", "20_broken.ipynb"], cwd=clone_with_hook, capture_output=True, check=False
    )
    assert added.returncode != 0


def commands_for_conda_users(root: Path) -> list[list[str]]:
    """The pip commands that the comment of environment.yml gives."""
    text = (root / "environment.yml").read_text(encoding="utf-8")
    return [line.split() for line in re.findall(r"^# +(pip .+)$", text, re.MULTILINE)]


@pytest.fixture
def bare_environment() -> Iterator[Path]:
    """A virtual environment with pip alone; removed afterwards, for it grows to a gigabyte."""
    folder = Path(tempfile.mkdtemp(prefix="bare-")).resolve()
    output_of([sys._base_executable, "-m", "venv", folder], folder)
    yield folder
    shutil.rmtree(folder)


@pytest.mark.slow
def test_in_a_bare_environment_conda_users_commands_make_the_notebooks_work(
    project_root: Path, bare_environment: Path
) -> None:
    commands = commands_for_conda_users(project_root)
    assert commands == [
        ["pip", "install", "-r", "requirements.lock"],
        ["pip", "install", "--no-deps", "-e", "."],
    ]
    python = bare_environment / "bin" / "python"
    for _, *arguments in commands:
        output_of([python, "-m", "pip", *arguments], project_root)
    printed = output_of([python, "-c", KERNEL_SCRIPT], project_root)
    imported, working_folder, prefix = json.loads(printed)
    assert Path(imported) == project_root / "helpers" / "__init__.py"
    assert Path(working_folder) == project_root / "notebooks"
    assert Path(prefix) == bare_environment
