"""The commerce calendar: sales events by year, from `data/plan/calendar.csv`.

Dates differ between platforms and from year to year: the file is for the shop to edit.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from helpers.plan.periods import CALENDAR_KINDS, Period
from helpers.plan.targets import PLAN_FOLDER

NAMES = {
    "new_year_goods": {"en": "New Year goods festival", "zh": "年货节"},
    "spring_festival": {"en": "Spring Festival", "zh": "春节"},
    "women_day": {"en": "8 March sale", "zh": "38节"},
    "618": {"en": "618", "zh": "618"},
    "double_11": {"en": "Double 11", "zh": "双11"},
    "double_12": {"en": "Double 12", "zh": "双12"},
    "black_friday": {"en": "Black Friday", "zh": "黑色星期五"},
}
ABROAD = ("black_friday",)
_COLUMNS = ["event", "year", "pre_sale_start", "start", "peak", "end", "return_window_days"]


@dataclass(frozen=True)
class Event:
    """One sales event of one year, first and last days included."""

    event: str
    year: int
    pre_sale_start: date | None
    start: date
    peak: date
    end: date
    return_window_days: int

    @property
    def sale(self) -> Period:
        """From the first day of the pre-sale to the last day of the sale."""
        return Period(self.pre_sale_start or self.start, self.end, "event", self.event)

    @property
    def whole(self) -> Period:
        """From the first day of the pre-sale to the end of the return window."""
        closed = self.end + timedelta(days=self.return_window_days)
        return Period(self.pre_sale_start or self.start, closed, "event", self.event)


def load(path: Path | None = None) -> tuple[Event, ...]:
    """All events, earliest first.

    Raises:
        ValueError: A row breaks a rule of the file; the message names the line.
    """
    path = path or PLAN_FOLDER / "calendar.csv"
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file)
        if rows.fieldnames != _COLUMNS:
            raise ValueError(f"{path.name}: columns {rows.fieldnames}, must be {_COLUMNS}")
        found = [_event(row, f"{path.name} line {rows.line_num}") for row in rows]
    return tuple(sorted(found, key=lambda event: (event.start, event.event)))


def _event(row: dict[str, str], where: str) -> Event:
    if row["event"] not in NAMES:
        raise ValueError(f"{where}: event {row['event']!r}, must be one of {sorted(NAMES)}")
    start, peak, end = (date.fromisoformat(row[name]) for name in ("start", "peak", "end"))
    before = date.fromisoformat(row["pre_sale_start"]) if row["pre_sale_start"] else None
    if not (before or start) <= start <= peak <= end:
        raise ValueError(f"{where}: {row['event']} must have pre-sale <= start <= peak <= end")
    return Event(
        row["event"], int(row["year"]), before, start, peak, end, int(row["return_window_days"])
    )


def of_market(currency: str) -> tuple[Event, ...]:
    """The events that matter to a store: all of them in China, told by its currency CNY."""
    return tuple(one for one in load() if currency == "CNY" or one.event in ABROAD)


def in_period(period: Period, events: tuple[Event, ...] | None = None) -> tuple[Event, ...]:
    """Events whose sale, pre-sale included, touches the period."""
    every = load() if events is None else events
    return tuple(e for e in every if e.sale.start <= period.end and period.start <= e.sale.end)


def following(day: date, events: tuple[Event, ...] | None = None) -> Event | None:
    """The first event that starts after the day."""
    every = load() if events is None else events
    return next((event for event in every if event.start > day), None)


def aligned_last_year(period: Period, events: tuple[Event, ...] | None = None) -> Period:
    """The span of last year that stands as the period stands to its main event.

    Spring Festival moves by up to a month between years, so the same dates compare a holiday
    with a working month. The period is shifted with the last event whose peak it holds and the
    same dates of last year do not; a range follows its last event in any case. Where there is no
    such event, or none of last year is known, the dates stay.
    """
    every = load() if events is None else events
    same_dates = period.last_year()
    inside = [event for event in every if period.contains(event.peak)]
    before = {(event.event, event.year): event for event in every}
    for event in reversed(inside):
        earlier = before.get((event.event, event.year - 1))
        if earlier and not (period.kind in CALENDAR_KINDS and same_dates.contains(earlier.peak)):
            shift = event.peak - earlier.peak
            return Period(period.start - shift, period.end - shift, "range", event.event)
    return same_dates
