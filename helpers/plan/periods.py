"""Periods of a report: what text names them, what they are compared with."""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta

CALENDAR_KINDS = ("month", "quarter", "year")
KINDS = (*CALENDAR_KINDS, "range", "event")
_MONTH = re.compile(r"(\d{4})-(0[1-9]|1[0-2])")
_QUARTER = re.compile(r"(\d{4})-Q([1-4])")
_YEAR = re.compile(r"\d{4}")
_RANGE = re.compile(r"(\d{4}-\d{2}-\d{2})\.\.(\d{4}-\d{2}-\d{2})")


@dataclass(frozen=True, order=True)
class Period:
    """A span of whole days in the store's time zone, first and last day included."""

    start: date
    end: date
    kind: str = "range"
    name: str = ""

    def __post_init__(self) -> None:
        if self.end < self.start:
            raise ValueError(
                f"period {self.start}..{self.end} ends before it starts; give the earlier day first"
            )

    @property
    def days(self) -> int:
        """Number of days."""
        return (self.end - self.start).days + 1

    @property
    def label(self) -> str:
        """The text that `parse_period` reads back: 2011-11, 2011-Q4, 2011 or a range."""
        if self.kind == "month":
            return f"{self.start:%Y-%m}"
        if self.kind == "quarter":
            return f"{self.start.year}-Q{(self.start.month + 2) // 3}"
        if self.kind == "year":
            return f"{self.start:%Y}"
        return f"{self.start}..{self.end}"

    def previous(self) -> Period:
        """The period of the same kind just before; a range of as many days for ranges."""
        if self.kind == "month":
            return month_of(self.start - timedelta(days=1))
        if self.kind == "quarter":
            return quarter_of(self.start - timedelta(days=1))
        if self.kind == "year":
            return year_of(self.start.year - 1)
        end = self.start - timedelta(days=1)
        return Period(end - timedelta(days=self.days - 1), end, "range")

    def last_year(self) -> Period:
        """The same dates one year earlier (29 February becomes the 28th)."""
        if self.kind in CALENDAR_KINDS:
            whole = {"month": month_of, "quarter": quarter_of}.get(self.kind)
            earlier = _year_before(self.start)
            return whole(earlier) if whole else year_of(earlier.year)
        return Period(_year_before(self.start), _year_before(self.end), self.kind, self.name)

    def months(self) -> tuple[Period, ...]:
        """The calendar months that the period touches, oldest first."""
        found = [month_of(self.start)]
        while found[-1].end < self.end:
            found.append(month_of(found[-1].end + timedelta(days=1)))
        return tuple(found)

    def back(self, count: int) -> tuple[Period, ...]:
        """The period and the `count - 1` before it, oldest first."""
        found = [self]
        while len(found) < count:
            found.insert(0, found[0].previous())
        return tuple(found)

    def trailing(self, days: int = 365) -> Period:
        """The `days` days that end with this period."""
        return Period(self.end - timedelta(days=days - 1), self.end)

    def contains(self, day: date) -> bool:
        """Whether the day lies in the period."""
        return self.start <= day <= self.end


def _year_before(day: date) -> date:
    last = monthrange(day.year - 1, day.month)[1]
    return day.replace(year=day.year - 1, day=min(day.day, last))


def month_of(day: date) -> Period:
    """The calendar month that holds the day."""
    start = day.replace(day=1)
    return Period(start, start.replace(day=monthrange(day.year, day.month)[1]), "month")


def quarter_of(day: date) -> Period:
    """The calendar quarter that holds the day."""
    first = (day.month - 1) // 3 * 3 + 1
    end = month_of(day.replace(month=first + 2, day=1)).end
    return Period(date(day.year, first, 1), end, "quarter")


def year_of(year: int) -> Period:
    """The calendar year."""
    return Period(date(year, 1, 1), date(year, 12, 31), "year")


def last_complete_month(last_day: date) -> Period:
    """The latest month whose last day is not after `last_day`."""
    month = month_of(last_day)
    return month if month.end == last_day else month.previous()


def parse_period(
    text: str, first_day: date, last_day: date, *, today: date | None = None
) -> Period:
    """Read a period as the run's arguments write it.

    Args:
        text: `2011-11`, `2011-Q4`, `2011`, `2011-10-24..2011-11-20`, `last-month` (the month before
            today) or empty (the last complete month in the data).
        first_day: First day with data.
        last_day: Last day with data.
        today: The day it is; the machine's date when not given.

    Raises:
        ValueError: The text names no period, or one without data.
    """
    period = _read(text.strip(), first_day, last_day, today or date.today())
    if period.end < first_day or period.start > last_day:
        raise ValueError(
            f"period {text or period.label!r} has no data: the store's data run from {first_day} "
            f"to {last_day}; give a --period inside"
        )
    return period


def _read(text: str, first_day: date, last_day: date, today: date) -> Period:
    if not text:
        complete = last_complete_month(last_day)
        return complete if complete.end >= first_day else month_of(last_day)
    if text == "last-month":
        return month_of(today).previous()
    try:
        if found := _MONTH.fullmatch(text):
            return month_of(date(int(found[1]), int(found[2]), 1))
        if found := _QUARTER.fullmatch(text):
            return quarter_of(date(int(found[1]), int(found[2]) * 3, 1))
        if _YEAR.fullmatch(text):
            return year_of(int(text))
        if found := _RANGE.fullmatch(text):
            return Period(date.fromisoformat(found[1]), date.fromisoformat(found[2]))
    except ValueError as error:
        raise ValueError(f"--period {text!r}: {error}") from error
    raise ValueError(
        f"--period {text!r} is no period; write 2011-11, 2011-Q4, 2011, "
        "2011-10-24..2011-11-20 or last-month"
    )
