"""Records held column by column: dataclasses whose fields are arrays of one length."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Any, TypeVar

import numpy as np

Record = TypeVar("Record")
NO_TIME = np.iinfo(np.int64).min
DAY = 86_400


def concatenate(parts: Sequence[Record]) -> Record:
    """One record set after another."""
    first: Any = parts[0]
    return type(first)(
        *(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(first))
    )


def take(record: Record, rows: np.ndarray) -> Record:
    """The rows of an index or mask."""
    whole: Any = record
    return type(whole)(*(getattr(whole, field.name)[rows] for field in fields(whole)))


def day_number(seconds: np.ndarray) -> np.ndarray:
    """Day, counted from the start, of times in seconds from the start."""
    return seconds // DAY


def allocate(totals: np.ndarray, weights: np.ndarray, group: np.ndarray) -> np.ndarray:
    """Whole-cent shares of each group's total in proportion to `weights`; they add up exactly.

    Args:
        totals: Cents by group.
        weights: Positive weights by row.
        group: The row's group, ascending from 0, none empty.
    """
    starts = np.searchsorted(group, np.arange(len(totals)))
    running = np.cumsum(weights, dtype=np.int64)
    before = (running - weights)[starts]
    sums = np.append(before[1:], running[-1]) - before if len(totals) else before
    reached = np.rint(totals[group] * ((running - before[group]) / sums[group])).astype(np.int64)
    shares = np.diff(reached, prepend=0)
    shares[starts] = reached[starts]
    return shares
