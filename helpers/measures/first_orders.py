"""Which first orders lead to a second: by first product, channel and discount.

Customers were not assigned to their first order by chance: this is a comparison, held fixed for
quarter and channel of the first purchase, and no proof that leading others there would do the same.
Source: plan 2.1, 2.3.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from helpers.measures.money import SMALLEST_COSTED_SHARE
from helpers.measures.purchases import (
    CUSTOMER,
    SMALLEST_GROUP,
    YEAR_DAYS,
    known_until,
    purchases,
    without_small_counts,
    without_small_groups,
)
from helpers.store.errors import MissingTable

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pandas as pd

    from helpers.models.estimate import Estimate
    from helpers.plan.periods import Period
    from helpers.store.open import Store

SPLITS = ("product", "channel", "discount")
MOST_GROUPS = 8
OTHERS = "others"
UNKNOWN = "unknown"
LEVEL = 0.95
COHORT_DAYS = 730
RESPONSE = 0.1
_NEEDED = {
    "product": ("order_lines", ("product_id",)),
    "channel": ("orders", ("channel",)),
    "discount": ("order_lines", ("merchant_discount", "shop_coupon")),
}


def first_orders(store: Store, period: Period, *, split: str, window_days: int) -> pd.DataFrame:
    """Repurchase and money of new customers by what their first order was.

    Takes customers whose first purchase lies in the two years up to `window_days` before the
    period's end; those whose window is not over are left out.

    Args:
        store: Uses mart `purchase_days`; `products` for names.
        period: Windows end by its end.
        split: `product` (category of the product that most was paid for, else the product),
            `channel`, or `discount` (shop's discount as a share of the list value: none, up to
            10 %, 10 to 30 %, above 30 %).
        window_days: Days after the first purchase, at least 1.

    Returns:
        One row per group, largest first, at most eight and `others`: `group`, `group_zh`,
        `customers`, `returned` (customers; blank where 1 to 9), `rate` (0 to 1), `low`, `high`
        (Wilson 95 %), `difference` (of the rate to all other customers, in shares), with
        `difference_low`, `difference_high`, `value` (a customer, money within the window, first
        order included), `value_difference` with `value_difference_low`, `value_difference_high`,
        `basis` (`contribution`, or `paid_sales` where under 95 % of it has a known cost),
        `comparisons` and `evidence` (`better`, `worse`, `not_enough_evidence`). Differences are
        Mantel-Haenszel over quarters and channels of the first purchase (quarters alone for
        channels); their intervals are widened so that with 95 % all `comparisons` of the split
        hold together (Bonferroni), and the evidence follows from that of the rate where at least 10
        customers returned and 10 did not. Groups that would tell fewer than 10 are left out;
        no row where one is left.

    Raises:
        MissingTable: Customers are unknown, no window is over, or the split is not known.
        ValueError: `split` unknown or `window_days` < 1.

    Source: plan 2.1, 2.3; Mantel and Haenszel (1959).
    """
    if split not in SPLITS:
        raise ValueError(f"split == {split!r}, must be one of {SPLITS}.")
    if window_days < 1:
        raise ValueError(f"window_days == {window_days}, must be >= 1.")
    cells = _named(store, _cells(store, period, split, window_days), split)
    sizes = without_small_groups(cells.groupby("group", as_index=False)["customers"].sum())
    if set(cells["code"]) <= {UNKNOWN, "none"}:
        raise MissingTable(*_NEEDED[split], "empty")
    return _compared(cells, list(sizes["group"]) if len(sizes) > 1 else [])


def first_order_actions(
    store: Store, period: Period, *, split: str = "product", window_days: int = 90
) -> pd.DataFrame:
    """First orders to lead new customers to: those after which more return, on the evidence.

    Returns:
        One row per group that is `better` in `first_orders` and worth more, most worth first:
        `action` (`lead`), `split`, `group`, `group_zh`, `rate`, `difference`, `customers` (a
        tenth of the new customers of the last 365 days who began elsewhere), `worth`, `worth_low`,
        `worth_high` (money within the window if their value rose by `value_difference`),
        `window_days`, `basis`. A group after which more return but that brings less, as cheap
        goods may, is no action; `others` and `unknown` are none either.

    Raises:
        MissingTable: As `first_orders`.
    """
    frame = first_orders(store, period, split=split, window_days=window_days)
    frame = frame.astype({"customers": float, "value_difference": float})
    end = known_until(store, period)
    days = purchases(store, end)
    recent = days.filter(days.number == 1, days.day > end - timedelta(days=YEAR_DAYS))
    new = int(store.to_frame(recent.aggregate(n=recent.count()))["n"].iloc[0])
    elsewhere = 1 - frame["customers"] / frame["customers"].sum()
    frame["customers"] = (RESPONSE * new * elsewhere).round()
    better = frame["evidence"].eq("better") & ~frame["group"].isin([OTHERS, UNKNOWN])
    worth_it = (frame["value_difference"] > 0) & (frame["customers"] >= SMALLEST_GROUP)
    frame = frame[better & worth_it]
    frame = frame.assign(
        action="lead", split=split, window_days=window_days,
        worth=frame["customers"] * frame["value_difference"],
        worth_low=frame["customers"] * frame["value_difference_low"],
        worth_high=frame["customers"] * frame["value_difference_high"],
    )  # fmt: skip
    names = ["action", "split", "group", "group_zh", "rate", "difference", "customers", "worth",
             "worth_low", "worth_high", "window_days", "basis"]  # fmt: skip
    return frame.sort_values(["worth", "group"], ascending=[False, True])[names].reset_index(
        drop=True
    )


def _cells(store: Store, period: Period, split: str, window_days: int) -> pd.DataFrame:
    """Sums of each code and stratum: customers, returned, and moments of their money."""
    import ibis

    end = known_until(store, period)
    days = purchases(store, end)
    last = end - timedelta(days=window_days)
    first = days.filter(
        days.number == 1, days.day <= last, days.day > last - timedelta(days=COHORT_DAYS)
    )
    gap = first.next_day.delta(first.day, unit="day")
    quarter = first.day.truncate("Q").cast("string")
    first = first.select(
        *CUSTOMER,
        first_day=first.day,
        code=_code(first, split),
        stratum=quarter if split == "channel" else quarter + "/" + first.channel,
        returned=(gap <= window_days).fill_null(False).cast("int64"),
    )
    joined = days.inner_join(first, list(CUSTOMER))
    joined = joined.filter(joined.day.delta(joined.first_day, unit="day") <= window_days)
    money = joined.group_by(*CUSTOMER, "code", "stratum", "returned").aggregate(
        paid=joined.paid_sales.sum().cast("float64"),
        earned=joined.contribution.sum().cast("float64"),
        costed=joined.paid_sales.sum(where=joined.contribution.notnull()).cast("float64"),
    )
    counted = money.group_by("code", "stratum").aggregate(
        customers=ibis._.count(),
        returned=ibis._.returned.sum(),
        paid=ibis._.paid.sum(),
        paid_squares=(ibis._.paid**2).sum(),
        earned=ibis._.earned.sum(),
        earned_squares=(ibis._.earned**2).sum(),
        costed=ibis._.costed.sum(),
    )
    frame = store.to_frame(counted.order_by("code", "stratum"))
    if frame.empty:
        raise MissingTable("orders", ("paid_at",), "short")
    return frame


def _code(first: ir.Table, split: str) -> ir.Value:
    import ibis

    if split == "channel":
        return first.channel.fill_null(UNKNOWN)
    if split == "product":
        return first.product_id.fill_null(UNKNOWN)
    listed = (first.receivable + first.discounts).cast("float64")
    share = first.discounts.cast("float64") / listed.nullif(0.0)
    return ibis.cases(
        (share.isnull() | (share <= 0), "none"), (share <= 0.1, "up_to_10"),
        (share <= 0.3, "10_to_30"), else_="above_30",
    )  # fmt: skip


def _named(store: Store, cells: pd.DataFrame, split: str) -> pd.DataFrame:
    """The cells by group: categories for products where known; all but the largest merged."""
    names = {code: (code, code) for code in cells["code"]}
    if split == "product":
        names.update(_names_of_products(store))
    cells = cells.assign(
        group=cells["code"].map(lambda code: names[code][0]),
        group_zh=cells["code"].map(lambda code: names[code][1]),
    )
    sizes = cells.groupby("group")["customers"].sum().reset_index()
    sizes = sizes.sort_values(["customers", "group"], ascending=[False, True])
    large = set(sizes["group"].head(MOST_GROUPS))
    if len(sizes) > MOST_GROUPS + 1:
        other = ~cells["group"].isin(large)
        cells.loc[other, ["group", "group_zh"]] = OTHERS
    return cells


def _names_of_products(store: Store) -> dict[str, tuple[str, str]]:
    """Category of each product in both languages; the product's name where none has a category."""
    if not store.has("products"):
        return {}
    table = store.table("products")
    names = ["product_id", "category", "category_zh", "name", "name_zh"]
    frame = store.to_frame(table.select(*names).distinct().order_by(*names))
    by = "category" if frame["category"].notna().any() else "name"
    fallback = frame["product_id"] if by == "name" else UNKNOWN
    english = frame[by].fillna(fallback) if by == "name" else frame[by].fillna(UNKNOWN)
    chinese = frame[f"{by}_zh"].fillna(english)
    pairs = zip(english, chinese, strict=True)
    return dict(zip(frame["product_id"], pairs, strict=True))


