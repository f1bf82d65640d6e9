"""What a figure or a table rests on: its measure, its tables with their rows and checks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from helpers.report.measured import Measured
from helpers.report.provenance import VERDICTS


@dataclass(frozen=True)
class Basis:
    """Where the numbers of one block come from.

    Attributes:
        answer: The measure's answer that is shown.
        as_of: Last complete day of the store.
        tables: Canonical tables that the answer rests on, with their rows in the store.
        checks: How many checks of these tables gave each of `provenance.VERDICTS`.
        quarantined: Rows of these tables that broke a rule and are not counted.
    """

    answer: Measured
    as_of: date
    tables: Mapping[str, int]
    checks: Mapping[str, int]
    quarantined: int


def of(store: Any, answer: Measured) -> Basis:
    """The basis of an answer in its store; tables that the store does not have are left out."""
    rows, ingested = store.quality.get("rows", {}), store.quality.get("tables", {})
    tables = {name: rows[name] for name in store.tables_behind(answer.sources) if name in rows}
    found = [one["status"] for one in store.quality.get("verdicts", ()) if one["table"] in tables]
    aside = sum(int(ingested[name]["quarantined"]) for name in tables if name in ingested)
    checks = {name: found.count(name) for name in VERDICTS}
    return Basis(answer, store.as_of, tables, checks, aside)
