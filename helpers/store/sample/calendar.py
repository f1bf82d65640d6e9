"""The commerce calendar of the sample shop: events, pre-sales, the Spring Festival's stop."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from helpers.store.sample.settings import Setting

SPRING_FESTIVAL = {
    year: date(year, month, day)
    for year, month, day in (
        (2010, 2, 14), (2011, 2, 3), (2012, 1, 23), (2013, 2, 10), (2014, 1, 31), (2015, 2, 19),
        (2016, 2, 8), (2017, 1, 28), (2018, 2, 16), (2019, 2, 5), (2020, 1, 25), (2021, 2, 12),
        (2022, 2, 1), (2023, 1, 22), (2024, 2, 10), (2025, 1, 29), (2026, 2, 17), (2027, 2, 6),
        (2028, 1, 26), (2029, 2, 13), (2030, 2, 3),
    )
}  # fmt: skip


@dataclass(frozen=True)
class Phase:
    """Days on which an event changes the shop.

    Attributes:
        event: Name of the event.
        first: First day.
        last: Last day.
        demand: Factor on purchases.
        conversion: Factor on buyers per visitor.
        discount: Mean share of the list price that is given away; 0 leaves the usual one.
    """

    event: str
    first: date
    last: date
    demand: float
    conversion: float = 1.0
    discount: float = 0.0


@dataclass(frozen=True)
class PreSale:
    """Days of deposit 定金 and the days on which the balance 尾款 falls due."""

    event: str
    deposit_first: date
    deposit_last: date
    balance_first: date
    balance_last: date


def phases_of(year: int) -> tuple[Phase, ...]:
    """Phases of the events of one year."""

    def phase(event: str, first: tuple[int, int], last: tuple[int, int], *factors: float) -> Phase:
        return Phase(event, date(year, *first), date(year, *last), *factors)

    fixed = (
        phase("women_day", (3, 4), (3, 8), 1.65, 1.2, 0.22),
        phase("618", (5, 24), (5, 31), 0.82, 0.85),
        phase("618", (6, 1), (6, 3), 2.0, 1.3, 0.26),
        phase("618", (6, 4), (6, 14), 1.05, 1.0, 0.18),
        phase("618", (6, 15), (6, 18), 2.5, 1.35, 0.28),
        phase("618", (6, 19), (6, 26), 0.8, 0.95),
        phase("double_11", (10, 20), (10, 31), 0.78, 0.82),
        phase("double_11", (11, 1), (11, 3), 2.4, 1.35, 0.28),
        phase("double_11", (11, 4), (11, 9), 1.0, 1.0, 0.2),
        phase("double_11", (11, 10), (11, 11), 4.3, 1.55, 0.32),
        phase("double_11", (11, 12), (11, 22), 0.72, 0.9),
        phase("black_friday", (11, 24), (11, 28), 1.08, 1.0, 0.17),
        phase("double_12", (12, 9), (12, 12), 1.7, 1.2, 0.23),
    )
    return fixed + spring_festival_phases(year)


def spring_festival_phases(year: int) -> tuple[Phase, ...]:
    """Shopping for the new year 年货节, and the days on which the country rests."""
    eve = SPRING_FESTIVAL.get(year)
    if eve is None:
        return ()

    def phase(event: str, first: int, last: int, *factors: float) -> Phase:
        return Phase(event, eve + timedelta(first), eve + timedelta(last), *factors)

    return (
        phase("new_year_goods", -24, -12, 1.3, 1.1, 0.2),
        phase("spring_festival", -6, -4, 0.75, 0.9),
        phase("spring_festival", -3, 4, 0.42, 0.75),
        phase("spring_festival", 5, 10, 0.72, 0.9),
    )


def pre_sales_of(year: int) -> tuple[PreSale, ...]:
    """Pre-sales of one year: two waves each at 618 and Double 11."""

    def wave(event: str, *days: tuple[int, int]) -> PreSale:
        return PreSale(event, *(date(year, *day) for day in days))

    return (
        wave("618", (5, 26), (5, 31), (6, 1), (6, 3)),
        wave("618", (6, 9), (6, 14), (6, 16), (6, 18)),
        wave("double_11", (10, 24), (10, 31), (11, 1), (11, 3)),
        wave("double_11", (11, 4), (11, 9), (11, 10), (11, 11)),
    )


@dataclass(frozen=True)
class Calendar:
    """The shop's days, one entry a day.

    Attributes:
        month: Month, 1 to 12.
        weekday: 0 is Monday.
        demand: Factor of the events on purchases.
        conversion: Factor of the events on buyers per visitor.
        discount: Mean share of the list price given away in an event; 0 outside.
        stopped_until: Day on which parcels move again where they rest; else the day itself.
        deposit_first: First day of the deposits whose balance falls due that day; -1 for none.
        deposit_last: Last day of them.
    """

    month: np.ndarray
    weekday: np.ndarray
    demand: np.ndarray
    conversion: np.ndarray
    discount: np.ndarray
    stopped_until: np.ndarray
    deposit_first: np.ndarray
    deposit_last: np.ndarray

    @property
    def is_peak(self) -> np.ndarray:
        """Whether the day belongs to the loud days of an event."""
        return self.demand >= 1.5


def make_calendar(setting: Setting) -> Calendar:
    """The calendar of a shop; without events every factor is 1 and nothing rests."""
    days = np.datetime64(setting.starts_on) + np.arange(setting.days)
    number = np.arange(setting.days)
    none = np.full(setting.days, -1)
    calendar = Calendar(
        month=days.astype("datetime64[M]").astype(int) % 12 + 1,
        weekday=(days.astype(int) + 3) % 7,
        demand=np.ones(setting.days),
        conversion=np.ones(setting.days),
        discount=np.zeros(setting.days),
        stopped_until=number.copy(),
        deposit_first=none.copy(),
        deposit_last=none.copy(),
    )
    if setting.mechanisms.events:
        for year in range(setting.starts_on.year - 1, setting.ends_on.year + 2):
            _mark_year(calendar, setting, year)
    return calendar


def _days(setting: Setting, first: date, last: date) -> slice:
    return slice(max(setting.day_of(first), 0), max(setting.day_of(last) + 1, 0))


def _mark_year(calendar: Calendar, setting: Setting, year: int) -> None:
    for phase in phases_of(year):
        days = _days(setting, phase.first, phase.last)
        calendar.demand[days] *= phase.demand
        calendar.conversion[days] *= phase.conversion
        calendar.discount[days] = np.maximum(calendar.discount[days], phase.discount)
    for wave in pre_sales_of(year):
        days = _days(setting, wave.balance_first, wave.balance_last)
        calendar.deposit_first[days] = setting.day_of(wave.deposit_first)
        calendar.deposit_last[days] = setting.day_of(wave.deposit_last)
    eve = SPRING_FESTIVAL.get(year)
    if eve is not None:
        rest = _days(setting, eve - timedelta(2), eve + timedelta(4))
        calendar.stopped_until[rest] = setting.day_of(eve + timedelta(5))
