"""One module a source: the only place that knows a platform's column names."""

from __future__ import annotations

from pathlib import Path

from helpers.store.errors import UnknownSource
from helpers.store.ingest.source import (
    BridgeStep,
    Ingested,
    Note,
    Part,
    Source,
    SourceDefaults,
    TableAccount,
)

__all__ = [
    "BridgeStep",
    "Ingested",
    "Note",
    "Part",
    "Source",
    "SourceDefaults",
    "TableAccount",
    "recognise",
]
SHOWN = 8


def recognise(data: str | Path) -> Source:
    """The source that knows the data: a file, a folder, or `env:NAME` for a database.

    Campaign reports and events of GA4 in the same folder are read with it.

    Raises:
        UnknownSource: None does; says what was found, what is known, and how to add one.
        BadInput: A file in the sub-folder of an export is none.
    """
    from helpers.store.ingest.exports import WithExports, find
    from helpers.store.ingest.sources import SOURCES

    for source in SOURCES:
        if source.recognises(data):
            found = find(data)
            return WithExports(source, found) if found.paths else source
    known = "; ".join(f"{source.name} ({source.headers})" for source in SOURCES)
    raise UnknownSource(
        f"{data}: no known source; found {_found(data)}; known are: {known}; export one of these, "
        "rename files and columns to the tables of data/README.md, or add a module with the "
        "columns of your platform to helpers/store/ingest/ and list it in sources.py"
    )


def _found(data: str | Path) -> str:
    """Files and their columns, the first few."""
    from helpers.store.ingest.delivered import headers_of

    path = Path(data)
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    files = [file for file in files if not file.name.startswith(".")]
    shown = []
    for file in files[:SHOWN]:
        names = headers_of(file) if file.is_file() else []
        shown.append(f"{file.name} ({', '.join(names[:SHOWN])})" if names else file.name)
    more = f" and {len(files) - SHOWN} more" if len(files) > SHOWN else ""
    return (", ".join(shown) + more) or "nothing"
