"""The shop's money by day, with the refunds and fees that are still to come.

Refunds of recent payments are projected by chain ladder on 28-day blocks counted back from the
store's day, so that a block is always whole; fees and freight of orders that are not yet settled or
shipped are taken at the rate of those that are. Source: plan 1.1; rules for all in the definitions.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from helpers.plan.periods import Period
from helpers.store.errors import MissingTable

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import numpy as np
    import pandas as pd

    from helpers.store.open import Store

BLOCK_DAYS = 28
AGES = 7
LARGEST_BLOCKS = 39
RATE_DAYS = 90
SMALLEST_COSTED_SHARE = 0.95
OPEN_SHARE = 0.001


@dataclass(frozen=True)
class Development:
    """What is still to come of the refunds of each 28-day block of payments.

    Attributes:
        to_come: Money expected still to be refunded, latest block first.
        error: Its standard error.
        receivable: What the shop was owed for the block's sales.
        is_open: Refunds of over 0.1 % of the block's sales are still to come.
        is_told: Whether the way in which refunds come in could be told; if not, what is to come
            is the usual share of closed blocks less what has come, and as uncertain as it is large.
    """

    to_come: np.ndarray
    error: np.ndarray
    receivable: np.ndarray
    is_open: np.ndarray
    is_told: bool = True


def refund_development(store: Store) -> Development:
    """Project the refunds of the latest blocks from the way those of earlier blocks came in.

    Raises:
        MissingTable: The store has no refunds table.
    """
    import numpy as np

    store.require("returns", "amount")
    blocks = min(LARGEST_BLOCKS, ((store.as_of - store.first_day).days + 1) // BLOCK_DAYS)
    receivable = _receivable_by_block(store, blocks)
    none = np.zeros(blocks)
    nothing = Development(none, none, none, is_open=none > 0)
    if blocks < AGES + 1:
        return nothing
    triangle = _triangle(store, blocks)
    if not np.nansum(triangle):
        return nothing
    projected = _projected(triangle)
    unknown = np.full(blocks, np.nan)
    ultimate, error = projected or (unknown, unknown)
    closed = ~np.isnan(triangle[:, -1])
    usual = triangle[closed, -1].sum() / max(receivable[closed].sum(), 0.01)
    stuck = np.isnan(ultimate)
    ultimate = np.where(stuck, usual * receivable, ultimate)
    error = np.where(stuck, ultimate, error)
    to_come = np.maximum(ultimate - np.nanmax(triangle, axis=1), 0)
    return Development(
        to_come=to_come,
        error=error,
        receivable=receivable,
        is_open=to_come > OPEN_SHARE * receivable,
        is_told=projected is not None,
    )


def _projected(triangle: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """Refunds of each block in the end and their standard error, latest block first.

    None where development can't be told, as in a shop that refunds nothing in a block's first days.
    """
    from helpers.models.refund_development import chain_ladder

    try:
        ladder = chain_ladder(triangle[::-1])
    except ValueError:
        return None
    return ladder.ultimates[::-1], ladder.standard_errors[::-1]


def _receivable_by_block(store: Store, blocks: int) -> np.ndarray:
    import numpy as np

    days = store.mart("shop_days")
    grouped = days.group_by("day").aggregate(receivable=days.receivable.sum()).order_by("day")
    frame = store.to_frame(grouped)
    block = _blocks_back(store, frame["day"])
    inside = (block < blocks) & frame["receivable"].notna().to_numpy()
    found = np.zeros(blocks)
    np.add.at(found, block[inside], frame["receivable"].to_numpy()[inside])
    return found


def _triangle(store: Store, blocks: int) -> np.ndarray:
    """Cumulative refunds: rows are blocks of payment, latest first, columns their age."""
    import numpy as np

    cases = store.mart("refunds")
    cases = cases.filter(cases.paid_on.notnull())
    grouped = cases.group_by("paid_on", "refunded_on").aggregate(money=cases.amount.sum())
    frame = store.to_frame(grouped.order_by("paid_on", "refunded_on"))
    paid, refunded = (_blocks_back(store, frame[name]) for name in ("paid_on", "refunded_on"))
    age = np.clip(paid - refunded, 0, AGES - 1)
    inside = paid < blocks
    sums = np.zeros((blocks, AGES))
    np.add.at(sums, (paid[inside], age[inside]), frame["money"].to_numpy()[inside])
    reached = np.arange(blocks)[:, None] >= np.arange(AGES)
    return np.where(reached, sums.cumsum(axis=1), np.nan)


def _blocks_back(store: Store, days: pd.Series) -> np.ndarray:
    import pandas as pd

    return ((pd.Timestamp(store.as_of) - days).dt.days // BLOCK_DAYS).to_numpy(dtype=int)


def daily_money(store: Store, period: Period, shops: tuple[str, ...] | None = None) -> pd.DataFrame:
    """The period's money, one row per day, days without trade included; computed once a period.

    Args:
        store: Uses marts `shop_days`, `refunds`, `channel_days` and table `costs`.
        period: First and last day.
        shops: Ids of the shops whose money it is; all of them when not given. Refunds still to come
            and costs not known yet go at the rates of all shops together.

    Returns:
        `day`; `orders`, `paid_sales`, `list_value`, `discounts`, `receivable`,
        `shipping_charged`; `refunds` (so far), `refunds_to_come`, `refund_error` (standard error),
        `is_open` (refunds still coming in); `net_sales`; `cost` (of goods kept by buyers), `fees`,
        `freight` (packaging included), `marketing`, `overheads`. A column is empty throughout where
        the store does not know it.
    """
    for source in ("shop_days", "refunds", "channel_days"):
        store.mart(source)  # named on the page also when the result is at hand
    return store.once(
        f"daily_money {period.start} {period.end} {shops}",
        lambda: _daily_money(store, period, shops),
    )


def _daily_money(store: Store, period: Period, shops: tuple[str, ...] | None) -> pd.DataFrame:
    import pandas as pd

    days = pd.DataFrame({"day": pd.date_range(period.start, period.end)})
    sales = _shop_days(store, period, shops)
    frame = days.merge(sales, on="day", how="left").fillna(0.0)
    frame["list_value"] = frame["receivable"] + frame["discounts"]
    frame = _with_refunds_to_come(store, frame)
    to_come = frame["refunds_to_come"]
    frame["net_sales"] = frame["receivable"] - frame["refunds"] - to_come
    frame["cost"] = _cost(store, frame)
    frame["fees"] = _at_rate(store, frame, "settlements", "fees", "settled_receivable")
    freight = _at_rate(store, frame, "shipments", "freight", "shipped_receivable")
    packaging = _at_rate(store, frame, "shipments", "packaging", "shipped_receivable")
    frame["freight"] = freight + packaging
    frame["marketing"] = _marketing(store, frame["day"], shops)
    frame["overheads"] = _overheads(store, frame["day"], shops)
    return frame


def _shop_days(store: Store, period: Period, shops: tuple[str, ...] | None = None) -> pd.DataFrame:
    days = _of(store.mart("shop_days"), shops)
    days = days.filter(days.day >= period.start, days.day <= period.end)
    sums = {name: days[name].sum() for name in days.columns if name not in ("shop_id", "day")}
    return store.to_frame(days.group_by("day").aggregate(**sums).order_by("day"))


def _with_refunds_to_come(store: Store, frame: pd.DataFrame) -> pd.DataFrame:
    """Spread each block's refunds still to come over its days by their receivable."""
    import numpy as np

    if not store.has("returns"):
        return frame.assign(refunds=np.nan, refunds_to_come=np.nan, refund_error=0.0,
                            is_open=False)  # fmt: skip
    development = store.once("refund_development", lambda: refund_development(store))
    block = _blocks_back(store, frame["day"])
    inside = (block >= 0) & (block < len(development.receivable))
    at = np.where(inside, block, 0)
    whole = np.where(inside, np.maximum(development.receivable[at], 0.01), 1.0)
    part = np.where(inside, frame["receivable"].to_numpy() / whole, 0.0)
    return frame.assign(
        refunds_to_come=part * development.to_come[at],
        refund_error=part * development.error[at],
        is_open=inside & development.is_open[at],
    )


