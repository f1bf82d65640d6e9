"""What the plan expects of other shops: `data/plan/benchmarks.csv`. Claims, never measurements."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from helpers.plan.targets import PLAN_FOLDER

KINDS = (
    "relative", "relative_max", "points", "level", "lower_bound", "threshold", "target_max",
    "target_min",
)  # fmt: skip
READINGS = ("", "relative_or_points", "level_or_multiple", "speed_or_time")


@dataclass(frozen=True)
class Benchmark:
    """One figure that the plan quotes.

    Attributes:
        id: Its name.
        section: Section of the plan.
        metric: What it is about; a metric of the contract where the names agree.
        kind: How to read it: `relative` (change relative to what it was), `relative_max` (at
            most so much), `points`, `level`, `lower_bound`, `threshold`, `target_max` or
            `target_min`.
        before: Value before, where the plan gives one.
        after: Value after, or the level.
        change: The change, as a share.
        unit: Unit of `before` and `after`.
        reading: How else the figure may be read; empty where it is clear.
        industry: Line of business, by language.
        lever: What was done, by language.
        metric_name: Name of the metric, in Chinese.
    """

    id: str
    section: str
    metric: str
    kind: str
    before: float | None
    after: float | None
    change: float | None
    unit: str
    reading: str
    industry: dict[str, str]
    lever: dict[str, str]
    metric_name: str

    @property
    def is_ambiguous(self) -> bool:
        """Whether the plan's figure has a second reading."""
        return bool(self.reading)

    def expected(self, before: float) -> float | None:
        """The value that the plan would expect of a shop that stands at `before`.

        The relative reading of a change, or the level that the plan names; None where the
        relative reading is impossible (a rate above 1).
        """
        if self.kind == "points" and self.change is not None:
            return before + self.change
        if self.change is None or self.kind not in ("relative", "relative_max"):
            return self.after
        value = before * (1 + self.change)
        return None if self.unit == "ratio" and before <= 1 < value else value

    def expected_in_points(self, before: float) -> float | None:
        """The value where a change of a rate is read as percentage points.

        None where the figure has no such reading, or where it is impossible: a rate below 0 or
        above 1.
        """
        if self.reading != "relative_or_points" or self.change is None:
            return None
        value = before + self.change
        return value if 0 <= value <= 1 else None


def load(path: Path | None = None) -> tuple[Benchmark, ...]:
    """All figures in the order of the plan.

    Raises:
        ValueError: A row breaks a rule; the message names the line.
    """
    path = path or PLAN_FOLDER / "benchmarks.csv"
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file)
        return tuple(_benchmark(row, f"{path.name} line {rows.line_num}") for row in rows)


def chosen(*ids: str) -> tuple[Benchmark, ...]:
    """The figures with these names, in the order given.

    Raises:
        KeyError: The plan has no such figure.
    """
    known = {one.id: one for one in load()}
    return tuple(known[key] for key in ids)


def _benchmark(row: dict[str, str], where: str) -> Benchmark:
    if row["kind"] not in KINDS:
        raise ValueError(f"{where}: kind {row['kind']!r}, must be one of {KINDS}")
    if row["reading"] not in READINGS:
        raise ValueError(f"{where}: reading {row['reading']!r}, must be one of {READINGS}")
    before, after, change = (
        float(row[name]) if row[name] else None for name in ("before", "after", "change")
    )
    return Benchmark(
        row["id"], row["section"], row["metric"], row["kind"], before, after, change,
        row["unit"], row["reading"],
        {"en": row["industry_en"], "zh": row["industry_zh"]},
        {"en": row["lever_en"], "zh": row["lever_zh"]},
        row["metric_zh"],
    )  # fmt: skip
