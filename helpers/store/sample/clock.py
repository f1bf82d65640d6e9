"""The clock of demand: a time warp with mean 1, in which customers buy by BG/NBD exactly.

Purchases happen at a constant rate in operational time. Seasons, events, weekdays and hours make
operational time run faster or slower than the calendar's; over the whole span both are equal.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from helpers.store.sample.calendar import Calendar
from helpers.store.sample.columns import DAY

MONTH_DEMAND = (0.97, 0.86, 1.02, 1.0, 1.02, 1.0, 0.9, 0.92, 1.02, 1.06, 1.12, 1.11)
WEEKDAY_DEMAND = (1.05, 1.04, 1.02, 1.03, 0.97, 0.93, 0.96)
HOUR_DEMAND = (
    1.7, 0.8, 0.4, 0.25, 0.2, 0.25, 0.6, 1.3, 2.4, 3.8, 5.0, 4.9,
    4.4, 4.6, 4.9, 4.9, 4.7, 4.4, 4.3, 5.0, 6.2, 7.0, 6.4, 4.2,
)  # fmt: skip
PEAK_HOUR_DEMAND = (
    7.5, 3.4, 1.2, 0.5, 0.3, 0.4, 0.9, 1.8, 3.0, 4.6, 5.2, 4.6,
    4.1, 4.2, 4.4, 4.3, 4.2, 4.0, 4.0, 5.2, 7.2, 7.8, 7.0, 6.2,
)  # fmt: skip


@dataclass(frozen=True)
class Clock:
    """Operational time of the shop, in days.

    Attributes:
        speed: Operational days that pass in each calendar day; mean 1 before incidents.
        reached: Operational time at the start of each day, and at the end of the last.
        is_peak: Whether the day has an event's hours.
    """

    speed: np.ndarray
    reached: np.ndarray
    is_peak: np.ndarray

    @property
    def end(self) -> float:
        """Operational time at the end of the span."""
        return float(self.reached[-1])

    def day_of(self, operational: np.ndarray) -> np.ndarray:
        """Calendar day of operational times."""
        day = np.searchsorted(self.reached, operational, side="right") - 1
        return np.clip(day, 0, len(self.speed) - 1)

    def seconds(self, operational: np.ndarray) -> np.ndarray:
        """Calendar time of operational times, in seconds from the start."""
        day = self.day_of(operational)
        fraction = (operational - self.reached[day]) / self.speed[day]
        return day * DAY + self.second_of_day(day, fraction)

    def second_of_day(self, day: np.ndarray, fraction: np.ndarray) -> np.ndarray:
        """Second at which a fraction of the day's demand has come."""
        hours = np.arange(25.0)
        usual = np.interp(fraction, _cumulative(HOUR_DEMAND), hours)
        peak = np.interp(fraction, _cumulative(PEAK_HOUR_DEMAND), hours)
        second = (np.where(self.is_peak[day], peak, usual) * 3600).astype(np.int64)
        return np.clip(second, 0, DAY - 1)


def _cumulative(weights: tuple[float, ...]) -> np.ndarray:
    reached = np.concatenate([[0.0], np.cumsum(weights)])
    return reached / reached[-1]


def make_clock(calendar: Calendar, *, seasons: bool, lost: np.ndarray) -> Clock:
    """The clock of a shop.

    Args:
        calendar: Brings the events' factors.
        seasons: Whether months and weekdays differ.
        lost: Factor by day on purchases that incidents leave (1 where nothing happened); applied
            after the mean is set to 1.
    """
    speed = calendar.demand.copy()
    if seasons:
        speed *= month_curve(calendar) * np.array(WEEKDAY_DEMAND)[calendar.weekday]
    speed *= len(speed) / speed.sum()
    speed *= lost
    reached = np.concatenate([[0.0], np.cumsum(speed)])
    return Clock(speed, reached, calendar.is_peak)


def month_curve(calendar: Calendar) -> np.ndarray:
    """Seasonal factor by day, without steps between months."""
    rough = np.array(MONTH_DEMAND)[calendar.month - 1]
    width = 15
    padded = np.pad(rough, width, mode="edge")
    return np.convolve(padded, np.full(2 * width + 1, 1 / (2 * width + 1)), mode="valid")
