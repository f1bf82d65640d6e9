"""What may stand in a file of the project, and what its documentation promises."""

import re
from pathlib import Path

import pytest

LARGEST_BYTES = 1_000_000
LARGEST_PICTURE_BYTES = 250_000
REGISTRY = re.compile(r"\b(?:pypi|pythonhosted|npmjs|debian|ubuntu|anaconda|conda)\.(?:org|com)\b")
MACHINE_PATH = re.compile(r"(?<![\w.*}/])/(?:root|home|Users|work|opt)/\w|[A-Z]:\\+Users\\")
UNFINISHED = re.compile(
    r"\b(?:TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK|raise NotImplemented" r"Error)\b"
)
DURATION = re.compile(r"\d+ ?(?:s|seconds?|min|minutes?)\b")


def read_text(path: Path) -> str:
    """The text of a file; empty where it is no UTF-8 text."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""


def lines_with(pattern: re.Pattern[str], files: list[Path], root: Path) -> list[str]:
    return [
        f"{path.relative_to(root)}:{number}: {line.strip()[:100]}"
        for path in files
        for number, line in enumerate(read_text(path).splitlines(), start=1)
        if pattern.search(line)
    ]


def documents(root: Path) -> list[Path]:
    return [*root.glob("*.md"), *(root / "docs").rglob("*.md"), *(root / "data").glob("*.md")]


@pytest.fixture(scope="module")
def targets(project_root: Path) -> set[str]:
    makefile = (project_root / "Makefile").read_text(encoding="utf-8")
    return set(re.findall(r"^([a-z][\w-]*):", makefile, re.MULTILINE))


def test_no_file_is_larger_than_a_megabyte(project_files: list[Path]) -> None:
    assert [str(path) for path in project_files if path.stat().st_size > LARGEST_BYTES] == []


def test_no_file_names_the_host_of_a_package_registry(
    project_files: list[Path], project_root: Path
) -> None:
    assert lines_with(REGISTRY, project_files, project_root) == []


def test_no_file_names_a_path_of_one_machine(project_files: list[Path], project_root: Path) -> None:
    assert lines_with(MACHINE_PATH, project_files, project_root) == []
    here = re.compile(rf"{re.escape(str(project_root))}\b|{re.escape(str(Path.home()))}/")
    assert lines_with(here, project_files, project_root) == []


def test_nothing_is_left_unfinished(project_files: list[Path], project_root: Path) -> None:
    code = [path for path in project_files if path.suffix in {".py", ".ipynb", ".j2", ".css"}]
    assert lines_with(UNFINISHED, code, project_root) == []


def test_every_make_command_of_the_documents_is_a_target(
    project_root: Path, targets: set[str]
) -> None:
    told = {
        name
        for path in documents(project_root)
        for name in re.findall(r"(?:`|^\s*|\$ )make ([a-z][\w-]*)", read_text(path), re.MULTILINE)
    }
    assert told
    assert told <= targets


def test_every_link_of_the_documents_leads_to_a_file(project_root: Path) -> None:
    lost = [
        f"{path.name}: {target}"
        for path in documents(project_root)
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", read_text(path))
        if not (path.parent / target).exists()
    ]
    assert lost == []


def test_the_readme_is_short_and_shows_a_page(project_root: Path) -> None:
    readme = (project_root / "README.md").read_text(encoding="utf-8")
    assert len(readme.splitlines()) <= 90
    (picture,) = re.findall(r"!\[[^\]]{20,}\]\((docs/[\w.]+)\)", readme)
    assert (project_root / picture).stat().st_size <= LARGEST_PICTURE_BYTES


@pytest.mark.parametrize("command", ["make report", "make test"])
def test_the_readme_says_how_long_a_command_takes(project_root: Path, command: str) -> None:
    lines = (project_root / "README.md").read_text(encoding="utf-8").splitlines()
    timed = [line for line in lines if command in line and DURATION.search(line)]
    assert timed, f"no line of README.md has `{command}` and a duration"


def test_the_readme_has_the_plain_commands_for_windows(project_root: Path) -> None:
    readme = (project_root / "README.md").read_text(encoding="utf-8")
    for command in ("-m venv", "pip install --require-hashes -r requirements.lock",
                    "pip install --no-deps -e .", "python run_all.py"):  # fmt: skip
        assert command in readme


def test_the_shells_scripts_are_executable(project_files: list[Path]) -> None:
    scripts = [path for path in project_files if read_text(path).startswith("#!")]
    assert scripts
    assert [str(path) for path in scripts if not path.stat().st_mode & 0o100] == []
