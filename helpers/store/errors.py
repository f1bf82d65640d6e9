"""What can be wrong with a store's data."""

from __future__ import annotations

from collections.abc import Iterable


class BadInput(Exception):
    """The input can't be used: what, the value, the rule, the next step. Ends a run with 2."""


class UnknownSource(BadInput):
    """No source recognises the data."""


class MissingTable(Exception):
    """A measure needs a table or columns that this store does not have or that failed a check.

    Attributes:
        table: Canonical table that is needed.
        columns: Its columns that are needed; empty where the whole table is absent.
        why: `absent`, `empty`, `failed` (a check), `short` (too little history) or `small` (fewer
            than 10 customers).
    """

    def __init__(self, table: str, columns: Iterable[str] = (), why: str = "absent") -> None:
        self.table = table
        self.columns = tuple(columns)
        self.why = why
        needed = f"{table} ({', '.join(self.columns)})" if self.columns else table
        super().__init__(f"needs table {needed}: {why}")
