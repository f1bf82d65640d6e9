"""What visits do once they are there: leave, look, put in the cart, check out, order.

A closed funnel of visits, step by step: a visit that reached a step has passed those before. Rates
are of the visits that table `sessions` knows, over the 13 weeks to the period's end (the period if
longer), so that rare steps can be told; visits of one person hang together, and the intervals count
people. Source: plan 2.2, 3.3.
"""

from __future__ import annotations

import math
from datetime import timedelta
from typing import TYPE_CHECKING

from helpers.measures.frames import one_row
from helpers.measures.purchases import SMALLEST_GROUP
from helpers.plan.periods import Period
from helpers.store.errors import MissingTable

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pandas as pd

    from helpers.store.open import Store

WINDOW_DAYS = 91
STEPS = {
    "stayed": "is_bounce",
    "cart": "added_to_cart",
    "checkout": "began_checkout",
    "order": "order_id",
}
CELL = ("channel", "device", "landing_page")
SUMS = ("entered", "reached", "squares", "products", "entered_squares", "people")
UNKNOWN = "unknown"


def window_of(store: Store, period: Period, *, years_back: int = 0) -> Period:
    """The days that a period's figures rest on, or the same days of an earlier year.

    Raises:
        MissingTable: Visits are unknown for some of them.
    """
    store.require("sessions", "visitor_id", "started_at", "channel")
    end = min(period.end, store.as_of)
    start = min(period.start, end - timedelta(days=WINDOW_DAYS - 1))
    if start > end:
        raise MissingTable("sessions", ("started_at",), "short")
    # 52 weeks, so that both have the same weekdays.
    back = timedelta(days=364 * years_back)
    window = Period(start - back, end - back)
    sessions = store.table("sessions")
    ends = store.once("sessions.ends", lambda: store.to_frame(sessions.aggregate(
        first=sessions.started_at.min(), last=sessions.started_at.max()
    )).iloc[0])  # fmt: skip
    if not ends["first"].date() <= window.start or ends["last"].date() < window.start:
        raise MissingTable("sessions", ("started_at",), "short")
    return window


def steps_of(store: Store) -> tuple[str, ...]:
    """Steps that the store's visits tell, in order; without orders there is no funnel.

    Raises:
        MissingTable: Visits are unknown or name no orders.
    """
    store.require("sessions", "order_id")
    empty = store.quality["empty_columns"].get("sessions", ())
    return tuple(step for step, column in STEPS.items() if column not in empty)


def cells(store: Store, window: Period) -> pd.DataFrame:
    """Visits of a window by channel, device, landing page and step, as sums over people.

    Returns:
        One row per cell and step: `channel`, `device`, `landing_page`, `step` (those of
        `steps_of`; `all`: order of all visits), `entered` (visits that reached the step before),
        `reached`, `squares`, `products`, `entered_squares` (sums over people of reached², reached x
        entered, entered²), `people` (with a visit that entered).
    """
    key = f"landing.{window.start}.{window.end}"
    found: pd.DataFrame = store.once(key, lambda: _cells(store, window))
    return found


def _cells(store: Store, window: Period) -> pd.DataFrame:
    import pandas as pd

    steps = steps_of(store)
    people = _by_person(store, window, steps)
    pairs = [("visits" if i == 0 else steps[i - 1], step, step) for i, step in enumerate(steps)]
    pairs.append(("visits", "order", "all"))
    sums: dict[str, ir.Scalar] = {}
    for before, step, name in pairs:
        m, k = people[before], people[step]
        sums |= {
            f"{name}:entered": m.sum(), f"{name}:reached": k.sum(),
            f"{name}:squares": (k * k).sum(), f"{name}:products": (k * m).sum(),
            f"{name}:entered_squares": (m * m).sum(), f"{name}:people": (m > 0).sum(),
        }  # fmt: skip
    grouped = people.group_by(*CELL).aggregate(**sums)
    wide = store.to_frame(grouped.order_by(*CELL))
    parts = []
    for _, _, name in pairs:
        columns = {f"{name}:{one}": one for one in SUMS}
        part = wide[[*CELL, *columns]].rename(columns=columns).assign(step=name)
        parts.append(part.astype(dict.fromkeys(SUMS, "float64")))
    return pd.concat(parts, ignore_index=True)


