"""Weeks of spend and new customers, as the response model reads them.

Source: plan 2.2, 4.2.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from helpers.measures.channel_days import (
    channel_days,
    require_customers,
    within,
)
from helpers.plan import calendar
from helpers.plan.periods import Period
from helpers.store.errors import MissingTable

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from helpers.store.open import Store

RESPONSE_KINDS = ("ads", "content", "slot_fee")
CARRIED_WEEKS = 7
MOST_WEEKS = 104
FEWEST_WEEKS = 40
SEASON_WEEKS = 78
SMALLEST_SHARE = 0.02
WEEK_DAYS = 7
WEEKS_PER_MONTH = 365.25 / 12 / 7
WEEKS_PER_YEAR = 365.25 / 7


@dataclass(frozen=True)
class SpendWeeks:
    """Complete weeks, Monday to Sunday, up to the period's end.

    Attributes:
        weeks: (T,) first day of each week; the first `CARRIED_WEEKS` only feed the carry-over.
        customers: (T,) new customers of all channels: what an advertisement brings may arrive by
            another channel.
        spend: (T, C) money by channel, the columns named; bookings further apart than a week are
            spread over the time until the next.
        calendar: (T, K) trend, seasons where two years show them, sales events.
        free_visitors: (T,) visitors of channels without spend, which show demand; None where
            traffic is unknown.
    """

    weeks: pd.DatetimeIndex
    customers: np.ndarray
    spend: pd.DataFrame
    calendar: np.ndarray
    free_visitors: np.ndarray | None

    @property
    def controls(self) -> np.ndarray:
        """(T, K) the calendar, and the log of free visitors: what season the calendar leaves.

        Without it what is left of the season passes for response: in simulated stores with a season
        of their own shape the true return lay in 50 to 95 % of the 95 % intervals, with it in 90
        to 100 %. Free visitors whom advertising inspired are taken for demand, so that its return
        is understated by them.
        """
        import numpy as np

        if self.free_visitors is None:
            return self.calendar
        return np.column_stack([self.calendar, np.log(self.free_visitors)])

    @property
    def channels(self) -> list[str]:
        """Channels with spend, in the order of the columns."""
        return [str(name) for name in self.spend.columns]


def spend_weeks(store: Store, period: Period) -> SpendWeeks:
    """The last 104 weeks (and the seven before them) that end in the period.

    Channels are those on which ads, content or slot fees were bought, with at least 2 % of such
    spend in these weeks; commission follows sales and is left out.

    Raises:
        MissingTable: Spend or customers are unknown, or for fewer than 47 weeks.
    """
    require_customers(store, Period(store.first_day, period.end))
    store.require("ad_spend", "day", "channel", "campaign", "kind", "spend")
    weeks = _weeks(store, within(store, period).end)
    spend = _spend(store, weeks)
    if spend.empty:
        raise MissingTable("ad_spend", ("kind",), "short")
    spend = spend[spend.sum(axis=1).ne(0).cummax()]
    weeks = weeks[-len(spend) :]
    if len(weeks) < FEWEST_WEEKS + CARRIED_WEEKS:
        raise MissingTable("ad_spend", ("day",), "short")
    span = Period(weeks[0].date(), weeks[-1].date() + timedelta(days=WEEK_DAYS - 1))
    days = channel_days(store, span)
    customers = _by_week(days, "new_customers", weeks)
    free = days[~days["channel"].isin([*spend.columns, "crm"]) & days["visitors"].notna()]
    known = store.has("traffic_daily") and not free.empty
    visitors = _by_week(free, "visitors", weeks) if known else None
    if visitors is not None and not (visitors > 0).all():
        visitors = None
    return SpendWeeks(weeks, customers, spend, _calendar(weeks), visitors)


def _weeks(store: Store, end: date) -> pd.DatetimeIndex:
    """Mondays of the complete weeks between the store's first day and the end."""
    import pandas as pd

    first = store.first_day + timedelta(days=-store.first_day.weekday() % WEEK_DAYS)
    last = end - timedelta(days=(end.weekday() + 1) % WEEK_DAYS + WEEK_DAYS - 1)
    found = pd.date_range(first, last, freq="7D") if first <= last else pd.DatetimeIndex([])
    return found[-(MOST_WEEKS + CARRIED_WEEKS) :]