def _compared(cells: pd.DataFrame, groups: list[str]) -> pd.DataFrame:
    import pandas as pd

    from helpers.models.intervals import wilson

    costed = cells["costed"].sum() >= SMALLEST_COSTED_SHARE * cells["paid"].sum()
    money, basis = ("earned", "contribution") if costed else ("paid", "paid_sales")
    rows = []
    for group in groups:
        inside = cells["group"] == group
        rate, value = _differences(cells[inside], cells[~inside], money, len(groups))
        part = cells[inside]
        rows.append({
            "group": group, "group_zh": part["group_zh"].iloc[0],
            "customers": int(part["customers"].sum()), "returned": int(part["returned"].sum()),
            "difference": rate.value, "difference_low": rate.low, "difference_high": rate.high,
            "value": part[money].sum() / part["customers"].sum(),
            "value_difference": value.value, "value_difference_low": value.low,
            "value_difference_high": value.high, "basis": basis, "comparisons": len(groups),
            "evidence": _evidence(rate, part),
        })  # fmt: skip
    names = ["group", "group_zh", "customers", "returned", "rate", "low", "high", "difference",
             "difference_low", "difference_high", "value", "value_difference",
             "value_difference_low", "value_difference_high", "basis", "comparisons",
             "evidence"]  # fmt: skip
    if not rows:
        return pd.DataFrame(columns=names)
    frame = pd.DataFrame(rows)
    low, high = wilson(frame["returned"], frame["customers"])
    frame = frame.assign(rate=frame["returned"] / frame["customers"], low=low, high=high)
    frame = frame.sort_values(["customers", "group"], ascending=[False, True])
    last = frame["group"].eq(OTHERS)
    frame = pd.concat([frame[~last], frame[last]])[names].reset_index(drop=True)
    return without_small_counts(frame, "returned", "customers")