def _by_person(store: Store, window: Period, steps: tuple[str, ...]) -> ir.Table:
    """Each person's visits in each cell, and how many of them reached each step."""
    found = visits(store, window)
    reached = {}
    later = None
    for step in reversed(steps):
        column = found[STEPS[step]]
        own = column.notnull() if step == "order" else column.fill_null(step == "stayed")
        own = ~own if step == "stayed" else own
        later = own if later is None else own | later
        reached[step] = later
    flags = found.select("shop_id", "visitor_id", *CELL, **reached)
    counts = {step: flags[step].cast("int64").sum() for step in steps}
    return flags.group_by("shop_id", "visitor_id", *CELL).aggregate(visits=flags.count(), **counts)


def visits(store: Store, window: Period) -> ir.Table:
    """Table `sessions` in a window, unknown devices and pages named `unknown`."""
    sessions = store.table("sessions")
    day = sessions.started_at.date()
    sessions = sessions.filter(day >= window.start, day <= window.end)
    names = ("device", "landing_page")
    return sessions.mutate(**{name: sessions[name].fill_null(UNKNOWN) for name in names})


def rates(frame: pd.DataFrame, *by: str) -> pd.DataFrame:
    """Cells summed by some of their columns and the step, with the rate of each step.

    Returns:
        `by`, `step`, `SUMS`, `rate`, `low`, `high` (95 %; Wilson's with the number of visits that,
        independent, would vary as people's do), `error` (half the interval / 1.96). Empty rates
        where fewer than 10 people entered.
    """
    return with_rates(frame.groupby([*by, "step"], sort=False)[list(SUMS)].sum().reset_index())


def with_rates(found: pd.DataFrame) -> pd.DataFrame:
    """Rows of `SUMS` with their `rate`, `low`, `high` and `error`, as `rates` says."""
    import numpy as np

    from helpers.models.intervals import wilson

    entered = found["entered"].where(found["people"] >= SMALLEST_GROUP)
    rate = found["reached"] / entered
    spread = (
        found["squares"] - 2 * rate * found["products"] + rate**2 * found["entered_squares"]
    ).clip(lower=0)
    variance = spread / entered**2 * found["people"] / (found["people"] - 1).clip(lower=1)
    alone = rate * (1 - rate)
    worth = np.minimum(alone / variance.where(variance > 0), entered).fillna(entered)
    n = worth.fillna(0.0)
    low, high = wilson((rate * n).fillna(0.0), n)
    found = found.assign(rate=rate, low=low, high=high)
    return found.assign(error=(found["high"] - found["low"]) / 2 / 1.96)


def bounce_rate(store: Store, period: Period) -> pd.DataFrame:
    """Visits that left without doing anything / visits.

    Returns:
        One row, `frames.COLUMNS`, 0 to 1; n people; over the 13 weeks to the period's end.

    Raises:
        MissingTable: Visits, or whether they bounced, are unknown.

    Source: plan 2.2.
    """
    store.require("sessions", "is_bounce")
    row = _of_all(store, period, "stayed")
    return one_row(
        1 - row["rate"], low=1 - row["high"], high=1 - row["low"], n=row["people"],
        numerator=row["entered"] - row["reached"], denominator=row["entered"],
    )  # fmt: skip


def checkout_completion(store: Store, period: Period) -> pd.DataFrame:
    """Visits that ordered / visits that went to the checkout.

    Returns:
        One row, `frames.COLUMNS`, 0 to 1; n people; over the 13 weeks to the period's end.

    Raises:
        MissingTable: Visits, or whether they went to the checkout, are unknown.

    Source: plan 3.3.
    """
    store.require("sessions", "began_checkout")
    row = _of_all(store, period, "order")
    return one_row(
        row["rate"], low=row["low"], high=row["high"], n=row["people"],
        numerator=row["reached"], denominator=row["entered"],
    )  # fmt: skip


def _of_all(store: Store, period: Period, step: str) -> dict[str, float]:
    found = rates(cells(store, window_of(store, period)))
    row = found[found["step"] == step].to_dict("records")[0]
    if math.isnan(row["rate"]):
        raise MissingTable("sessions", ("started_at",), "short")
    return {str(name): value for name, value in row.items()}


def landing_by_channel(store: Store, period: Period) -> pd.DataFrame:
    """What the visits of each channel do, most visits first.

    Returns:
        `channel`, `visits`, `share` (of visits), `bounce`, `bounce_low`, `bounce_high`,
        `bounce_last_year`, `seconds` (mean time of a visit), `pages` (mean), `cart`, `checkout`,
        `order` (visits that got so far / visits), `order_low`, `order_high` (0 to 1; 95 %),
        `order_last_year`. Empty where unknown, and for channels of fewer than 10 people.

    Raises:
        MissingTable: Visits or their orders are unknown for the 13 weeks.

    Source: plan 2.2, 3.3.
    """
    return _side_by_side(store, period, "channel")