def _usual_rates(store: Store) -> pd.Series:
    """What the last 90 known days cost per unit of sales, for what is not known yet."""
    import numpy as np

    recent = _shop_days(store, Period(store.as_of - timedelta(days=RATE_DAYS - 1), store.as_of))
    parts = {
        "cost_of_goods": "costed_receivable", "fees": "settled_receivable",
        "freight": "shipped_receivable", "packaging": "shipped_receivable",
        "returned_cost": "refunds",
    }  # fmt: skip
    sums = recent.sum(numeric_only=True)
    return sums[list(parts)] / sums[list(parts.values())].replace(0, np.nan).to_numpy()


def _cost(store: Store, frame: pd.DataFrame) -> pd.Series:
    """Cost of the goods that buyers keep; a day's sales of unknown cost go at its known rate."""
    import numpy as np

    receivable, costed = frame["receivable"], frame["costed_receivable"]
    if not costed.sum() >= SMALLEST_COSTED_SHARE * receivable.sum() > 0:
        return receivable * np.nan
    usual = store.once("usual_rates", lambda: _usual_rates(store))
    rate = (frame["cost_of_goods"] / costed.where(costed > 0)).fillna(usual["cost_of_goods"])
    sold = rate.where(receivable > 0, 0.0) * receivable
    to_come = frame["refunds_to_come"].fillna(0.0)
    back_to_come = np.where(to_come > 0, to_come * usual["returned_cost"], 0.0)
    return sold - frame["returned_cost"] - back_to_come


