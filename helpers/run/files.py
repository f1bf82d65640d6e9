"""Files that are whole or absent: written beside, brought to the disk, then renamed."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any


def write_text(path: Path, text: str, *, private: bool = False) -> None:
    """Write a file in one step that a reader can't see half of; `private` for its owner alone."""
    with written_beside(path, text, private=private):
        pass


@contextmanager
def written_beside(path: Path, text: str, *, private: bool = False) -> Iterator[None]:
    """Write a file beside its place; it takes the place when the block is left without a fault."""
    waiting = path.with_name(f".{path.name}.next")
    try:
        descriptor = os.open(
            waiting, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600 if private else 0o666
        )
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        yield
        waiting.replace(path)
    except BaseException:
        with suppress(OSError):
            waiting.unlink()
        raise


def write_json(path: Path, content: Any, *, private: bool = False) -> None:
    """Write JSON in one step."""
    text = json.dumps(content, ensure_ascii=False, indent=1, default=str, allow_nan=False)
    write_text(path, text + "\n", private=private)


def read_json(path: Path) -> Any:
    """Read JSON; None where the file is absent or not whole."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def bring_to_disk(folder: Path) -> None:
    """Have the system write all files below a folder, and the folders' entries, to the disk."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink():
            _sync(path, os.O_RDWR)
    for path in [*(p for p in folder.rglob("*") if p.is_dir()), folder]:
        sync_folder(path)


def sync_folder(folder: Path) -> None:
    """Have the system write a folder's entries to the disk, where folders can be opened."""
    if os.name == "posix":
        _sync(folder, os.O_RDONLY)


def _sync(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sha256(path: Path) -> str:
    """The SHA-256 of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
