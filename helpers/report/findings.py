"""Findings: a measure's value joined with its contract, its target and its comparisons."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from helpers.plan.metrics import Metric
from helpers.plan.periods import Period
from helpers.plan.targets import Target
from helpers.report.formats import SMALLEST_GROUP, change_unit

if TYPE_CHECKING:
    import pandas as pd

STATUSES = ("met", "missed", "not_enough_evidence", "no_target", "unknown")
FIELD_UNITS: Mapping[str, Callable[[str], str]] = MappingProxyType(
    {
        "gap": change_unit,
        "shortfall": change_unit,
        "change": change_unit,
        "change_last_year": change_unit,
        "n": lambda unit: "integer",
        "numerator": lambda unit: unit if unit == "money" else "count",
        "denominator": lambda unit: "count",
    }
)
_NUMBERS = ("value", "low", "high", "n", "numerator", "denominator", "observed")
_FLAGS = ("provisional",)


@dataclass(frozen=True)
class Missing:
    """What a store lacks for a measure: the table, its columns, and why (see `MissingTable`)."""

    table: str
    columns: tuple[str, ...] = ()
    why: str = "absent"

    def as_json(self) -> dict[str, Any]:
        """For the record."""
        return {"table": self.table, "columns": list(self.columns), "why": self.why}


@dataclass(frozen=True)
class Finding:
    """One metric of the contract, measured for a period and a scope.

    Attributes:
        metric: Id in the contract.
        unit: Unit of the contract; rates are 0 to 1, money is in the store's currency.
        period: What it was measured for.
        scope: Which part of the store; empty for the whole.
        value: None where the store can't say.
        low: Lower end of the 95 % interval; None where the value is exact.
        high: Upper end.
        n: What the interval rests on.
        numerator: What was counted above the line.
        denominator: What was counted below it.
        target_row: The target that binds; None where none does.
        break_even: Value at which the metric neither earns nor loses; None where there is none.
        peers_average: What similar shops reach on average, where the platform's figures are known.
        peers_best: What the best of them reach.
        previous: The same metric in the period before.
        last_year: The same metric one year before.
        observed: The value without what is projected, where months are not yet closed.
        provisional: Part of the value is projected, or the period is not over.
        definition_version: Version of the contract's entry.
        missing: What the store lacks, where there is no value.
    """

    metric: str
    unit: str
    period: Period
    scope: Mapping[str, str] = field(default_factory=dict)
    value: float | None = None
    low: float | None = None
    high: float | None = None
    n: float | None = None
    numerator: float | None = None
    denominator: float | None = None
    target_row: Target | None = None
    break_even: float | None = None
    peers_average: float | None = None
    peers_best: float | None = None
    previous: float | None = None
    last_year: float | None = None
    observed: float | None = None
    provisional: bool = False
    definition_version: int = 1
    missing: Missing | None = None

    @property
    def id(self) -> str:
        """Id of the fact: the metric, and the scope behind an @."""
        scope = ",".join(f"{name}={value}" for name, value in sorted(self.scope.items()))
        return f"{self.metric}@{scope}" if scope else self.metric

    @property
    def target(self) -> float | None:
        """The value to reach."""
        return self.target_row.value if self.target_row else None

    @property
    def status(self) -> str:
        """One of `STATUSES`; met or missed only where the interval leaves no doubt."""
        if self.value is None:
            return "unknown"
        if self.target_row is None:
            return "no_target"
        ends = (self.value,) if self.low is None or self.high is None else (self.low, self.high)
        reached = {self.target_row.met(end) for end in ends}
        if len(reached) == 2:
            return "not_enough_evidence"
        return "met" if reached == {True} else "missed"

    @property
    def gap(self) -> float | None:
        """What is left to the target, 0 or less once it is reached; in the metric's unit."""
        if self.value is None or self.target_row is None:
            return None
        return self.target_row.gap(self.value)

    @property
    def shortfall(self) -> float | None:
        """The gap without its sign."""
        return None if self.gap is None else abs(self.gap)

    @property
    def change(self) -> float | None:
        """Difference from the period before."""
        return _difference(self.value, self.previous)

    @property
    def change_last_year(self) -> float | None:
        """Difference from one year before."""
        return _difference(self.value, self.last_year)

    def as_fact(self, chapter: str) -> dict[str, Any]:
        """The entry of `facts.json`."""
        row = self.target_row
        return {
            "id": self.id,
            "metric": self.metric,
            "scope": dict(self.scope),
            "period": period_json(self.period),
            **{name: getattr(self, name) for name in _NUMBERS if name != "observed"},
            "unit": self.unit,
            "target": self.target,
            "target_start": row.start if row else None,
            "target_direction": row.direction if row else None,
            "target_due": row.due.isoformat() if row and row.due else None,
            "gap": self.gap,
            "break_even": self.break_even,
            "peers_average": self.peers_average,
            "peers_best": self.peers_best,
            "status": self.status,
            "previous": self.previous,
            "last_year": self.last_year,
            "definition_version": self.definition_version,
            "provisional": self.provisional,
            "observed": self.observed,
            "missing": self.missing.as_json() if self.missing else None,
            "chapter": chapter,
        }


