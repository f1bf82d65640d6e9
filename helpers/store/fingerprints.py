"""Fingerprints of inputs, code and parameters: what decides whether work is done again.

Standard library only: an unchanged run must be recognised before anything heavy is imported.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
HELPERS = PROJECT / "helpers"


def cache_folder() -> Path:
    """Where tables, marts, fits and runs are kept: `data/.cache`, or STORE_REPORT_CACHE."""
    return Path(os.environ.get("STORE_REPORT_CACHE", PROJECT / "data" / ".cache"))


def of(*parts: object) -> str:
    """A short fingerprint of JSON-able parts, in their order."""
    text = json.dumps(parts, sort_keys=True, default=str, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def of_files(paths: Iterable[Path]) -> str:
    """A fingerprint of files by path, size and time of change: contents are not read."""
    found = []
    for path in sorted(paths):
        status = path.stat()
        found.append((str(path.resolve()), status.st_size, status.st_mtime_ns))
    return of(found)


def of_code(*folders: Path) -> str:
    """A fingerprint of the contents of all source files below the folders."""
    digest = hashlib.sha256()
    for folder in folders:
        files = [folder] if folder.is_file() else sorted(_sources(folder))
        for path in files:
            digest.update(str(path.relative_to(folder.parent)).encode())
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]


def _sources(folder: Path) -> Iterable[Path]:
    for path in folder.rglob("*"):
        if path.is_file() and "__pycache__" not in path.parts:
            yield path
