"""Suppliers: who delivers on time and in full, at what quality and price, and how sure that is.

All from mart `receipts`. A line counts in the period of its promised day.
Source: plan 5.1; ranks from pairwise differences at simultaneous confidence, as in Mogstad, Romano,
Shaikh and Wilhelm (2024).
"""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from helpers.measures.stock import with_supplier_name
from helpers.models.estimate import Estimate
from helpers.models.intervals import difference, wilson
from helpers.plan.periods import Period
from helpers.store.errors import MissingTable

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pandas as pd

    from helpers.store.open import Store

SUPPLIER = ("shop_id", "supplier_id")
SCORE_DAYS = 182
YEAR_DAYS = 365
FEWEST_LINES = 10
FEWEST_MONTH_LINES = 5
LEVEL = 0.95


def due_lines(store: Store, period: Period) -> ir.Table:
    """Purchase order lines whose promised day lies in the period and has come.

    Raises:
        MissingTable: No purchase orders.
    """
    store.require("purchase_orders")
    lines = store.mart("receipts")
    return lines.filter(
        lines.promised_on >= period.start, lines.promised_on <= period.end, lines.is_due
    )


def scorecard(store: Store, period: Period, *, days: int = SCORE_DAYS) -> pd.DataFrame:
    """Every supplier's lines on time, in full and both, quality, price, value, and its rank.

    The rank is a range: a supplier stands above another only where their on-time-in-full rates
    differ at a confidence that holds for all pairs at once. `standing` compares a supplier with
    all others together.

    Args:
        store: Uses mart `receipts`, table `suppliers`.
        period: Its end closes the window.
        days: Length of the window; promised days count.

    Returns:
        One row per supplier, most value first: `shop_id`, `supplier_id`, `supplier_name`,
        `supplier_name_zh`, `lines`, `on_time`, `in_full`, `on_time_in_full` (0 to 1),
        `on_time_in_full_low`, `on_time_in_full_high` (Wilson 95 %), `reject_share` (pieces refused
        / received), `late_days` (median of the late ones received), `price_change` (relative, on
        the year before, same products, weighted by what was bought), `value` (money ordered at the
        agreed price), `value_share` (0 to 1), `missed_value` (of the lines not on time in full),
        `rank_best`, `rank_worst`, `rank` (the range as text), `standing` (ahead | behind |
        not_enough_evidence).

    Raises:
        MissingTable: No purchase orders due in the window.
    """
    window = period.trailing(days)
    lines = due_lines(store, window)
    late = lines.late_days > 0
    money = lines.ordered_quantity * lines.unit_price
    table = lines.group_by(*SUPPLIER).aggregate(
        lines=lines.count(),
        lines_on_time=lines.on_time.sum(),
        lines_in_full=lines.in_full.sum(),
        lines_kept=lines.on_time_in_full.sum(),
        rejected=lines.rejected_quantity.fill_null(0).sum(where=lines.received_quantity.notnull()),
        received=lines.received_quantity.sum(),
        late_days=lines.late_days.cast("float64").median(where=late),
        value=money.sum().cast("decimal(18,2)"),
        missed_value=money.sum(where=~lines.on_time_in_full).fill_null(0).cast("decimal(18,2)"),
    )
    prices = _price_changes(store, window)
    table = table.left_join(prices, SUPPLIER).drop("shop_id_right", "supplier_id_right")
    table = with_supplier_name(store, table)
    frame = store.to_frame(table.order_by(table.value.desc(nulls_first=False), *SUPPLIER))
    if frame.empty:
        raise MissingTable("purchase_orders", ("promised_on",), "short")
    return _scored(frame)


def _price_changes(store: Store, window: Period) -> ir.Table:
    """Price of what was bought in the window against the year before, by supplier.

    Same product from the same supplier; weights are the pieces bought in the window (Paasche).
    """
    lines = store.mart("receipts").filter(lambda t: t.unit_price.notnull())
    key = (*SUPPLIER, "product_id")
    before = Period(window.last_year().start, window.last_year().end)
    spent = lines.ordered_quantity * lines.unit_price

    def bought(span: Period, name: str) -> ir.Table:
        inside = (lines.ordered_on >= span.start) & (lines.ordered_on <= span.end)
        return lines.group_by(*key).aggregate(
            **{f"money_{name}": spent.sum(where=inside),
               f"pieces_{name}": lines.ordered_quantity.sum(where=inside)}
        )  # fmt: skip

    both = bought(window, "now").inner_join(bought(before, "then"), key)
    both = both.filter(both.pieces_now > 0, both.pieces_then > 0)
    old = both.pieces_now * both.money_then.cast("float64") / both.pieces_then
    table = both.mutate(old=old.cast("decimal(18,4)"))
    return table.group_by(*SUPPLIER).aggregate(
        price_change=table.money_now.sum().cast("float64") / table.old.sum().cast("float64") - 1
    )


