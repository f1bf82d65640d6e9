"""From a notebook's parameters to an open store and the place of the run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from helpers.report.languages import LANGUAGES

if TYPE_CHECKING:
    from helpers.store.open import Store

PREPARED_SUFFIX = ".json"


def open_for(data: str, store: str, period: str) -> Store:
    """Open a store from the parameters of a notebook.

    Args:
        data: `sample`, a file, a folder, `env:NAME`, or the `prepared.json` of a run.
        store: Name of the store; a slug of the data when empty.
        period: As the run's arguments write it; the last complete month when empty.

    Raises:
        BadInput: The data can't be used, or have nothing in the period.
    """
    from helpers.store.open import open_store, prepare

    if data.endswith(PREPARED_SUFFIX):
        return open_store(Path(data))
    return open_store(prepare(data, name=store or None, period=period))


def read_languages(languages: str) -> tuple[str, ...]:
    """Languages of a comma-separated list, in its order, the first one first.

    Raises:
        ValueError: One is unknown, or there is none.
    """
    found = tuple(dict.fromkeys(part.strip() for part in languages.split(",") if part.strip()))
    unknown = [language for language in found if language not in LANGUAGES]
    if unknown or not found:
        raise ValueError(f"languages == {languages!r}, must be a list of {', '.join(LANGUAGES)}")
    return found


def run_folder(run: str) -> Path | None:
    """The folder of a run's notebooks and records; None outside a run.

    Args:
        run: The folder's path, a run's id, or empty.
    """
    if not run:
        return None
    path = Path(run)
    if path.is_absolute():
        return path
    from helpers.store.fingerprints import cache_folder

    return cache_folder() / "runs" / run


def chapters() -> list[str]:
    """Names of all chapters in the order of their execution."""
    from helpers.store.fingerprints import PROJECT

    return sorted(path.stem for path in (PROJECT / "notebooks").glob("[0-9][0-9]_*.ipynb"))


def latest_run(store: str) -> Path | None:
    """The latest run of a store that left records; None where there is none."""
    from helpers.report.record import read_records
    from helpers.store.fingerprints import cache_folder

    folders = sorted((cache_folder() / "runs").glob("*/"), reverse=True)
    for folder in folders:
        records: dict[str, Any] = read_records(folder)
        if any(record.get("store") == store for record in records.values()):
            return folder
    return None
