"""pyproject.toml, requirements.lock, the code's imports and this environment say the same."""

import ast
import re
import sys
from importlib import metadata
from itertools import product
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}")
OURS = {"helpers", "tests", "benchmarks", "run_all"}
PYTHONS = ("3.11.0", "3.12.0", "3.13.0")
PLATFORMS = {
    "linux": {"sys_platform": "linux", "os_name": "posix", "platform_system": "Linux"},
    "macos": {"sys_platform": "darwin", "os_name": "posix", "platform_system": "Darwin"},
    "windows": {"sys_platform": "win32", "os_name": "nt", "platform_system": "Windows"},
}


def marker_environment(python: str, platform: str) -> dict[str, str]:
    return {
        "python_full_version": python,
        "python_version": python.rpartition(".")[0],
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
        **PLATFORMS[platform],
    }


def applies(requirement: Requirement, environment: dict[str, str] | None = None) -> bool:
    return requirement.marker is None or requirement.marker.evaluate(environment)


def locked_version(entry: Requirement) -> str:
    (specifier,) = entry.specifier
    assert specifier.operator == "=="
    return specifier.version


@pytest.fixture(scope="module")
def lock_text(project_root: Path) -> str:
    return (project_root / "requirements.lock").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def lock_blocks(lock_text: str) -> list[str]:
    """The list's entries, each with the hashes that follow it."""
    joined = lock_text.replace("\\\n", " ")
    return [line for line in joined.splitlines() if line and not line.lstrip().startswith("#")]


@pytest.fixture(scope="module")
def lock(lock_blocks: list[str]) -> list[Requirement]:
    return [Requirement(HASH.sub("", block).strip()) for block in lock_blocks]


@pytest.fixture(scope="module")
def runtime(pyproject: dict) -> list[Requirement]:
    return [Requirement(text) for text in pyproject["project"]["dependencies"]]


@pytest.fixture(scope="module")
def development(pyproject: dict) -> list[Requirement]:
    texts = pyproject["dependency-groups"]["dev"] + pyproject["build-system"]["requires"]
    return [Requirement(text) for text in texts]


def test_every_entry_of_the_lock_has_a_hash_and_one_exact_version(
    lock_blocks: list[str], lock: list[Requirement]
) -> None:
    assert len(lock) > 100
    assert [block.split()[0] for block in lock_blocks if not HASH.search(block)] == []
    assert all(locked_version(entry) for entry in lock)


def test_the_lock_names_no_index_and_no_place_of_a_file(lock_text: str) -> None:
    assert re.findall(r"\S*(?:://|file:|\.whl|/\w+/)\S*", lock_text) == []
    assert set(re.findall(r"(?<!\S)--[a-z-]+", lock_text)) == {"--hash"}


@pytest.mark.parametrize(("python", "platform"), list(product(PYTHONS, PLATFORMS)))
def test_the_lock_satisfies_pyproject_on_every_platform(
    lock: list[Requirement],
    runtime: list[Requirement],
    development: list[Requirement],
    python: str,
    platform: str,
) -> None:
    environment = marker_environment(python, platform)
    entries = [entry for entry in lock if applies(entry, environment)]
    versions = {canonicalize_name(entry.name): locked_version(entry) for entry in entries}
    assert len(versions) == len(entries), "a package stands twice in the lock for one platform"
    wanted = [need for need in runtime + development if applies(need, environment)]
    unmet = [
        f"{need} (locked: {versions.get(canonicalize_name(need.name))})"
        for need in wanted
        if not need.specifier.contains(versions.get(canonicalize_name(need.name), "0"))
    ]
    assert unmet == [], "run `make lock`"


def test_this_environment_holds_what_the_lock_says(lock: list[Requirement]) -> None:
    differing = {}
    for entry in filter(applies, lock):
        try:
            installed = metadata.version(entry.name)
        except metadata.PackageNotFoundError:
            installed = "absent"
        if installed != locked_version(entry):
            differing[str(entry)] = installed
    assert differing == {}, "remove the virtual environment and run make again"


def imported_packages(files: list[Path]) -> set[str]:
    names: set[str] = set()
    for path in files:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names.update(alias.name.partition(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and not node.level:
                names.add((node.module or "").partition(".")[0])
    return names - set(sys.stdlib_module_names) - OURS


def undeclared(packages: set[str], declared: list[Requirement]) -> list[str]:
    names = {canonicalize_name(need.name) for need in declared}
    providers = metadata.packages_distributions()
    return sorted(
        package
        for package in packages
        if names.isdisjoint(canonicalize_name(name) for name in providers.get(package, []))
    )


def test_what_the_suite_imports_is_a_declared_dependency(
    project_root: Path, runtime: list[Requirement]
) -> None:
    files = [*(project_root / "helpers").rglob("*.py"), *project_root.glob("*.py")]
    assert undeclared(imported_packages(files), runtime) == []


def test_what_tests_and_benchmarks_import_is_a_declared_dependency(
    project_root: Path, runtime: list[Requirement], development: list[Requirement]
) -> None:
    files = [
        path for folder in ("tests", "benchmarks") for path in (project_root / folder).rglob("*.py")
    ]
    # packaging comes with pytest, which cannot do without it.
    assert undeclared(imported_packages(files) - {"packaging"}, runtime + development) == []