def _at_rate(store: Store, frame: pd.DataFrame, table: str, money: str, known: str) -> pd.Series:
    """Money known for part of the sales, filled up at the usual rate."""
    import numpy as np

    if not store.has(table):
        return frame["receivable"] * np.nan
    usual = store.once("usual_rates", lambda: _usual_rates(store))
    unknown = frame["receivable"] - frame[known]
    return frame[money] + np.where(unknown > 0, unknown * usual[money], 0.0)


def _of(table: ir.Table, shops: tuple[str, ...] | None) -> ir.Table:
    return table if shops is None else table.filter(table.shop_id.isin(shops))


def _marketing(store: Store, days: pd.Series, shops: tuple[str, ...] | None) -> pd.Series:
    import numpy as np

    if not store.has("ad_spend"):
        return days.map(lambda _: np.nan)
    spend = _of(store.mart("channel_days"), shops)
    grouped = spend.group_by("day").aggregate(spend=spend.spend.sum()).order_by("day")
    by_day = store.to_frame(grouped).set_index("day")["spend"]
    return days.map(by_day).fillna(0.0)


def _overheads(store: Store, days: pd.Series, shops: tuple[str, ...] | None) -> pd.Series:
    """Each month's overheads, spread evenly over its days."""
    import numpy as np

    if not store.has("costs"):
        return days.map(lambda _: np.nan)
    costs = _of(store.table("costs"), shops)
    grouped = costs.group_by(month=costs.month.truncate("M")).aggregate(amount=costs.amount.sum())
    by_month = store.to_frame(grouped.order_by("month")).set_index("month")["amount"]
    month = days.dt.to_period("M").dt.to_timestamp()
    return month.map(by_month) / days.dt.days_in_month


def need(store: Store, frame: pd.DataFrame, *columns: str) -> None:
    """Make sure that the money of these columns is known.

    Raises:
        MissingTable: A column is empty; names the table that would fill it.
    """
    tables = {
        "refunds": ("returns", ("settled_at", "amount")),
        "cost": ("price_history", ("product_id", "valid_from", "unit_cost")),
        "fees": ("settlements", ("order_id", "commission")),
        "freight": ("shipments", ("order_id", "freight_cost")),
        "marketing": ("ad_spend", ("day", "channel", "spend")),
        "overheads": ("costs", ("month", "cost_line", "amount")),
    }
    for column in columns:
        if frame[column].isna().any():
            table, names = tables[column]
            raise MissingTable(table, names, "short" if store.has(table) else "absent")
