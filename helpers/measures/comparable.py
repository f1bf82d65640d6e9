"""Members beside customers who were like them on the day of joining.

For each day on which somebody joined: those who joined, and the customers who were no members then
and had not been before, all with what was known of them at the end of that day. What happened is
looked at after it only. A customer may be compared on several days, and counts as one for the
interval. Source: plan 6.2; risk-set matching as Li, Propert and Rosenbaum (2001).
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from helpers.measures.contribution import valued_purchases
from helpers.measures.purchases import CUSTOMER, YEAR_DAYS, purchases
from helpers.store.errors import MissingTable

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import numpy as np
    import pandas as pd

    from helpers.models.matching import Pool
    from helpers.plan.periods import Period
    from helpers.store.open import Store

MOST_ROWS = 250_000
TENTHS_OF_A_MILLE = 10_000
SEASON_DAYS = 92
MOST_CHANNELS = 4
PURCHASE_BANDS = (0, 1, 2, 3)
SINCE_LAST_BANDS = (-1, 7, 30, 90, 180)
TENURE_BANDS = (-1, 90, 365)


def joined(store: Store, until: date) -> ir.Table:
    """One row per member as known at the end of a day: `shop_id`, `customer_id`, `joined_on`,
    `left_on`, `intake`, `tier`.

    Raises:
        MissingTable: The store has no members.
    """
    import ibis

    store.require("members", "joined_at")
    members = store.table("members")
    members = members.filter(members.joined_at.date() <= until)
    gone = members.left_at.date()
    return members.select(
        *CUSTOMER, "intake",
        joined_on=members.joined_at.date(),
        left_on=ibis.cases((gone <= until, gone)),
        tier=ibis.cases((members.tier_since <= until, members.tier)),
    )  # fmt: skip


def purchase_money(store: Store, period: Period, until: date) -> tuple[ir.Table, str]:
    """Purchase days up to a day with `money`, and what it is.

    Returns:
        The purchase days, and `contribution` (before marketing), or `paid_sales` where the cost of
        goods is not known.
    """
    days = purchases(store, until)
    try:
        valued = valued_purchases(store, period).select(*CUSTOMER, "day", money="value")
    except MissingTable:
        return days.mutate(money=days.paid_sales.cast("float64")), "paid_sales"
    joined = days.inner_join(valued, [*CUSTOMER, "day"])
    return joined.select(*days.columns, "money"), "contribution"


def risk_sets(store: Store, period: Period, *, window_days: int) -> tuple[pd.DataFrame, str]:
    """Those who joined on each day and a sample of those who had not, with outcomes after it.

    Joining days whose window is over by the period's end, of the 365 days before that. Where there
    are more than 250,000 pairs of a day and a customer, the same share of each day's others is
    drawn by a fixed hash; those who joined are all there.

    Returns:
        One row per customer and day: `treated`, `unit` (number of the customer), `day`,
        `purchase_days`, `since_last`, `since_first` (days), `paid` (money so far), `channel` (of
        the first purchase), `days_to_purchase`, `days_to_joining` (after the day; empty for never),
        `days_after` (purchase days in the window), `money_after` (in the window). Second: what that
        money is, `contribution` or `paid_sales`.

    Raises:
        MissingTable: The store has no members, or no joining day is old enough.
    """
    import ibis

    until = min(period.end, store.as_of)
    days, basis = purchase_money(store, period, until)
    history = _running(days)
    people = _at_risk(store, until, joining_days(store, until, window_days))
    state = _as_of(people, history, people.day)
    later = _as_of(state, history, state.day + ibis.interval(days=window_days), "later_")
    unit = ibis.dense_rank().over(ibis.window(order_by=[later.shop_id, later.customer_id]))
    rows = later.select(
        "treated", "day", "channel", "purchase_days", "paid",
        unit=unit,
        since_last=later.day.delta(later.last_day, unit="day"),
        since_first=later.day.delta(later.first_day, unit="day"),
        days_to_purchase=later.next_day.delta(later.day, unit="day"),
        days_to_joining=later.joined_on.delta(later.day, unit="day"),
        days_after=later.later_purchase_days - later.purchase_days,
        money_after=later.later_money - later.money,
    )  # fmt: skip
    return store.to_frame(rows.order_by("day", "unit")), basis


def joining_days(store: Store, until: date, window_days: int) -> tuple[date, date]:
    """First and last joining day whose window is over by a day, of 365 days."""
    last = until - timedelta(days=window_days)
    return max(last - timedelta(days=YEAR_DAYS - 1), store.first_day), last


def _running(days: ir.Table) -> ir.Table:
    """Purchase days with what the customer's purchases add up to so far."""
    import ibis

    so_far = ibis.window(
        group_by=[days.shop_id, days.customer_id], order_by=days.day, preceding=None, following=0
    )
    return days.select(
        *CUSTOMER, "day", "next_day",
        purchase_days="number",
        paid=days.paid_sales.cast("float64").sum().over(so_far),
        money=days.money.sum().over(so_far),
    )  # fmt: skip