def _scored(frame: pd.DataFrame) -> pd.DataFrame:
    low, high = wilson(frame["lines_kept"], frame["lines"])
    best, worst = rank_ranges(frame["lines_kept"].to_numpy(), frame["lines"].to_numpy())
    received = frame["received"].where(frame["received"] > 0)
    return frame[["shop_id", "supplier_id", "supplier_name", "supplier_name_zh", "lines"]].assign(
        on_time=frame["lines_on_time"] / frame["lines"],
        in_full=frame["lines_in_full"] / frame["lines"],
        on_time_in_full=frame["lines_kept"] / frame["lines"],
        on_time_in_full_low=low,
        on_time_in_full_high=high,
        reject_share=frame["rejected"] / received,
        late_days=frame["late_days"],
        price_change=frame["price_change"],
        value=frame["value"],
        missed_value=frame["missed_value"],
        value_share=frame["value"] / frame["value"].sum(),
        rank_best=best,
        rank_worst=worst,
        rank=[f"{a}" if a == b else f"{a}–{b}" for a, b in zip(best, worst, strict=True)],
        standing=standings(frame["lines_kept"].to_numpy(), frame["lines"].to_numpy()),
    )


def _rate(kept: float, n: float, level: float) -> Estimate:
    low, high = wilson(kept, n, level)
    return Estimate(kept / n, float(low), float(high), n)


