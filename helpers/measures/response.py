"""What spend brings: by channel the next customer's cost, and whether the shop's data can tell.

One response model is fitted to the weeks up to the period's end: new customers of the whole shop
against the spend of each channel, with carry-over and diminishing returns. Grade of evidence:
response model; test of spend where the shop has run one. Source: plan 2.2, 4.2.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from helpers.measures.spend_weeks import CARRIED_WEEKS, WEEK_DAYS, SpendWeeks, spend_weeks
from helpers.measures.traffic_actions import value_by_channel
from helpers.store.errors import MissingTable

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from helpers.models.response import ResponseFit, SpendTest
    from helpers.models.response_tellability import Verdict
    from helpers.plan.periods import Period
    from helpers.store.open import Store

NOW_WEEKS = 13
CURVE_STEPS = 21
FARTHEST = 1.5
HELD_OUT_WEEKS = 13
ENDS = (0.025, 0.975)
SPEND_REASONS = ("flat", "calendar", "demand", "together", "few_changes", "prior")


@dataclass(frozen=True)
class Response:
    """The fitted response of one shop, as of one day.

    Attributes:
        series: The weeks that it rests on.
        fit: Its fit; None where spend alone says that no channel can be told.
        verdicts: Whether each channel's response can be told.
        now: (C,) money a week, the mean of the last 13 weeks.
        demand: (S,) demand of these weeks, one a draw; empty without a fit.
        tests: Tests of spend that the fit knows.
    """

    series: SpendWeeks
    fit: ResponseFit | None
    verdicts: list[Verdict]
    now: np.ndarray
    demand: np.ndarray
    tests: tuple[SpendTest, ...]

    @property
    def tells(self) -> np.ndarray:
        """(C,) whether each channel's response can be told."""
        import numpy as np

        return np.array([verdict.tells for verdict in self.verdicts])


def shop_response(store: Store, period: Period) -> Response:
    """The response of the shop to its spend, fitted once while the store is open.

    Raises:
        MissingTable: Spend or customers are unknown, or for fewer than 47 weeks.
    """
    found: Response = store.once(f"response {period.end}", lambda: _fitted(store, period))
    return found


def response_by_channel(store: Store, period: Period) -> pd.DataFrame:
    """What one more unit of money brings on each channel, most spend first.

    Steady state at the spend of the last 13 complete weeks: what it brings in the weeks after is
    counted too. Estimates are empty where the channel's response can't be told.

    Returns:
        `channel`, `spend` (money a week now), `next_cost` (money that one more new customer costs),
        `next_cost_low`, `next_cost_high` (95 %), `average_cost` (money per new customer that the
        spend brings), `brought_share`, `brought_low`, `brought_high` (of the shop's new customers,
        0 to 1), `later_share` (of what a week's spend brings, what comes after that week),
        `customer_value` (contribution of a new customer's first 365 days; empty where cost is
        unknown), `value`, `low`, `high` (what one more unit of money brings in contribution; above
        1 it pays within a year), `grade` (`spend_test`, `response_model`), `verdict` (`more`,
        `less`, `enough`, `unsure` where the interval holds 1, `cannot_tell`, `no_value`), `reason`
        (why not: `flat`, `calendar`, `demand`, `together`, `few_changes`, `not_converged`,
        `season_left`, `prior`).

    Raises:
        MissingTable: As `shop_response`.

    Source: plan 2.2, 4.2.
    """
    import pandas as pd

    found = shop_response(store, period)
    values = customer_values(store, period, found.series.channels)
    rows = [_channel(found, place, values[place]) for place in range(len(found.verdicts))]
    frame = pd.DataFrame(rows)
    return frame.sort_values(["spend", "channel"], ascending=[False, True], ignore_index=True)


