"""Movement between RFM segments since the previous period, and what it means in money.

Both days are scored by the same map, each with the fifths of its own customers, so a customer also
moves when others overtake: segments are places among the shop's customers. Source: plan 2.1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from helpers.measures.purchases import CUSTOMER, SMALLEST_GROUP, known_until
from helpers.measures.segments import SEGMENTS, scored_customers
from helpers.store.errors import MissingTable

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import numpy as np
    import pandas as pd

    from helpers.plan.periods import Period
    from helpers.store.open import Store

NEW = "new"
GOOD = ("champions", "loyal")
AT_RISK = ("big_spenders_at_risk", "at_risk")


def segment_flows(store: Store, period: Period) -> pd.DataFrame:
    """Where the customers of each segment at the previous period's end stand at this one's.

    Args:
        store: Uses marts `purchase_days` and `customer_summary`.
        period: Its end, and the end of the period before it.

    Returns:
        One row per pair in the order of `SEGMENTS`, those new since then last: `before` (segment,
        or `new`), `segment` (now), `customers`, `share` (of the row's `before`, 0 to 1),
        `before_customers`, `moved` (whether the two differ), `expected_value` (of these customers
        in the next 12 months, money; blank where it can't be said). `customers`, `share` and
        `expected_value` are blank where 1 to 9 customers moved, and in as many other cells as keep
        sums from telling them.

    Raises:
        MissingTable: The store knows no customers, or its data begin after the previous period.

    Source: plan 2.1.
    """
    import numpy as np

    grid = _grid(store, period)
    counts = grid["customers"].unstack("segment")
    hidden = protected(counts.to_numpy(dtype=float))
    rows = grid.reset_index()
    total = counts.sum(axis=1)
    rows["before_customers"] = rows["before"].map(total.mask(total < SMALLEST_GROUP))
    rows["share"] = rows["customers"] / rows["before"].map(total.where(total > 0))
    rows["moved"] = rows["before"] != rows["segment"]
    blank = hidden[
        counts.index.get_indexer(rows["before"]), counts.columns.get_indexer(rows["segment"])
    ]
    figures = ["customers", "share", "expected_value"]
    rows[figures] = rows[figures].astype(float).mask(np.repeat(blank[:, None], 3, axis=1))
    return rows[["before", "segment", "customers", "share", "before_customers", "moved",
                 "expected_value"]]  # fmt: skip


def segment_moves(store: Store, period: Period) -> pd.DataFrame:
    """The moves of `segment_flows`, largest first: those who stayed, and blanks, are left out.

    Returns:
        Rows and columns of `segment_flows` with 10 customers or more who changed segment or came.

    Raises:
        MissingTable: As `segment_flows`.

    Source: plan 2.1.
    """
    frame = segment_flows(store, period)
    frame = frame[frame["moved"] & (frame["customers"] > 0)]
    return frame.sort_values("customers", ascending=False, kind="stable").reset_index(drop=True)


def net_flow(store: Store, period: Period) -> pd.DataFrame:
    """Customers who left champions and loyal for the segments at risk since the previous period.

    Returns:
        One row: `since` (day of the earlier scores), `lost` (customers from champions or loyal to
        at risk), `regained` (the other way), `net` (lost less regained), `lost_value`,
        `regained_value`, `net_value` (what they are expected to bring in 12 months as they stand
        now, money; blank where it can't be said), `before` (customers in champions and loyal
        then), `action` (`losing`, `gaining`, `even`; `few` where a count is below 10 and so all
        counts are blank).

    Raises:
        MissingTable: As `segment_flows`.

    Source: plan 2.1.
    """
    import pandas as pd

    grid = _grid(store, period).reset_index()
    out = grid[grid["before"].isin(GOOD) & grid["segment"].isin(AT_RISK)]
    back = grid[grid["before"].isin(AT_RISK) & grid["segment"].isin(GOOD)]
    lost, regained = int(out["customers"].sum()), int(back["customers"].sum())
    values = [part["expected_value"].sum(min_count=1) for part in (out, back)]
    row = {
        "since": pd.Timestamp(period.previous().end), "lost": lost, "regained": regained,
        "net": lost - regained, "lost_value": values[0], "regained_value": values[1],
        "net_value": values[0] - values[1],
        "before": int(grid.loc[grid["before"].isin(GOOD), "customers"].sum()),
        "action": "losing" if lost > regained else "gaining" if lost < regained else "even",
    }  # fmt: skip
    if any(0 < abs(count) < SMALLEST_GROUP for count in (lost, regained, lost - regained)):
        blank = [name for name in row if name not in ("since", "before", "action")]
        row.update(dict.fromkeys(blank, float("nan")), action="few")
    if row["before"] < SMALLEST_GROUP:
        row["before"] = float("nan")
    return pd.DataFrame([row])


def protected(counts: np.ndarray) -> np.ndarray:
    """Which cells of a table of counts to leave blank so that none of 1 to 9 can be told.

    Cells of 1 to 9 are blank. Sums of rows and columns may be known from elsewhere, so a row or
    column with a blank has at least two, of at least 10 together: its smallest other cells that are
    not 0 go too, where there is one.

    Source: primary and complementary cell suppression, Hundepool et al. (2012), chapter 4.
    """
    hidden = (counts > 0) & (counts < SMALLEST_GROUP)
    before = -1
    while hidden.sum() != before:
        before = hidden.sum()
        for table, blank in ((counts, hidden), (counts.T, hidden.T)):
            for line, gone in zip(table, blank, strict=True):
                _hide_one_more(line, gone)
    return hidden


def _hide_one_more(line: np.ndarray, gone: np.ndarray) -> None:
    """Blank the smallest cell left, one above 0 first, where the line's sum would tell too much."""
    import numpy as np

    if gone.all() or not gone.any() or (gone.sum() > 1 and line[gone].sum() >= SMALLEST_GROUP):
        return
    order = np.where(gone, np.inf, np.where(line > 0, line, line.sum() + 1))
    gone[order.argmin()] = True


def _grid(store: Store, period: Period) -> pd.DataFrame:
    """Every pair of `before` and `segment` with `customers` and `expected_value`; computed once."""
    for source in ("purchase_days", "customer_summary"):
        store.mart(source)  # named on the page also when the result is at hand
    key = f"segment_flows {period.start} {period.end}"
    return store.once(key, lambda: _counted(store, period)).copy()


def _counted(store: Store, period: Period) -> pd.DataFrame:
    import pandas as pd

    end, since = known_until(store, period), period.previous().end
    if since < store.first_day:
        raise MissingTable("orders", ("paid_at",), "short")
    moves = _moves(store, period)
    counted = moves.group_by("before", "segment").aggregate(customers=moves.count())
    frame = store.to_frame(counted.order_by("before", "segment"))
    pairs = pd.MultiIndex.from_product([(*SEGMENTS, NEW), SEGMENTS], names=["before", "segment"])
    grid = frame.set_index(["before", "segment"]).reindex(pairs, fill_value=0)
    grid["expected_value"] = float("nan")
    values = _values(store, moves) if end >= store.as_of else None
    if values is not None:
        grid["expected_value"] = values.reindex(pairs, fill_value=0.0)
    return grid


def _moves(store: Store, period: Period) -> ir.Table:
    """The customers at the period's end with `segment` and `before`."""
    now = scored_customers(store, known_until(store, period))
    before = scored_customers(store, period.previous().end)
    before = before.select(*CUSTOMER, before=before.segment)
    joined = now.left_join(before, list(CUSTOMER))
    return joined.select(*now.columns, before=joined.before.fill_null(NEW))


def _values(store: Store, moves: ir.Table) -> pd.Series | None:
    """Expected value of each pair over 12 months; None where the models can't be fitted."""
    from helpers.measures.value_fits import expected_value, fit, valued_histories

    try:
        found = fit(store)
    except MissingTable:
        return None
    history = valued_histories(store, moves, "before", "segment")
    value = expected_value(found, history) * history["customers"]
    summed: pd.Series = value.groupby([history["before"], history["segment"]]).sum()
    return summed