def _spend(store: Store, weeks: pd.DatetimeIndex) -> pd.DataFrame:
    """Money by week and channel, the largest channels; no column where nothing was bought."""
    import ibis
    import pandas as pd

    if not len(weeks):
        raise MissingTable("ad_spend", ("day",), "short")
    last = weeks[-1].date() + timedelta(days=WEEK_DAYS - 1)
    table = store.table("ad_spend")
    table = table.filter(
        table.kind.fill_null("ads").isin(RESPONSE_KINDS), table.spend > 0, ibis._.day <= last
    )
    grouped = table.group_by("channel", "campaign", "day").aggregate(
        spend=table.spend.sum().cast("float64")
    )
    frame = store.to_frame(grouped.order_by("channel", "campaign", "day"))
    days = pd.date_range(weeks[0], last)
    columns: dict[str, pd.Series] = {}
    for (channel, _), part in frame.groupby(["channel", "campaign"], sort=True):
        series = _spread(part.set_index("day")["spend"], pd.Timestamp(last)).reindex(days)
        columns[str(channel)] = series.fillna(0.0).add(columns.get(str(channel), 0.0))
    wide = pd.DataFrame(columns, index=days)
    weekly = wide.to_numpy().reshape(len(weeks), WEEK_DAYS, -1).sum(axis=1)
    spend = pd.DataFrame(weekly, index=weeks, columns=wide.columns)
    share = spend.sum() / max(float(spend.to_numpy().sum()), 1e-9)
    return spend.loc[:, share >= SMALLEST_SHARE]


def _spread(bookings: pd.Series, last: pd.Timestamp) -> pd.Series:
    """A campaign's money by day; bookings more than a week apart work until the next one."""
    import numpy as np
    import pandas as pd

    days = pd.DatetimeIndex(bookings.index)
    gaps = np.diff(np.append(days.values, np.datetime64(last) + np.timedelta64(1, "D")))
    lengths = (gaps / np.timedelta64(1, "D")).astype(int)
    if len(days) < 2 or np.median(lengths[:-1]) <= WEEK_DAYS:
        return bookings
    longest = int(np.median(lengths[:-1]))
    spread: dict[pd.Timestamp, float] = {}
    for day, money, length in zip(days, bookings, lengths, strict=True):
        until = max(longest if day == days[-1] else int(length), 1)
        for step in range(until):
            spread[day + pd.Timedelta(days=step)] = float(money) / until
    return pd.Series(spread, dtype=float)


def _by_week(days: pd.DataFrame, column: str, weeks: pd.DatetimeIndex) -> np.ndarray:
    import pandas as pd

    every = pd.date_range(weeks[0], periods=WEEK_DAYS * len(weeks))
    by_day = days.groupby("day")[column].sum().reindex(every, fill_value=0.0)
    found: np.ndarray = by_day.to_numpy(float).reshape(len(weeks), WEEK_DAYS).sum(axis=1)
    return found


def _calendar(weeks: pd.DatetimeIndex) -> np.ndarray:
    """Trend in years, two yearly waves where 78 weeks are there, and days of each sales event."""
    import numpy as np

    years = np.arange(len(weeks)) / WEEKS_PER_YEAR
    columns = [years]
    if len(weeks) >= SEASON_WEEKS:
        for wave in (1, 2):
            angle = 2 * np.pi * wave * years
            columns += [np.sin(angle), np.cos(angle)]
    span = Period(weeks[0].date(), weeks[-1].date() + timedelta(days=WEEK_DAYS - 1))
    by_event: dict[str, np.ndarray] = {}
    for event in calendar.in_period(span):
        held = np.array([_days_inside(week.date(), event) for week in weeks], dtype=float)
        by_event[event.event] = by_event.get(event.event, 0.0) + held / WEEK_DAYS
    columns += [found for _, found in sorted(by_event.items()) if found.any()]
    return np.column_stack(columns)


def _days_inside(week: date, event: calendar.Event) -> int:
    """Days of a week on which an event sells."""
    first, last = max(week, event.start), min(week + timedelta(days=WEEK_DAYS - 1), event.end)
    return max((last - first).days + 1, 0)
