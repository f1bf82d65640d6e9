"""Live sessions and creators' posts with the money of the orders that came through them.

Attribution: an order belongs to the session or post that the platform ties it to. Refunds, fees and
freight still to come are projected. Source: plan 3.2, 6.1.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from helpers.measures.money import daily_money
from helpers.plan.periods import Period
from helpers.store.errors import MissingTable

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pandas as pd

    from helpers.store.open import Store

RATE_DAYS = 365
SMALLEST_COSTED_SHARE = 0.95


@dataclass(frozen=True)
class Kind:
    """One kind of work and the names of its columns.

    Attributes:
        table: Its table.
        key: Id of the work, also in `orders`.
        at: When it was shown.
        creator: Who made it.
        kind: Whether it is the shop's own.
        reach: People who saw it.
        clicks: Clicks on goods or to the shop.
        costs: Money paid for it.
    """

    table: str
    key: str
    at: str
    creator: str
    kind: str
    reach: str
    clicks: str
    costs: tuple[str, ...]


LIVE = Kind("live_sessions", "live_session_id", "started_at", "host", "host_kind", "viewers",
            "product_clicks", ("slot_fee", "boost_spend"))  # fmt: skip
POSTS = Kind("content_posts", "content_post_id", "published_at", "creator", "creator_kind",
             "reach", "clicks", ("fee",))  # fmt: skip


def works(store: Store, span: Period, kind: Kind) -> pd.DataFrame:
    """The works shown in a span, each with its cost, its audience and the money of its orders.

    Returns:
        By time and id: `id`, `day`, `creator`, `creator_zh`, `creator_kind`, `views`, `reach`,
        `engagements`, `clicks`, `slot_fee` (the fee, of a post too), `cost` (fee and boost),
        `orders`, `buyers`, `new_customers`, `paid_sales`, `net_sales` (receivable less refunds and
        those to come), `refunds` (with those to come), `contribution` (before the work's cost),
        `commission` (host and CPS commission is in `fees`), `fees`, `profit` (contribution less
        cost), `open_money` (part of receivable that is not settled).

    Raises:
        MissingTable: The shop has no such works, orders do not name them, or cost of goods is not
            known for 95 % of the money.
    """
    store.require(kind.table)
    store.require("orders", kind.key)
    shown = _shown(store, span, kind)
    money = _money(store, kind, shown)
    joined = shown.merge(money, on="id", how="left")
    counted = [name for name in money.columns if name != "id"]
    joined[counted] = joined[counted].astype(float).fillna(0.0)
    _need_costs(store, joined)
    return _projected(store, joined)


def _shown(store: Store, span: Period, kind: Kind) -> pd.DataFrame:
    table = store.table(kind.table)
    day = table[kind.at].date()
    table = table.filter(day >= span.start, day <= span.end)
    cost = sum((table[name].fill_null(0) for name in kind.costs[1:]), table[kind.costs[0]])
    chosen = table.select(
        id=table[kind.key], day=table[kind.at].date(), creator=table[kind.creator],
        creator_zh=table[f"{kind.creator}_zh"], creator_kind=table[kind.kind],
        views=table.views.cast("float64"), reach=table[kind.reach].cast("float64"),
        engagements=table.engagements.cast("float64"), clicks=table[kind.clicks].cast("float64"),
        slot_fee=table[kind.costs[0]].cast("float64"), cost=cost.cast("float64"),
    )  # fmt: skip
    frame = store.to_frame(chosen.order_by("day", "id"))
    return frame.fillna({"slot_fee": 0.0, "cost": 0.0})


def _money(store: Store, kind: Kind, shown: pd.DataFrame) -> pd.DataFrame:
    """Sums of the orders of each work; `unsettled` and `unshipped` are their open receivable."""
    import ibis

    names = store.table("orders").select("shop_id", "order_id", id=ibis._[kind.key])
    names = names.filter(names.id.isin(shown["id"].tolist() or [""]))
    orders = store.mart("orders_valued").inner_join(names, ["shop_id", "order_id"])
    orders = _with_open_refunds(store, orders)
    first = store.mart("purchase_days").filter(ibis._.number == 1)
    first = first.select("shop_id", "customer_id", "day", is_new=True)
    orders = orders.left_join(first, ["shop_id", "customer_id", "day"])
    stands = orders.is_purchase.fill_null(False)
    sums = {
        name: orders[name].sum().cast("float64")
        for name in ("paid_sales", "receivable", "shipping_charged", "refunds", "cost_of_goods",
                     "costed_receivable", "returned_cost", "fees", "freight", "packaging")
    }  # fmt: skip
    grouped = orders.group_by("id").aggregate(
        orders=stands.sum(),
        buyers=orders.customer_id.nunique(where=stands),
        new_customers=orders.customer_id.nunique(where=stands & orders.is_new.fill_null(False)),
        unsettled=orders.receivable.sum(where=stands & orders.fees.isnull()).cast("float64"),
        unshipped=orders.receivable.sum(where=stands & orders.freight.isnull()).cast("float64"),
        refunds_to_come=(orders.receivable.cast("float64") * orders.open_rate).sum(),
        **sums,
    )
    return store.to_frame(grouped.order_by("id"))


def _with_open_refunds(store: Store, orders: ir.Table) -> ir.Table:
    """Orders with `open_rate`: refunds still to come per unit of the day's receivable."""
    import ibis

    span = Period(max(store.first_day, store.as_of - timedelta(days=RATE_DAYS)), store.as_of)
    money = daily_money(store, span)[["day", "receivable", "refunds_to_come"]].fillna(0.0)
    money = money[(money["receivable"] > 0) & (money["refunds_to_come"] > 0)]
    if money.empty:
        return orders.mutate(open_rate=0.0)
    rates = money.assign(open_rate=money["refunds_to_come"] / money["receivable"])
    joined = orders.left_join(ibis.memtable(rates[["day", "open_rate"]]), "day")
    return joined.select(*orders.columns, open_rate=joined.open_rate.fill_null(0.0))


def _need_costs(store: Store, frame: pd.DataFrame) -> None:
    if frame["costed_receivable"].sum() < SMALLEST_COSTED_SHARE * frame["receivable"].sum():
        why = "short" if store.has("price_history") else "absent"
        raise MissingTable("price_history", ("product_id", "valid_from", "unit_cost"), why)


def _projected(store: Store, frame: pd.DataFrame) -> pd.DataFrame:
    """Money with what is still to come: refunds, fees at the creator's own rate, freight."""
    settled = frame["receivable"] - frame["unsettled"]
    own = frame.groupby("creator")
    usual = frame["fees"].sum() / max(settled.sum(), 0.01)
    fees, known = own["fees"].transform("sum"), settled.groupby(frame["creator"]).transform("sum")
    rate = (fees / known.where(known > 0)).fillna(usual)
    sent = frame["receivable"] - frame["unshipped"]
    freight = frame["freight"] + frame["packaging"]
    per_money = freight.sum() / max(sent.sum(), 0.01)
    kept = 1 - frame["returned_cost"].sum() / max(frame["refunds"].sum(), 0.01)
    due = frame["refunds_to_come"] * max(kept, 0.0)
    fees = frame["fees"] + rate * frame["unsettled"]
    earned = frame["receivable"] + frame["shipping_charged"] - frame["refunds"] - due
    goods = frame["cost_of_goods"] - frame["returned_cost"]
    contribution = earned - goods - fees - freight - per_money * frame["unshipped"]
    refunds = frame["refunds"] + frame["refunds_to_come"]
    names = ["id", "day", "creator", "creator_zh", "creator_kind", "views", "reach", "engagements",
             "clicks", "slot_fee", "cost", "orders", "buyers", "new_customers", "paid_sales",
             "net_sales", "refunds", "contribution", "fees", "profit", "open_money"]  # fmt: skip
    return frame.assign(
        net_sales=frame["receivable"] - refunds, refunds=refunds, fees=fees,
        contribution=contribution, profit=contribution - frame["cost"],
        open_money=frame["unsettled"],
    )[names]  # fmt: skip