def response_summary(store: Store, period: Period) -> pd.DataFrame:
    """How many channels' response can be told, and why not where none can.

    Returns:
        One row: `told`, `channels` (counts), `reading` (`all`, `some`, `spend`: none, because spend
        did not vary by itself; `model`: none, because the model does not fit well enough).

    Raises:
        MissingTable: As `shop_response`.

    Source: plan 2.2.
    """
    import pandas as pd

    found = shop_response(store, period)
    told, channels = int(found.tells.sum()), len(found.verdicts)
    by_spend = any(verdict.reason in SPEND_REASONS for verdict in found.verdicts)
    reading = "all" if told == channels else "some" if told else "spend" if by_spend else "model"
    return pd.DataFrame([(told, channels, reading)], columns=["told", "channels", "reading"])


def response_curves(store: Store, period: Period) -> pd.DataFrame:
    """New customers a week that each channel's spend brings, from none to 1.5 times today's.

    Channels whose response can be told. Returns:
        `channel`, `spend` (money a week), `customers` (a week), `low`, `high` (95 %), `is_now`
        (today's spend), by channel and spend; no row where nothing can be told.

    Raises:
        MissingTable: As `shop_response`.

    Source: plan 2.2, 4.2.
    """
    import numpy as np
    import pandas as pd

    from helpers.models.response import brought

    found = shop_response(store, period)
    parts = []
    for place, channel in enumerate(found.series.channels):
        if found.fit is None or not found.tells[place]:
            continue
        for step in np.linspace(0, FARTHEST, CURVE_STEPS):
            spend = found.now.copy()
            spend[place] = found.now[place] * step
            draws = brought(found.fit, spend, found.demand)[:, place]
            low, high = np.quantile(draws, ENDS)
            at_today = bool(np.isclose(step, 1.0, atol=FARTHEST / CURVE_STEPS / 2))
            parts.append((channel, spend[place], draws.mean(), low, high, at_today))
    names = ["channel", "spend", "customers", "low", "high", "is_now"]
    return pd.DataFrame(parts, columns=names)


def response_check(store: Store, period: Period) -> pd.DataFrame:
    """How a fit that has not seen the last 13 weeks predicts them from their spend.

    This section looks at held-out time; the fit that is shown has seen all weeks.

    Returns:
        One row: `weeks`, `predicted`, `happened` (new customers), `error` (predicted / happened -
        1), `low`, `high` (95 % of what would be predicted for the sum, chance included),
        `reading` (`inside`, `outside`). No row where no channel can be told.

    Raises:
        MissingTable: As `shop_response`, or fewer than 26 weeks are left to fit.

    Source: plan 2.2.
    """
    import numpy as np
    import pandas as pd

    from helpers.models.response import FEWEST_PERIODS, fit_response
    from helpers.models.response_forecast import predicted

    names = ["weeks", "predicted", "happened", "error", "low", "high", "reading"]
    found = shop_response(store, period)
    series, cut = found.series, len(found.series.weeks) - HELD_OUT_WEEKS
    if not found.tells.any():
        return pd.DataFrame(columns=names)
    if cut < FEWEST_PERIODS + CARRIED_WEEKS:
        raise MissingTable("ad_spend", ("day",), "short")
    spend = series.spend.to_numpy()
    controls = series.controls[:, series.controls[:cut].std(axis=0) > 0]
    fit = fit_response(series.customers[:cut], spend[:cut], controls=controls[:cut])
    draws = predicted(fit, spend, controls, seen=cut).sum(axis=1)
    noise = np.sqrt(np.maximum(fit.noise * draws, 0.0))
    random = np.random.default_rng(0)
    low, high = np.quantile(random.normal(draws, noise), ENDS)
    happened = float(series.customers[cut:].sum())
    reading = "inside" if low <= happened <= high else "outside"
    row = (HELD_OUT_WEEKS, draws.mean(), happened, draws.mean() / happened - 1, low, high, reading)
    return pd.DataFrame([row], columns=names)


def customer_values(store: Store, period: Period, channels: list[str]) -> np.ndarray:
    """(C,) contribution of a new customer's first 365 days by channel; NaN where unknown.

    Channels with too few customers of a year ago take the mean of all.
    """
    import numpy as np

    try:
        values = value_by_channel(store, period).set_index("channel")["value"]
    except MissingTable:
        return np.full(len(channels), math.nan)
    return values.reindex(channels).fillna(values[""]).to_numpy(float)