def period_json(period: Period) -> dict[str, str]:
    """A period in `facts.json` and in records."""
    return {
        "label": period.label,
        "start": period.start.isoformat(),
        "end": period.end.isoformat(),
        "kind": period.kind,
    }


def display_unit(metric: str, unit: str) -> str:
    """The unit to write a metric in: counts of customers hide small groups."""
    return "customers" if unit == "count" and metric.endswith("customers") else unit


def number(value: Any) -> float | None:
    """A finite float, or None."""
    if value is None:
        return None
    found = float(value)
    return found if math.isfinite(found) else None


def from_row(
    metric: Metric,
    period: Period,
    row: Mapping[str, Any],
    *,
    target: Target | None = None,
    beside: Mapping[str, float | None] | None = None,
    scope: Mapping[str, str] | None = None,
    previous: float | None = None,
    last_year: float | None = None,
    incomplete: bool = False,
) -> Finding:
    """A finding from one row of a metric's measure (columns of `measures.frames.COLUMNS`).

    `beside` holds what stands beside the value: `break_even`, `peers_average`, `peers_best`.
    """
    numbers = publishable(metric, row)
    withheld = number(row.get("value")) is not None and numbers["value"] is None
    return Finding(
        metric=metric.id,
        unit=metric.unit,
        period=period,
        scope=dict(scope or {}),
        target_row=target,
        previous=previous,
        last_year=last_year,
        provisional=incomplete or str(row.get("provisional")) == "True",
        definition_version=metric.version,
        missing=Missing("orders", why="small") if withheld else None,
        **(beside or {}),
        **numbers,
    )


def publishable(metric: Metric, row: Mapping[str, Any]) -> dict[str, float | None]:
    """The numbers of a measure's row without counts of 1 to 9 customers, or all but so few.

    A rate of so few is withheld whole, because its parts would follow from it.
    """
    found = {name: number(row.get(name)) for name in _NUMBERS}
    if metric.counts != "customers":
        return found
    base = found["value"] if metric.unit == "count" else found["denominator"]
    if _is_small(base):
        return dict.fromkeys(found)
    counts = [name for name in ("n", "numerator", "denominator") if _is_small(found[name])]
    rest = _difference(found["denominator"], found["numerator"])
    if metric.unit == "ratio" and _is_small(rest):
        counts.append("numerator")
    return {**found, **dict.fromkeys(counts)}


def _is_small(count: float | None) -> bool:
    return count is not None and 0 < count < SMALLEST_GROUP


def scope_columns(frame: pd.DataFrame) -> list[str]:
    """Columns of a metric's frame that name a part of the store."""
    known = {*_NUMBERS, *_FLAGS}
    return [str(name) for name in frame.columns if name not in known]


def _difference(value: float | None, other: float | None) -> float | None:
    return None if value is None or other is None else value - other


def scorecard_frame(found: Sequence[Finding]) -> pd.DataFrame:
    """Findings as a table.

    Returns:
        One row per finding: `metric`, `value`, `low`, `high`, `change` (on the previous period),
        `change_last_year`, `target`, `status`; figures in the metric's unit.
    """
    import pandas as pd

    names = ["metric", "value", "low", "high", "change", "change_last_year", "target", "status"]
    return pd.DataFrame([[getattr(one, name) for name in names] for one in found], columns=names)
