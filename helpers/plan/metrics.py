"""The metric contract: the one place that says what a number means (`metrics.toml`)."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import MappingProxyType

LANGUAGES = ("en", "zh")
UNITS = ("ratio", "money", "count", "days", "points", "multiple")
DIRECTIONS = ("up", "down", "none")
RESTS_ON = (
    "cases", "days", "orders", "buyers", "customers", "purchases", "purchase_lines", "products",
    "visits", "answers", "live_sessions", "contents",
)  # fmt: skip
_CONTRACT = Path(__file__).with_name("metrics.toml")
_TEXTS = ("name", "numerator", "denominator", "window", "rule", "time")


@dataclass(frozen=True)
class Metric:
    """One metric of the contract.

    Attributes:
        id: Its name in `facts.json`.
        unit: One of `UNITS`; money is the store's currency.
        better: Which way is better: `up`, `down` or `none`.
        chapter: Chapter that owns it.
        section: Section of the plan that asks for it.
        measure: `module.function` below `helpers.measures`.
        version: Raised when the definition changes.
        name: Name in each language; so `numerator`, `denominator`, `window`, `rule`, `time`
            (the time stamp used), where there is something to say.
        target: Row of `data/plan/targets.csv`; empty where the plan sets none.
        break_even: Metric that is the line at which this one neither earns nor loses; empty where
            there is none.
        counts: `customers` where numerator or denominator count people: fewer than 10 of them are
            never published.
        rests_on: What `n` counts, on which the interval rests, one of `RESTS_ON`.
    """

    id: str
    unit: str
    better: str
    chapter: str
    section: str
    measure: str
    version: int
    name: dict[str, str]
    window: dict[str, str]
    time: dict[str, str]
    numerator: dict[str, str]
    denominator: dict[str, str] = field(default_factory=dict)
    rule: dict[str, str] = field(default_factory=dict)
    target: str = ""
    break_even: str = ""
    counts: str = ""
    rests_on: str = "cases"

    def __post_init__(self) -> None:
        if self.unit not in UNITS:
            raise ValueError(f"{self.id}: unit {self.unit!r} must be one of {UNITS}")
        if self.better not in DIRECTIONS:
            raise ValueError(f"{self.id}: better {self.better!r} must be one of {DIRECTIONS}")
        if self.counts not in ("", "customers"):
            raise ValueError(f"{self.id}: counts {self.counts!r} must be 'customers' or absent")
        if self.rests_on not in RESTS_ON:
            raise ValueError(f"{self.id}: rests_on {self.rests_on!r} must be one of {RESTS_ON}")
        for text in _TEXTS:
            found = getattr(self, text)
            if found and not set(found) >= set(LANGUAGES):
                raise ValueError(f"{self.id}: {text} must have the languages {LANGUAGES}")


@cache
def load() -> MappingProxyType[str, Metric]:
    """All metrics by id, in the order of the contract.

    Raises:
        ValueError: An entry breaks a rule of the contract.
    """
    entries = tomllib.loads(_CONTRACT.read_text(encoding="utf-8"))
    return MappingProxyType({key: Metric(id=key, **entry) for key, entry in entries.items()})


def metric(key: str) -> Metric:
    """One metric.

    Raises:
        KeyError: The contract has no such metric.
    """
    try:
        return load()[key]
    except KeyError:
        raise KeyError(
            f"{key!r} is not in the metric contract; add it to {_CONTRACT.name} or use one of "
            f"{', '.join(load())}"
        ) from None