def rank_ranges(kept: np.ndarray, n: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Best and worst rank that each rate may have (1 is the highest rate), at 95 % for all at once.

    Wilson intervals at a level shared among all pairs (Bonferroni), differences by MOVER.
    """
    count = len(n)
    best, worst = np.ones(count, dtype=int), np.full(count, count)
    level = 1 - (1 - LEVEL) / max(count * (count - 1) / 2, 1)
    for i, j in combinations(range(count), 2):
        apart = difference(_rate(kept[i], n[i], level), _rate(kept[j], n[j], level))
        if apart.low > 0:
            better, poorer = i, j
        elif apart.high < 0:
            better, poorer = j, i
        else:
            continue
        worst[better] -= 1
        best[poorer] += 1
    return best, worst


def standings(kept: np.ndarray, n: np.ndarray) -> list[str]:
    """Each rate against all others together: ahead, behind or not_enough_evidence.

    At 95 % for all suppliers at once; below 10 lines there is never enough evidence.
    """
    level = 1 - (1 - LEVEL) / max(len(n), 1)
    found = []
    for i in range(len(n)):
        others, rest = n.sum() - n[i], kept.sum() - kept[i]
        if n[i] < FEWEST_LINES or others < FEWEST_LINES:
            found.append("not_enough_evidence")
            continue
        apart = difference(_rate(kept[i], n[i], level), _rate(rest, others, level))
        found.append(
            "ahead" if apart.low > 0 else "behind" if apart.high < 0 else "not_enough_evidence"
        )
    return found


def late_lines(store: Store, period: Period, *, limit: int = 300) -> pd.DataFrame:
    """Lines promised in the period that were not received on time and in full, by supplier.

    Returns:
        One row per supplier, most money first: `shop_id`, `supplier_id`, `supplier_name`,
        `supplier_name_zh`, `due_lines`, `missed_lines`, `late_lines` (came late), `short_lines`
        (came with pieces missing), `open_lines` (not come by the end of the period),
        `late_days` (mean, of those late; open ones up to the period's end), `missing_pieces`,
        `missed_value` (ordered, of the missed lines), `open_value` (of the lines still to come).

    Raises:
        MissingTable: No purchase orders.
    """
    import ibis

    lines = due_lines(store, period)
    until = min(period.end, store.as_of)
    known = lines.received_on.notnull() & (lines.received_on <= until)
    lines = lines.mutate(
        is_open=~known,
        is_late=known & ~lines.on_time,
        is_short=known & ~lines.in_full,
        missed=~lines.on_time_in_full,
        delay=ibis.ifelse(
            known, lines.late_days, ibis.literal(until).delta(lines.promised_on, unit="day")
        ),
        money=(lines.ordered_quantity * lines.unit_price).cast("decimal(18,2)"),
        missing=lines.ordered_quantity - lines.received_quantity,
    )
    table = lines.group_by(*SUPPLIER).aggregate(
        due_lines=lines.count(),
        missed_lines=lines.missed.sum(),
        late_lines=lines.is_late.sum(),
        short_lines=lines.is_short.sum(),
        open_lines=lines.is_open.sum(),
        late_days=lines.delay.cast("float64").mean(where=(lines.is_late | lines.is_open)),
        missing_pieces=lines.missing.sum(where=lines.is_short).fill_null(0),
        missed_value=lines.money.sum(where=lines.missed).cast("decimal(18,2)"),
        open_value=lines.money.sum(where=lines.is_open).fill_null(0).cast("decimal(18,2)"),
    )
    table = with_supplier_name(store, table.filter(table.missed_lines > 0))
    columns = (*SUPPLIER, "supplier_name", "supplier_name_zh", "due_lines", "missed_lines",
               "late_lines", "short_lines", "open_lines", "late_days", "missing_pieces",
               "missed_value", "open_value")  # fmt: skip
    order = table.missed_value.desc(nulls_first=False)
    return store.to_frame(table.select(*columns).order_by(order, *SUPPLIER).limit(limit))


def history(store: Store, period: Period, *, months: int = 13) -> pd.DataFrame:
    """On time in full by month of the promise, all suppliers.

    Returns:
        One row per month with lines due, oldest first: `month` (first day), `lines`, `rate` (0 to
        1), `low`, `high` (Wilson 95 %).

    Raises:
        MissingTable: No purchase orders.
    """
    months_back = period.months()[-1].back(months)
    lines = due_lines(store, Period(months_back[0].start, period.end))
    table = lines.group_by(month=lines.promised_on.truncate("M")).aggregate(
        lines=lines.count(), kept=lines.on_time_in_full.sum()
    )
    frame = store.to_frame(table.order_by("month"))
    low, high = wilson(frame["kept"], frame["lines"])
    rate = frame.pop("kept") / frame["lines"]
    return frame.assign(rate=rate, low=low, high=high)


def by_month(store: Store, period: Period, *, months: int = 6, suppliers: int = 12) -> pd.DataFrame:
    """On time in full by supplier and month of the promise, the suppliers with most lines.

    Returns:
        One row per supplier and month, suppliers by name, oldest month first: `supplier_name`,
        `supplier_name_zh`, `month`, `lines`, `rate`, `low`, `high` (0 to 1, Wilson 95 %; NaN below
        5 lines).

    Raises:
        MissingTable: No purchase orders.
    """
    import ibis

    months_back = period.months()[-1].back(months)
    lines = due_lines(store, Period(months_back[0].start, period.end))
    table = lines.group_by(*SUPPLIER, month=lines.promised_on.truncate("M")).aggregate(
        lines=lines.count(), kept=lines.on_time_in_full.sum()
    )
    table = table.mutate(
        total=table.lines.sum().over(ibis.window(group_by=[table.shop_id, table.supplier_id]))
    )
    largest = ibis.window(order_by=[table.total.desc(), table.shop_id, table.supplier_id])
    table = table.mutate(place=ibis.dense_rank().over(largest)).filter(
        lambda t: t.place < suppliers
    )
    table = with_supplier_name(store, table)
    columns = ("supplier_name", "supplier_name_zh", "month", "lines", "kept")
    frame = store.to_frame(table.select(*columns).order_by("supplier_name", "month"))
    low, high = wilson(frame["kept"], frame["lines"])
    enough = frame["lines"] >= FEWEST_MONTH_LINES
    rate = (frame.pop("kept") / frame["lines"]).where(enough)
    return frame.assign(rate=rate, low=np.where(enough, low, np.nan),
                        high=np.where(enough, high, np.nan))  # fmt: skip


def concentration(store: Store, period: Period, *, days: int = YEAR_DAYS) -> pd.DataFrame:
    """How far purchases hang on few suppliers, by value ordered in the year.

    Returns:
        One row: `suppliers`, `top_name`, `top_name_zh`, `top_share`, `top_three_share` (0 to 1),
        `herfindahl` (0 to 1), `effective_suppliers` (1 / herfindahl: as many equal ones would be as
        concentrated), `value` (money).

    Raises:
        MissingTable: No purchase orders with prices in the window.

    Source: Herfindahl-Hirschman index.
    """
    import pandas as pd

    store.require("purchase_orders", "unit_price")
    window = period.trailing(days)
    lines = store.mart("receipts")
    lines = lines.filter(lines.ordered_on >= window.start, lines.ordered_on <= window.end)
    table = lines.group_by(*SUPPLIER).aggregate(
        value=(lines.ordered_quantity * lines.unit_price).sum().cast("decimal(18,2)")
    )
    table = with_supplier_name(store, table.filter(table.value > 0))
    frame = store.to_frame(table.order_by(table.value.desc(), *SUPPLIER))
    if frame.empty:
        raise MissingTable("purchase_orders", ("ordered_at",), "short")
    share = frame["value"] / frame["value"].sum()
    herfindahl = float((share**2).sum())
    row = {
        "suppliers": len(frame),
        "top_name": frame["supplier_name"].iloc[0],
        "top_name_zh": frame["supplier_name_zh"].iloc[0],
        "top_share": float(share.iloc[0]),
        "top_three_share": float(share.head(3).sum()),
        "herfindahl": herfindahl,
        "effective_suppliers": 1 / herfindahl,
        "value": float(frame["value"].sum()),
    }
    return pd.DataFrame([row])