def _differences(
    part: pd.DataFrame, rest: pd.DataFrame, money: str, comparisons: int
) -> tuple[Estimate, Estimate]:
    """Differences of rate and of money between a group and the others, over the strata."""
    from helpers.models.stratified import difference_of_means, difference_of_shares

    names = ["customers", "returned", money, f"{money}_squares"]
    a = part.groupby("stratum")[names].sum()
    b = rest.groupby("stratum")[names].sum()
    strata = a.index.union(b.index)
    a, b = a.reindex(strata, fill_value=0), b.reindex(strata, fill_value=0)
    level = 1 - (1 - LEVEL) / comparisons
    rate = difference_of_shares(
        a["returned"], a["customers"], b["returned"], b["customers"], level=level
    )
    moments = [x for side in (a, b) for x in _moments(side, money)]
    return rate, difference_of_means(*moments, level=level)


def _moments(side: pd.DataFrame, money: str) -> tuple[pd.Series, pd.Series, pd.Series]:
    """Mean, variance and number of each stratum's customers."""
    n = side["customers"]
    mean = side[money] / n.clip(lower=1)
    spread = side[f"{money}_squares"] - n * mean**2
    return mean, (spread / (n - 1).clip(lower=1)).clip(lower=0), n


def _evidence(difference: Estimate, part: pd.DataFrame) -> str:
    returned = part["returned"].sum()
    few = min(returned, part["customers"].sum() - returned) < SMALLEST_GROUP
    if not few and difference.low > 0:
        return "better"
    return "worse" if not few and difference.high < 0 else "not_enough_evidence"