def _at_risk(store: Store, until: date, spans: tuple[date, date]) -> ir.Table:
    """Pairs of a joining day and a customer who joined on it or had not joined by it."""
    import ibis

    days = purchases(store, until)
    people = days.filter(days.number == 1).select(*CUSTOMER, "channel", first_day="day")
    members = joined(store, until).select(*CUSTOMER, "joined_on")
    people = people.left_join(members, list(CUSTOMER)).select(*people.columns, "joined_on")
    fits = people.joined_on.between(*spans) & (people.first_day <= people.joined_on)
    joins = people.filter(fits).select("shop_id", day="joined_on").distinct()
    share = _sampled_share(store, people, joins)
    pairs = people.inner_join(joins, "shop_id")
    free = pairs.joined_on.isnull() | (pairs.joined_on >= pairs.day)
    pairs = pairs.filter(free, pairs.first_day <= pairs.day)
    pairs = pairs.mutate(treated=(pairs.joined_on == pairs.day).fill_null(False))
    if share >= TENTHS_OF_A_MILLE:
        return pairs
    drawn = ibis.literal("|").join([pairs.shop_id, pairs.customer_id, pairs.day.cast("string")])
    return pairs.filter(pairs.treated | ((drawn.hash() % TENTHS_OF_A_MILLE).abs() < share))


def _sampled_share(store: Store, people: ir.Table, joins: ir.Table) -> int:
    """How many of 10,000 pairs to take."""
    sizes = store.to_frame(
        people.aggregate(people=people.count()).cross_join(joins.aggregate(days=joins.count()))
    ).iloc[0]
    if not sizes["days"]:
        raise MissingTable("members", ("joined_at",), "short")
    return int(TENTHS_OF_A_MILLE * min(1.0, MOST_ROWS / float(sizes["people"] * sizes["days"])))


def _as_of(people: ir.Table, history: ir.Table, day: ir.Value, prefix: str = "") -> ir.Table:
    """What each customer's purchases had come to by a day; names of a later day get a prefix."""
    people = people.mutate(asked_day=day)
    names = ("purchase_days", "paid", "money", "next_day", "last_day")
    known = history.rename(last_day="day").rename({f"known_{name}": name for name in names})
    following = known.known_next_day.isnull() | (known.known_next_day > people.asked_day)
    found = people.inner_join(
        known, [*CUSTOMER, known.known_last_day <= people.asked_day, following]
    )
    kept = [name for name in people.columns if name != "asked_day"]
    return found.select(*kept, **{f"{prefix}{name}": found[f"known_{name}"] for name in names})