def _fitted(store: Store, period: Period) -> Response:
    import numpy as np

    from helpers.models.response import fit_response
    from helpers.models.response_tellability import can_tell

    series = spend_weeks(store, period)
    spend = series.spend.to_numpy()
    tests = _tests(store, series)
    now = spend[-NOW_WEEKS:].mean(axis=0)
    alone = can_tell(spend, series.calendar, series.free_visitors)
    if not any(verdict.tells for verdict in alone):
        return Response(series, None, alone, now, np.empty(0), tests)
    fit = fit_response(series.customers, spend, controls=series.controls, tests=tests)
    verdicts = can_tell(spend, series.calendar, series.free_visitors, fit=fit, at=now)
    demand = fit.demand[:, -NOW_WEEKS:].mean(axis=1)
    return Response(series, fit, verdicts, now, demand, tests)


def _tests(store: Store, series: SpendWeeks) -> tuple[SpendTest, ...]:
    """The shop's tests of spend that lie within the weeks of the fit."""
    from helpers.models.response import SpendTest

    if not store.has("spend_tests"):
        return ()
    table = store.table("spend_tests")
    frame = store.to_frame(table.order_by("starts_on", "test_id"))
    found = []
    for row in frame.to_dict("records"):
        start, stop = (
            int((row[day] - series.weeks[0]).days // WEEK_DAYS) for day in ("starts_on", "ends_on")
        )
        if row["channel"] not in series.channels or not 0 <= start <= stop < len(series.weeks):
            continue
        if not row["standard_error"] > 0 or not row["extra_spend"]:
            continue
        place = series.channels.index(row["channel"])
        measured = (row["extra_spend"], row["extra_new_customers"], row["standard_error"])
        found.append(SpendTest(place, start, stop + 1, *(float(one) for one in measured)))
    return tuple(found)


def _channel(found: Response, place: int, worth: float) -> dict[str, object]:
    """One channel's row; `worth` is what a new customer brings."""
    import numpy as np

    from helpers.models.response import brought, contribution_shares, marginal

    channel, verdict = found.series.channels[place], found.verdicts[place]
    is_tested = any(test.channel == place for test in found.tests)
    row: dict[str, object] = {
        "channel": channel,
        "spend": float(found.now[place]),
        "customer_value": worth,
        "grade": "spend_test" if is_tested else "response_model",
        "reason": verdict.reason,
    }
    names = ("next_cost", "next_cost_low", "next_cost_high", "average_cost", "brought_share",
             "brought_low", "brought_high", "later_share", "value", "low", "high")  # fmt: skip
    if not verdict.tells or found.fit is None:
        return row | dict.fromkeys(names, math.nan) | {"verdict": "cannot_tell"}
    more = marginal(found.fit, found.now, found.demand)[:, place]
    low, high = np.quantile(more, ENDS)
    comes = brought(found.fit, found.now, found.demand)[:, place]
    shares = contribution_shares(found.fit)[:, place]
    figures = (1 / more.mean(), 1 / high, 1 / low, found.now[place] / comes.mean(), shares.mean(),
               *np.quantile(shares, ENDS), _later(found, place),
               worth * more.mean(), worth * low, worth * high)  # fmt: skip
    row |= dict(zip(names, (float(one) for one in figures), strict=True))
    return row | {"verdict": _verdict(worth * low, worth * high)}


def _later(found: Response, place: int) -> float:
    """Share of an effect that comes after its week: one less the first adstock weight."""
    from helpers.models.response_likelihood import adstock_weights

    assert found.fit is not None
    weights = adstock_weights(found.fit.carry_over[:, place], 8)
    return float(1 - weights[:, 0].mean())


def _verdict(low: float, high: float) -> str:
    if math.isnan(low):
        return "no_value"
    return "more" if low > 1 else "less" if high < 1 else "unsure"
