"""What was run before: whether a run would find everything as it stands published."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from helpers.plan.periods import parse_period
from helpers.run import files, gate
from helpers.run.arguments import Options
from helpers.run.places import Places
from helpers.store import fingerprints
from helpers.store.open import SAMPLE, sample_folder

KEPT_STATES = 100
_FILE_ADDRESSES = ("duckdb", "sqlite")


@dataclass(frozen=True)
class Past:
    """A run that published all it was asked for.

    Attributes:
        run: Its id.
        index: The address of its front page.
        published_at: When, in ISO 8601 (UTC).
    """

    run: str
    index: Path
    published_at: str


def state_of(options: Options, places: Places) -> str | None:
    """Fingerprint of all that a run depends on: inputs by path, size and time of change; code,
    notebooks, plan, packages and parameters by content. Nothing is opened but code.

    Returns:
        None where the input's state can't be known without opening it, or it is absent.
    """
    inputs = _inputs(options)
    if not inputs:
        return None
    wanted = options.wanted()
    if options.period == "last-month":
        wanted["period"] = parse_period(options.period, date.min, date.max).label
    code = [fingerprints.HELPERS, places.notebooks, places.plan, places.lock]
    return fingerprints.of(
        fingerprints.of_files(inputs),
        fingerprints.of_code(*(path for path in code if path.exists())),
        wanted,
        platform.python_version(),
    )


def _inputs(options: Options) -> list[Path]:
    """The files that the data stand in; empty where there are none to look at."""
    if options.variable:
        return _files_of_address(os.environ.get(options.variable, ""))
    path = sample_folder() if options.data == SAMPLE else Path(options.data)
    if path.is_file():
        beside = path.with_name("store.toml")
        return [path, *([beside] if beside.is_file() else [])]
    return [found for found in path.rglob("*") if found.is_file() and not _is_hidden(path, found)]


def _is_hidden(folder: Path, path: Path) -> bool:
    return any(part.startswith(".") for part in path.relative_to(folder).parts)


def _files_of_address(address: str) -> list[Path]:
    """The file of an embedded database and its journal; a server tells nothing from outside."""
    parts = urlsplit(address)
    if not address or (parts.scheme and parts.scheme not in _FILE_ADDRESSES):
        return []
    path = Path(unquote(parts.netloc + parts.path) if parts.scheme else address)
    candidates = [path, *(path.with_name(path.name + end) for end in (".wal", "-wal"))]
    return [found for found in candidates if found.is_file()]


def same_run(places: Places, state: str | None) -> Past | None:
    """The run that published this state, if all of it still stands."""
    found = (files.read_json(_file(places)) or {}).get(state) if state else None
    if not found:
        return None
    published = places.output / found["store"] / found["period"]
    facts = files.read_json(published / "run.json")
    if not facts or facts.get("run") != found["run"] or not (places.output / "index.html").exists():
        return None
    try:
        gate.check_manifest(published)
    except (gate.NotFit, OSError):
        return None
    return Past(found["run"], published / "index.html", facts["published_at"])


def remember(places: Places, state: str | None, facts: dict[str, Any]) -> None:
    """Note that a run has published all it was asked for; a full disk costs the note alone.

    Args:
        places: The run's folders.
        state: What it depended on; nothing is noted where that is not known.
        facts: Its `store`, `period` and `run`.
    """
    if state is None:
        return
    known = files.read_json(_file(places)) or {}
    known.pop(state, None)
    known[state] = facts
    newest: Iterable[tuple[str, Any]] = list(known.items())[-KEPT_STATES:]
    with suppress(OSError):
        files.write_json(_file(places), dict(newest), private=True)


def _file(places: Places) -> Path:
    return places.runs / "state.json"
