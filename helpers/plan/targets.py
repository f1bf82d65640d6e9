"""Targets of the plan and of the store: `data/plan/targets.csv` and `store.toml`."""

from __future__ import annotations

import csv
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

PLAN_FOLDER = Path(__file__).resolve().parents[2] / "data" / "plan"
_COLUMNS = ["id", "metric", "direction", "value", "start", "unit", "currency", "due", "source"]


@dataclass(frozen=True)
class Target:
    """What a metric should reach, by when.

    Attributes:
        metric: Id in the metric contract.
        direction: `min` (at least) or `max` (at most).
        value: The value to reach, in the metric's unit.
        start: Where the plan says the shop stood; None where it does not say.
        currency: Currency of a target in money; empty otherwise.
        due: Day by which it is to be reached; None where the plan sets none.
        source: Section of the plan, or `store.toml`.
    """

    metric: str
    direction: str
    value: float
    start: float | None
    currency: str
    due: date | None
    source: str

    def met(self, value: float) -> bool:
        """Whether a value reaches the target."""
        return value >= self.value if self.direction == "min" else value <= self.value

    def gap(self, value: float) -> float:
        """How far a value is from the target in the metric's unit; 0 or less when met."""
        return self.value - value if self.direction == "min" else value - self.value


def load(
    currency: str, own: dict[str, float] | None = None, path: Path | None = None
) -> dict[str, Target]:
    """Targets by metric that bind for a store.

    A target in money binds only in its own currency. A value of the store's own replaces the
    plan's and is taken to be in the store's currency.

    Args:
        currency: The store's currency.
        own: The store's own values by metric, from `store.toml`.
        path: The file; the plan's when not given.

    Raises:
        ValueError: The file or a value breaks a rule.
    """
    own = own or {}
    found = {}
    every = _read(path or PLAN_FOLDER / "targets.csv")
    if unknown := set(own) - {target.metric for target in every}:
        raise ValueError(
            f"store.toml: targets {sorted(unknown)} are none of the plan's; add a row to "
            "data/plan/targets.csv first"
        )
    for target in every:
        if target.metric in own:
            value = float(own[target.metric])
            target = replace(
                target, value=value, start=None, due=None, currency="", source="store.toml"
            )
        if target.currency in ("", currency):
            found[target.metric] = target
    return found


def _read(path: Path) -> list[Target]:
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file)
        if rows.fieldnames != _COLUMNS:
            raise ValueError(f"{path.name}: columns {rows.fieldnames}, must be {_COLUMNS}")
        return [_target(row, f"{path.name} line {rows.line_num}") for row in rows]


def _target(row: dict[str, str], where: str) -> Target:
    if row["direction"] not in ("min", "max"):
        raise ValueError(f"{where}: direction {row['direction']!r}, must be min or max")
    return Target(
        metric=row["metric"],
        direction=row["direction"],
        value=float(row["value"]),
        start=float(row["start"]) if row["start"] else None,
        currency=row["currency"],
        due=date.fromisoformat(row["due"]) if row["due"] else None,
        source=row["source"],
    )