def landing_by_device(store: Store, period: Period) -> pd.DataFrame:
    """As `landing_by_channel`, by `device`. Source: plan 3.3."""
    return _side_by_side(store, period, "device")


def landing_by_page(store: Store, period: Period) -> pd.DataFrame:
    """As `landing_by_channel`, by `landing_page` on which visits begin. Source: plan 2.2, 3.3."""
    return _side_by_side(store, period, "landing_page")


def _side_by_side(store: Store, period: Period, by: str) -> pd.DataFrame:
    window = window_of(store, period)
    found = _of_visits(cells(store, window), by)
    try:
        then = _of_visits(cells(store, window_of(store, period, years_back=1)), by).set_index(by)
    except MissingTable:
        then = found.set_index(by).iloc[:0]
    found = found.merge(_time(store, window, by), on=by, how="left")
    for name in ("bounce", "order"):
        found[f"{name}_last_year"] = found[by].map(then[name])
    names = [by, "visits", "share", "bounce", "bounce_low", "bounce_high", "bounce_last_year",
             "seconds", "pages", "cart", "checkout", "order", "order_low", "order_high",
             "order_last_year"]  # fmt: skip
    return found[names].sort_values(["visits", by], ascending=[False, True], ignore_index=True)


def _of_visits(frame: pd.DataFrame, by: str) -> pd.DataFrame:
    """Rates of all visits by one column of the cells."""
    import pandas as pd

    found = rates(frame, by)
    of = {step: part.set_index(by) for step, part in found.groupby("step")}
    every = of["all"]
    enough = every["people"] >= SMALLEST_GROUP
    total = every["entered"]
    stayed = of.get("stayed")
    columns = {
        "visits": total, "share": total / total.sum(), "order": every["rate"],
        "order_low": every["low"], "order_high": every["high"],
    }  # fmt: skip
    if stayed is not None:
        columns |= {"bounce": 1 - stayed["rate"], "bounce_low": 1 - stayed["high"],
                    "bounce_high": 1 - stayed["low"]}  # fmt: skip
    for step in ("cart", "checkout"):
        if step in of:
            columns[step] = (of[step]["reached"] / total).where(enough)
    names = ["visits", "share", "bounce", "bounce_low", "bounce_high", "cart", "checkout", "order",
             "order_low", "order_high"]  # fmt: skip
    shown = pd.DataFrame(columns)[enough].reindex(columns=names)
    few = _few(every["reached"][enough])
    for name in ("order", "order_low", "order_high"):
        shown[name] = shown[name].mask(few)
    return shown.rename_axis(by).reset_index()


def _few(counts: pd.Series) -> pd.Series:
    """Counts of 1 to 9, and the next smallest where the total less the rest would tell them."""
    few = counts.between(1, SMALLEST_GROUP - 1)
    rest = counts[~few & (counts > 0)]
    if 0 < counts[few].sum() < SMALLEST_GROUP and len(rest):
        few = few | (counts.index == rest.idxmin())
    return few


def _time(store: Store, window: Period, by: str) -> pd.DataFrame:
    found = visits(store, window)
    grouped = found.group_by(by).aggregate(
        seconds=found.duration_seconds.mean(), pages=found.page_views.mean()
    )
    return store.to_frame(grouped.order_by(by))


def device_steps(store: Store, period: Period) -> pd.DataFrame:
    """The closed funnel of each device, step by step.

    Returns:
        One row per device and step (`stayed`, `cart`, `checkout`, `order`, as far as known),
        devices by visits: `device`, `step`, `entered`, `reached` (visits), `rate`, `low`, `high`
        (reached / entered; 95 %). Empty where fewer than 10 people entered or visits ordered.

    Raises:
        MissingTable: Visits, their device or their orders are unknown for the 13 weeks.

    Source: plan 3.3.
    """
    window = window_of(store, period)
    store.require("sessions", "device")
    found = rates(cells(store, window), "device")
    size = found[found["step"] == "all"].set_index("device")["entered"]
    found = found[found["step"] != "all"].assign(size=found["device"].map(size))
    place = {step: i for i, step in enumerate(STEPS)}
    found["place"] = found["step"].map(place)
    found = found.sort_values(["size", "device", "place"], ascending=[False, True, True])
    for step, part in found.groupby("step"):
        few = _few(part["reached"]) | part["rate"].isna()
        hidden = few[few].index
        columns = ["reached", "rate", "low", "high"] if step == "order" else []
        found.loc[hidden, columns] = math.nan
        found.loc[part.index[part["rate"].isna()], ["entered", "reached"]] = math.nan
    names = ["device", "step", "entered", "reached", "rate", "low", "high"]
    return found[names].reset_index(drop=True)
