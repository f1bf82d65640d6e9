import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def pyproject(project_root: Path) -> dict:
    return tomllib.loads((project_root / "pyproject.toml").read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def project_files(project_root: Path) -> list[Path]:
    """Every file that is in git or would be added by `git add .`."""
    if shutil.which("git") is None or not (project_root / ".git").exists():
        pytest.skip("git: the project's files are listed by git, and this is no clone")
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=project_root,
        capture_output=True,
        check=True,
        text=True,
    ).stdout
    paths = [project_root / name for name in listed.split("\0") if name]
    return [path for path in paths if path.is_file()]
