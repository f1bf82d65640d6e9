"""Why rows were set aside, as a key and values: what pages word in each language.

A reason is written into the quarantine as an English text; `FAULTS` says of which kind it is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from helpers.store.ingest.source import literal
from helpers.store.schema import TABLES

if TYPE_CHECKING:
    import duckdb

FAULTS = {
    "repeats": "repeats an earlier row in full",
    "key_differs": "key {column} stands on rows that differ",
    "parent_absent": "{column} stands in no accepted row of {parent}",
    "parent_set_aside": "{column} names a row of {parent} that is in quarantine",
    "refund_above_paid": "amount is above what was paid for its order",
    "open_quote": "has a quote that is not closed",
    "fields": "has another number of fields than the header",
    "nul_byte_in_line": "holds a NUL byte",
    "nul_byte": "{column} holds a NUL byte",
    "empty": "{column} is empty",
    "no_whole_number": "{column} is no whole number",
    "no_number": "{column} is no number",
    "no_amount": "{column} is no amount such as 1234.50",
    "no_date": "{column} is no date YYYY-MM-DD",
    "no_time": "{column} is no time YYYY-MM-DD HH:MM:SS",
    "no_day": "{column} is no day YYYYMMDD",
    "time_of_day": "{column} has a time of day, and must be a date",
    "no_truth": "{column} is neither true nor false",
    "decimals": "{column} has more than {limit} decimals",
    "outside": "{column} lies outside {first} to {last}",
    "below": "{column} is below {limit}",
    "not_allowed": "{column} is none of {allowed}",
    "zero": "{column} is 0",
    "not_zero_or_one": "{column} is neither 0 nor 1",
    "price_below": "Price is below 0 outside a bad-debt adjustment",
    "quantity_below": "Quantity is below 0 outside a cancellation",
    "quantity_above": "Quantity is above 0 in a cancellation",
    "ends_before_start": "reporting_ends is before reporting_starts",
    "spend_without_conversion": "spend is above 0 without a conversion",
    "several_buyers": "basket_id stands on rows of several households or times",
}
"""Kinds of reasons and how they read; texts in braces are values."""
OTHER = "other"
_VALUE = re.compile(r"\\{(\w+)\\}")
_FORMS = {"limit": r"-?[\d.]+", "column": r"[\w ,-]+?"}


def _pattern(text: str) -> re.Pattern[str]:
    """What texts of a kind look like."""

    def group(found: re.Match[str]) -> str:
        return f"(?P<{found[1]}>{_FORMS.get(found[1], '.+?')})"

    return re.compile(_VALUE.sub(group, re.escape(text)))


_PATTERNS = {key: _pattern(text) for key, text in FAULTS.items()}


@dataclass(frozen=True)
class Fault:
    """Rows of one table that were set aside for one reason.

    Attributes:
        table: The canonical table.
        reason: The reason as the quarantine has it.
        key: Its kind, one of `FAULTS` or `OTHER`; the wording stands in the text catalogues.
        values: What the wording names: columns, limits, allowed values.
        rows: Rows set aside for it.
        file: Name of the file in which the first of them stands.
        line: Its line in that file, from 1.
    """

    table: str
    reason: str
    key: str
    values: dict[str, str] = field(default_factory=dict)
    rows: int = 0
    file: str = ""
    line: int = 0


def kind_of(reason: str) -> tuple[str, dict[str, str]]:
    """The kind of a reason and its values; `OTHER` where no kind has its form."""
    for key, pattern in _PATTERNS.items():
        found = pattern.fullmatch(reason)
        if found:
            return key, found.groupdict()
    return OTHER, {}


def faults(connection: duckdb.DuckDBPyConnection, tables_dir: Path) -> list[Fault]:
    """Every reason for which rows were set aside.

    Args:
        connection: Reads the files.
        tables_dir: Folder with `quarantine/<table>.parquet`.

    Returns:
        In the order of the tables' declaration, the reason of most rows first.
    """
    found = []
    for path in (tables_dir / "quarantine").glob("*.parquet"):
        rows = connection.execute(
            "SELECT reason, count(*) AS n, arg_min(file, (file, line)), arg_min(line, (file, line))"
            f" FROM read_parquet({literal(path)}) GROUP BY reason"
        ).fetchall()
        for reason, count, file, line in rows:
            key, values = kind_of(reason)
            found.append(Fault(path.stem, reason, key, values, count, file or "", line or 0))
    order = {name: place for place, name in enumerate(TABLES)}
    return sorted(found, key=lambda one: (order.get(one.table, len(order)), -one.rows, one.reason))