def comparable_rows(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows for which there is somebody to compare with.

    Members without anybody of their day, or without others of the same bands of purchase days, days
    since the last and days since the first purchase, are left out; so are others like no member.
    """
    import pandas as pd

    bands = {"purchase_days": PURCHASE_BANDS, "since_last": SINCE_LAST_BANDS,
             "since_first": TENURE_BANDS}  # fmt: skip
    cells = [pd.cut(frame[name], [*ends, float("inf")], labels=False)
             for name, ends in bands.items()]  # fmt: skip
    keys = pd.Series(list(zip(*cells, strict=True)), index=frame.index)
    for key in (frame["day"], keys):
        treated = frame["treated"].groupby(key).transform("sum")
        others = frame["treated"].groupby(key).transform("size") - treated
        frame = frame[(treated > 0) & (others > 0)]
        keys = keys[frame.index]
    return frame


def pool_of(frame: pd.DataFrame) -> Pool:
    """The rows as a pool: features known on the day, weights that put the others on those days."""
    import numpy as np
    import pandas as pd

    from helpers.models.matching import Pool

    treated = frame["treated"].to_numpy(bool)
    by_day = frame["treated"].groupby(frame["day"])
    joins, everybody = by_day.transform("sum"), by_day.transform("size")
    base = np.where(treated, 1.0, (joins / (everybody - joins).clip(lower=1)).to_numpy(float))
    base = np.where(base > 0, base, base[base > 0].min())
    features = np.column_stack(list(_features(frame).values())).astype(float)
    return Pool(treated, features, base, pd.factorize(frame["unit"])[0].astype(np.int64))


def _features(frame: pd.DataFrame) -> dict[str, np.ndarray[Any, Any]]:
    """What was known on the day, in forms in which buying depends on it about linearly."""
    import numpy as np

    count, last, first = (
        frame[name].to_numpy(float) for name in ("purchase_days", "since_last", "since_first")
    )
    recent, old, again = np.log1p(last), np.log1p(first), count >= 2
    season = (frame["day"] - frame["day"].min()).dt.days.to_numpy() // SEASON_DAYS
    ends = [*SINCE_LAST_BANDS[1:]]
    known = {
        **{f"count_{n}": count == n for n in (2, 3)}, "count_4": count >= 4,
        "count": np.log(count), "first": old, "first_2": old**2,
        "last": again * recent, "last_2": again * recent**2, "again_first": again * old,
        "both": again * recent * old,
        **{f"last_{high}": (last > low) & (last <= high)
           for low, high in zip(SINCE_LAST_BANDS, ends, strict=False)},
        "paid": np.log1p(np.maximum(frame["paid"].to_numpy(float), 0)),
        **{f"season_{n}": season == n for n in (1, 2, 3)},
    }  # fmt: skip
    channels = frame.loc[frame["treated"], "channel"].value_counts().index[:MOST_CHANNELS]
    return {**known, **{f"channel_{name}": frame["channel"] == name for name in channels}}


def balance_rows(frame: pd.DataFrame, pool: Pool, weights: np.ndarray) -> list[dict[str, Any]]:
    """What was known on the day, in words a reader knows: means and standardised differences.

    Returns:
        One row per thing known, see `private_domain.member_balance`.
    """
    import numpy as np

    from helpers.models.matching import Pool, standardised_differences

    known = _readable(frame)
    columns = np.column_stack(list(known.values())).astype(float)
    shown = Pool(pool.treated, columns, pool.base, pool.unit)
    differences = standardised_differences(shown, weights)
    others = ~pool.treated
    base = pool.base[others] / pool.base[others].sum()
    means = (columns[pool.treated].mean(axis=0), base @ columns[others],
             weights[others] @ columns[others])  # fmt: skip
    rows: dict[str, dict[str, Any]] = {}
    for name, *numbers in zip(known, *means, *differences, strict=True):
        keys = ("members_value", "others_before", "others_after", "before", "after")
        row = {
            "known_of": name.partition(":")[0],
            **dict(zip(keys, map(float, numbers), strict=True)),
        }
        if name == "paid":
            row |= {key: float(np.expm1(row[key])) for key in keys[:3]}
        kept = rows.setdefault(row["known_of"], row)
        if max(abs(row["before"]), abs(row["after"])) > max(
            abs(kept["before"]), abs(kept["after"])
        ):
            rows[row["known_of"]] = row
    return list(rows.values())


def _readable(frame: pd.DataFrame) -> dict[str, Any]:
    """Money on the log scale: of a few big spenders there is no second to compare."""
    import numpy as np

    season = (frame["day"] - frame["day"].min()).dt.days // SEASON_DAYS
    channels = frame.loc[frame["treated"], "channel"].value_counts().index[:MOST_CHANNELS]
    return {
        "purchase_days": frame["purchase_days"], "one_purchase": frame["purchase_days"] == 1,
        "since_last": frame["since_last"], "since_first": frame["since_first"],
        "paid": np.log1p(frame["paid"].clip(lower=0)),
        **{f"channel:{name}": frame["channel"] == name for name in channels},
        **{f"season:{n}": season == n for n in sorted(season.unique())},
    }  # fmt: skip
