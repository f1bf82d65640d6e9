"""A measure's answer: its frame, or what the store lacks for it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from helpers.report.findings import Missing
from helpers.report.formats import is_missing

if TYPE_CHECKING:
    import pandas as pd

_SECTION = re.compile(r"\b[Pp]lan ((?:\d+(?:\.\d+)?)(?:(?:, | and )\d+\.\d+)*)")


@dataclass(frozen=True, eq=False)
class Measured:
    """What `report.measure` gives; the display calls take it whole.

    Attributes:
        name: `chapter.function` of the measure.
        answer: The measure's frame; None where it is missing.
        missing: What the store lacks; None where there is an answer.
        sources: Canonical tables and marts that were read.
        section: Section of the plan that the measure's docstring names.
    """

    name: str
    answer: pd.DataFrame | None
    missing: Missing | None = None
    sources: tuple[str, ...] = ()
    section: str = ""

    @property
    def frame(self) -> pd.DataFrame:
        """The frame; an empty one where the store can't say."""
        if self.answer is None:
            import pandas as pd

            return pd.DataFrame()
        return self.answer

    @property
    def empty(self) -> bool:
        """Whether there is nothing to show."""
        return self.answer is None or self.answer.empty

    def where(self, **equals: Any) -> Measured:
        """The rows whose columns equal these values (a list: are among them)."""
        if self.answer is None:
            return self
        frame = self.answer
        for name, wanted in equals.items():
            among = wanted if isinstance(wanted, (list, tuple, set)) else [wanted]
            frame = frame[frame[name].isin(list(among))]
        return replace(self, answer=frame)

    def without(self, **equals: Any) -> Measured:
        """The rows that `where` would leave out."""
        if self.answer is None:
            return self
        left_out = self.where(**equals).frame.index
        return replace(self, answer=self.answer.drop(index=left_out))

    def sort(self, column: str, *, ascending: bool = False) -> Measured:
        """The rows in the order of a column, the largest first; ties keep their order."""
        if self.answer is None:
            return self
        return replace(
            self, answer=self.answer.sort_values(column, ascending=ascending, kind="stable")
        )

    def by_size(self, column: str) -> Measured:
        """The rows with the largest figures of a column first, whichever their sign."""
        if self.answer is None:
            return self
        order = self.answer[column].abs().sort_values(ascending=False, kind="stable").index
        return replace(self, answer=self.answer.loc[order])

    def get(self, column: str, row: int = 0, **equals: Any) -> Any:
        """One value, for a sentence; None where there is no such row or it is empty."""
        frame = self.where(**equals).frame
        if len(frame) <= (row if row >= 0 else -row - 1):
            return None
        value = frame[column].iloc[row]
        return None if is_missing(value) else value

    def first_row(self) -> dict[str, Any]:
        """The first row as values for a sentence; none where there is no row."""
        frame = self.frame
        return {} if frame.empty else {str(k): v for k, v in frame.iloc[0].items()}

    def total(self, column: str, **equals: Any) -> float | None:
        """The sum of a column; None where there is no row."""
        frame = self.where(**equals).frame
        return None if frame.empty else float(frame[column].sum())


def plan_section(function: Callable[..., Any]) -> str:
    """The section of the plan that a measure's docstring names."""
    found = _SECTION.search(function.__doc__ or "")
    return found[1] if found else ""


def measure_name(function: Callable[..., Any]) -> str:
    """`chapter.function`, as the contract names measures."""
    return f"{function.__module__.rpartition('.')[2]}.{function.__name__}"


class Watched:
    """A store that notes which tables and marts are read through it."""

    def __init__(self, store: Any) -> None:
        """Wrap a store."""
        self._store = store
        self.read: dict[str, None] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def table(self, name: str) -> Any:
        """A canonical table; noted."""
        self.read[name] = None
        return self._store.table(name)

    def mart(self, name: str) -> Any:
        """A mart; noted."""
        self.read[name] = None
        return self._store.mart(name)
