"""Findings computed by the contract: the period, the one before, a year before, the history."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from helpers.plan import metrics, targets
from helpers.plan.periods import Period
from helpers.report.findings import Finding, Missing, from_row, number, publishable, scope_columns

if TYPE_CHECKING:
    import pandas as pd

    from helpers.store.open import Store

HISTORY_PERIODS = 13
Compute = Any
Scope = tuple[tuple[str, str], ...]


class Scoring:
    """Computes each metric and period once; remembers what the store can't say."""

    def __init__(self, store: Store, period: Period, compute: Compute = None) -> None:
        """Take a store and a period.

        Args:
            store: The open store.
            period: The report's period.
            compute: `(store, metric, period) -> frame`; the registry's when not given.
        """
        if compute is None:
            from helpers.measures.registry import compute
        self.store, self.period, self._compute = store, period, compute
        self.targets = targets.load(store.currency, store.targets)
        self._frames: dict[tuple[str, Period], pd.DataFrame | Missing] = {}

    @property
    def incomplete(self) -> bool:
        """Whether the period's last days are not in the data."""
        return self.store.as_of < self.period.end

    def frame(self, metric: str, period: Period) -> pd.DataFrame | Missing:
        """A metric's frame for a period, or what the store lacks for it."""
        from helpers.store.errors import MissingTable

        key = (metric, period)
        if key not in self._frames:
            try:
                self._frames[key] = self._compute(self.store, metric, period)
            except MissingTable as error:
                self._frames[key] = Missing(error.table, error.columns, error.why)
        return self._frames[key]

    def findings(self, metric: str) -> tuple[Finding, ...]:
        """A metric's findings for the period, one a scope; one without value where missing."""
        entry = metrics.metric(metric)
        found = self.frame(metric, self.period)
        if isinstance(found, Missing) or found.empty:
            missing = found if isinstance(found, Missing) else None
            return (
                Finding(
                    metric,
                    entry.unit,
                    self.period,
                    target_row=self.targets.get(metric),
                    definition_version=entry.version,
                    missing=missing,
                ),
            )
        return self.from_frame(metric, found)

    def from_frame(
        self, metric: str, frame: pd.DataFrame, scopes: tuple[str, ...] | None = None
    ) -> tuple[Finding, ...]:
        """Findings from a frame of the contract's columns; the target binds the whole store."""
        entry = metrics.metric(metric)
        names = scope_columns(frame) if scopes is None else list(scopes)
        before = self.values(metric, self.period.previous())
        year_before = self.values(metric, self.period.last_year())
        found = []
        for row in frame.to_dict("records"):
            scope = scope_of(row, names)
            key = tuple(sorted(scope.items()))
            found.append(
                from_row(
                    entry,
                    self.period,
                    row,
                    target=None if scope else self.targets.get(metric),
                    beside=None if scope else self.beside(metric),
                    scope=scope,
                    previous=before.get(key),
                    last_year=year_before.get(key),
                    incomplete=self.incomplete,
                )
            )
        return tuple(found)

    def beside(self, metric: str) -> dict[str, float | None]:
        """What a value is to be read against besides its target: break-even, and peers."""
        found: dict[str, float | None] = dict(self.peers.get(metric, {}))
        if line := metrics.metric(metric).break_even:
            frame = self.frame(line, self.period)
            if not isinstance(frame, Missing) and not frame.empty:
                found["break_even"] = number(frame["value"].iloc[0])
        return found

    @cached_property
    def peers(self) -> dict[str, dict[str, float | None]]:
        """The platform's figures of similar shops by metric; none where they were not exported."""
        from helpers.measures.peers import peer_values
        from helpers.store.errors import MissingTable

        try:
            rows = peer_values(self.store, self.period).to_dict("records")
        except MissingTable:
            return {}
        return {
            str(row["metric"]): {
                f"peers_{group}": number(row[group]) for group in ("average", "best")
            }
            for row in rows
        }

    def values(self, metric: str, period: Period) -> dict[Scope, float | None]:
        """A metric's values in an earlier period by scope; none where the data begin later."""
        if period.start < self.store.first_day:
            return {}
        found = self.frame(metric, period)
        if isinstance(found, Missing):
            return {}
        names, entry = scope_columns(found), metrics.metric(metric)
        return {
            tuple(sorted(scope_of(row, names).items())): publishable(entry, row)["value"]
            for row in found.to_dict("records")
        }

    def history(self, finding: Finding) -> list[dict[str, Any]]:
        """The values of the last 13 periods, oldest first; empty where there is one only."""
        if finding.value is None or self.period.kind not in ("month", "quarter", "year"):
            return []
        key = tuple(sorted(finding.scope.items()))
        points = []
        for period in self.period.back(HISTORY_PERIODS):
            value = (
                finding.value
                if period == self.period
                else self.values(finding.metric, period).get(key)
            )
            points.append({"period": period.label, "value": value})
        while points and points[0]["value"] is None:
            points.pop(0)
        return points if len(points) > 1 else []


def scope_of(row: Mapping[str, Any], names: list[str]) -> dict[str, str]:
    """Which part of the store a row is about; empty for the whole."""
    return {name: str(row[name]) for name in names if _names_part(row.get(name))}


def _names_part(value: Any) -> bool:
    return value is not None and value == value and str(value) not in ("", "all")
