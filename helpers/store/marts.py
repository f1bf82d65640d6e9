"""The derived tables that all chapters share, each one Ibis expression over canonical tables.

A mart sees every canonical table: one that the store does not have is empty, so a column that
rests on it comes out empty and never as zero. Money columns are in the store's currency; `day`
columns are days of the shop's own time.

Source: plan 4.4; definitions of paid sales, net sales and contribution in `plan/metrics.toml`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ibis.expr.types as ir

Tables = Mapping[str, "ir.Table"]
_ORDER = ("shop_id", "order_id")
_PRODUCT = ("shop_id", "product_id")
_CUSTOMER = ("shop_id", "customer_id")


@dataclass(frozen=True)
class Mart:
    """A derived table: its grain, what it reads, and the expression that builds it."""

    name: str
    grain: str
    reads: tuple[str, ...]
    build: Callable[[Tables, date], ir.Table]


def _total(column: ir.NumericColumn) -> ir.NumericScalar:
    """A sum that stays within DECIMAL(18, 2)."""
    return column.sum().cast("decimal(18,2)")


def _count(column: ir.Column) -> ir.IntegerScalar:
    """A sum of whole numbers or flags, as a whole number."""
    return column.sum().cast("int64")


def _complete_total(column: ir.NumericColumn) -> ir.NumericScalar:
    """A sum that is empty where one of its parts is unknown."""
    import ibis

    return ibis.cases((column.notnull().all(), _total(column)))


def _valid_prices(tables: Tables) -> ir.Table:
    """Price and cost of a product with the day until which they hold."""
    import ibis

    prices = tables["price_history"]
    following = ibis.window(
        group_by=[prices.shop_id, prices.product_id], order_by=prices.valid_from
    )
    return prices.select(
        "shop_id",
        "product_id",
        "valid_from",
        "unit_cost",
        valid_until=prices.valid_from.lead().over(following),
    )


def _with_unit_cost(table: ir.Table, tables: Tables, day: str) -> ir.Table:
    """The table with `unit_cost` of its product on its day; empty where none is known."""
    prices = _valid_prices(tables)
    joined = table.left_join(
        prices,
        [
            table.shop_id == prices.shop_id,
            table.product_id == prices.product_id,
            prices.valid_from <= table[day],
            prices.valid_until.isnull() | (table[day] < prices.valid_until),
        ],
    )
    return joined.select(*table.columns, "unit_cost")


def lines_valued(tables: Tables, as_of: date) -> ir.Table:
    """One row per goods line of a paid sale: pieces, list value, discounts, money, cost."""
    import ibis

    orders = tables["orders"].filter(
        ibis._.paid_at.notnull(), ibis._.kind == "sale", ~ibis._.is_fake.fill_null(False)
    )
    orders = orders.select("shop_id", "order_id", day=orders.paid_at.date())
    lines = tables["order_lines"].filter(ibis._.item_class == "goods")
    lines = lines.inner_join(orders, _ORDER)
    receivable = lines.merchant_receivable.coalesce(
        lines.buyer_paid + lines.platform_subsidy.fill_null(0)
    )
    discounts = lines.merchant_discount.fill_null(0) + lines.shop_coupon.fill_null(0)
    lines = lines.select(
        "shop_id",
        "order_id",
        "line_id",
        "product_id",
        "day",
        "quantity",
        paid_sales=lines.buyer_paid,
        receivable=receivable.cast("decimal(18,2)"),
        discounts=discounts.cast("decimal(18,2)"),
        subsidy=lines.platform_subsidy.fill_null(0).cast("decimal(18,2)"),
    )
    lines = _with_unit_cost(lines, tables, "day")
    return lines.mutate(cost=(lines.unit_cost * lines.quantity).round(2).cast("decimal(18,2)"))


def refunds(tables: Tables, as_of: date) -> ir.Table:
    """One row per refund of goods of a sale that has been paid out.

    `paid_on` is the day on which the refunded order was paid, empty where none can be linked;
    `attributed_on` is that day, else the day of the refund. `returned_cost` is the cost of the
    goods that came back fit for sale.
    """
    import ibis

    orders = tables["orders"]
    sale = orders.select(
        "shop_id",
        "order_id",
        paid_on=orders.paid_at.date(),
        counts=(orders.kind == "sale") & ~orders.is_fake.fill_null(False),
    )
    cases = tables["returns"].filter(
        ibis._.settled_at.notnull(), ibis._.item_class.fill_null("goods") == "goods"
    )
    cases = cases.left_join(sale, _ORDER).drop("shop_id_right", "order_id_right")
    cases = cases.filter(cases.counts.fill_null(True))
    cases = cases.mutate(refunded_on=cases.settled_at.date())
    cases = cases.mutate(attributed_on=cases.paid_on.coalesce(cases.refunded_on))
    cases = _with_unit_cost(cases, tables, "attributed_on")
    came_back = (cases.type == "return_and_refund") & cases.is_resaleable.fill_null(False)
    returned = ibis.cases((came_back, cases.unit_cost * cases.quantity), else_=0)
    return cases.select(
        "shop_id",
        "return_id",
        "order_id",
        "product_id",
        "customer_id",
        "type",
        "stage",
        "is_quality",
        "quantity",
        "amount",
        "refunded_on",
        "paid_on",
        "attributed_on",
        returned_cost=returned.fill_null(0).round(2).cast("decimal(18,2)"),
    )


def orders_valued(tables: Tables, as_of: date) -> ir.Table:
    """One row per paid sale: its money, refunds so far, costs, and whether it is a purchase.

    Samples, gifts, exchanges and fake orders are no sales. A sale is a purchase when it has
    goods and was not refunded in full before shipment; it belongs to a customer only where the
    source names one. `fees` is empty until the platform has settled the order, and
    `cost_of_goods` covers `costed_receivable`, the part of the sale whose cost is known.
    """
    import ibis

    lines = tables["lines_valued"]
    money = lines.group_by(*_ORDER).aggregate(
        units=_count(lines.quantity),
        paid_sales=_total(lines.paid_sales),
        receivable=_total(lines.receivable),
        discounts=_total(lines.discounts),
        subsidy=_total(lines.subsidy),
        cost_of_goods=_total(lines.cost),
        costed_receivable=lines.receivable.sum(where=lines.cost.notnull())
        .fill_null(0)
        .cast("decimal(18,2)"),
    )
    back = tables["refunds"]
    early = back.amount.sum(where=back.stage == "before_shipment")
    back = (
        back.filter(back.paid_on.notnull())
        .group_by(*_ORDER)
        .aggregate(
            refunds=_total(back.amount),
            refunds_before_shipment=early.fill_null(0).cast("decimal(18,2)"),
            returned_cost=_total(back.returned_cost),
        )
    )
    settled = tables["settlements"].filter(ibis._.settled_at.notnull())
    charges = ("commission", "affiliate_commission", "return_insurance", "instalment_fee")
    settled = settled.select(
        *_ORDER,
        fees=sum((settled[name].fill_null(0) for name in charges), settled.penalty.fill_null(0)),
    )
    parcels = tables["shipments"]
    parcels = parcels.group_by(*_ORDER).aggregate(
        freight=_total(parcels.freight_cost), packaging=_total(parcels.packaging_cost)
    )
    orders = tables["orders"].select(
        *_ORDER, "customer_id", "channel", "country", "paid_at", "shipping_charged"
    )
    joined = orders.inner_join(money, _ORDER)
    for other in (back, settled, parcels):
        joined = joined.left_join(other, _ORDER).drop("shop_id_right", "order_id_right")
    nothing = ibis.literal(0).cast("decimal(18,2)")
    joined = joined.mutate(
        day=joined.paid_at.date(),
        channel=joined.channel.fill_null("unknown"),
        shipping_charged=joined.shipping_charged.fill_null(nothing),
        refunds=joined.refunds.fill_null(nothing),
        refunds_before_shipment=joined.refunds_before_shipment.fill_null(nothing),
        returned_cost=joined.returned_cost.fill_null(nothing),
        fees=joined.fees.cast("decimal(18,2)"),
    )
    undone = (joined.paid_sales > 0) & (joined.refunds_before_shipment >= joined.paid_sales)
    return joined.mutate(is_purchase=(joined.units > 0) & ~undone)


def purchase_days(tables: Tables, as_of: date) -> ir.Table:
    """One row per customer and day with a purchase; orders of one day are one purchase.

    `number` counts the customer's purchase days from 1; `previous_day` and `next_day` are the
    neighbours. `contribution` is what the merchant receives less refunds, goods, fees, freight
    and packaging, before marketing; empty where the cost of a line is unknown.
    """
    import ibis

    orders = tables["orders_valued"]
    orders = orders.filter(orders.is_purchase, orders.customer_id.notnull())
    costs = (
        orders.cost_of_goods
        - orders.returned_cost
        + orders.fees.fill_null(0)
        + orders.freight.fill_null(0)
        + orders.packaging.fill_null(0)
    )
    earned = orders.receivable + orders.shipping_charged - orders.refunds - costs
    known = orders.costed_receivable == orders.receivable
    orders = orders.mutate(contribution=ibis.cases((known, earned)).cast("decimal(18,2)"))
    days = orders.group_by(*_CUSTOMER, "day").aggregate(
        orders=orders.count(),
        paid_sales=_total(orders.paid_sales),
        receivable=_total(orders.receivable),
        refunds=_total(orders.refunds),
        discounts=_total(orders.discounts),
        contribution=_complete_total(orders.contribution),
        channel=orders.channel.first(order_by=[orders.paid_at, orders.order_id]),
        country=orders.country.first(order_by=[orders.paid_at, orders.order_id]),
    )
    per_customer = ibis.window(group_by=[days.shop_id, days.customer_id], order_by=days.day)
    return days.mutate(
        number=ibis.row_number().over(per_customer) + 1,
        previous_day=days.day.lag().over(per_customer),
        next_day=days.day.lead().over(per_customer),
    )


def customer_summary(tables: Tables, as_of: date) -> ir.Table:
    """One row per customer with a purchase, as of the day: dates, counts and money.

    `frequency` is the number of repeat purchase days, `recency_days` the days from first to
    last purchase, `age_days` those from the first purchase to `as_of`.
    """
    import ibis

    days = tables["purchase_days"]
    repeat = days.number > 1
    summary = days.group_by(*_CUSTOMER).aggregate(
        first_day=days.day.min(),
        last_day=days.day.max(),
        purchase_days=days.count(),
        orders=_count(days.orders),
        paid_sales=_total(days.paid_sales),
        net_sales=(days.receivable.sum() - days.refunds.sum()).cast("decimal(18,2)"),
        contribution=_complete_total(days.contribution),
        repeat_paid_sales=days.paid_sales.sum(where=repeat).cast("decimal(18,2)"),
        repeat_contribution=days.contribution.sum(where=repeat).cast("decimal(18,2)"),
        first_channel=days.channel.first(order_by=days.day),
        country=days.country.first(order_by=days.day),
    )
    end = ibis.literal(as_of)
    return summary.mutate(
        frequency=summary.purchase_days - 1,
        recency_days=summary.last_day.delta(summary.first_day, unit="day"),
        age_days=end.delta(summary.first_day, unit="day"),
    )


def product_days(tables: Tables, as_of: date) -> ir.Table:
    """One row per product and day: pieces, sales by paid day, refunds of those sales, cost.

    Refunds that no order can be linked to stand on the day of the refund.
    """
    lines = tables["lines_valued"]
    sold = lines.group_by(*_PRODUCT, "day").aggregate(
        lines=lines.count(),
        units=_count(lines.quantity),
        paid_sales=_total(lines.paid_sales),
        receivable=_total(lines.receivable),
        discounts=_total(lines.discounts),
        cost_of_goods=_total(lines.cost),
        costed_receivable=lines.receivable.sum(where=lines.cost.notnull()).cast("decimal(18,2)"),
    )
    back = tables["refunds"].rename(day="attributed_on")
    back = back.group_by(*_PRODUCT, "day").aggregate(
        refunds=_total(back.amount),
        refunded_units=_count(back.quantity),
        quality_refunds=back.amount.sum(where=back.is_quality.fill_null(False)).cast(
            "decimal(18,2)"
        ),
        returned_cost=_total(back.returned_cost),
    )
    joined = sold.outer_join(back, [*_PRODUCT, "day"])
    joined = joined.mutate(
        shop_id=joined.shop_id.coalesce(joined.shop_id_right),
        product_id=joined.product_id.coalesce(joined.product_id_right),
        day=joined.day.coalesce(joined.day_right),
    ).drop("shop_id_right", "product_id_right", "day_right")
    filled = ("lines", "units", "paid_sales", "receivable", "discounts", "costed_receivable",
              "refunds", "refunded_units", "quality_refunds", "returned_cost")  # fmt: skip
    return joined.mutate(
        **{name: joined[name].fill_null(0).cast(joined[name].type()) for name in filled}
    )


def channel_days(tables: Tables, as_of: date) -> ir.Table:
    """One row per channel and day: traffic, spend, orders, buyers, new customers.

    `acquisition_spend` is all marketing spend but care for customers the shop has already. A
    column is empty where its table has no row for the channel and day.
    """
    import ibis

    key = ("shop_id", "day", "channel")
    traffic = tables["traffic_daily"]
    traffic = traffic.group_by(*key).aggregate(
        visitors=_count(traffic.visitors),
        sessions=_count(traffic.sessions),
        cart_visitors=_count(traffic.cart_visitors),
        traffic_buyers=_count(traffic.buyers),
        paid_sessions=_count(traffic.paid_sessions),
    )
    spend = tables["ad_spend"]
    spend = spend.group_by(*key).aggregate(
        spend=_total(spend.spend),
        acquisition_spend=spend.spend.sum(where=spend.kind.fill_null("ads") != "care")
        .fill_null(0)
        .cast("decimal(18,2)"),
        impressions=_count(spend.impressions),
        clicks=_count(spend.clicks),
        attributed_sales=_total(spend.attributed_sales),
    )
    orders = tables["orders_valued"]
    orders = orders.group_by(*key).aggregate(
        orders=_count(orders.is_purchase),
        buyers=orders.customer_id.nunique(where=orders.is_purchase),
        paid_sales=_total(orders.paid_sales),
        receivable=_total(orders.receivable),
        refunds=_total(orders.refunds),
    )
    first = tables["purchase_days"].filter(ibis._.number == 1)
    first = first.group_by(*key).aggregate(new_customers=first.count())
    joined = traffic
    for other in (spend, orders, first):
        joined = joined.outer_join(other, list(key))
        joined = joined.mutate(
            **{name: joined[name].coalesce(joined[f"{name}_right"]) for name in key}
        ).drop(*[f"{name}_right" for name in key])
    return joined


def shop_days(tables: Tables, as_of: date) -> ir.Table:
    """One row per shop and day: the money of the orders paid on it, and what was refunded on it.

    `refunds` are refunds of the day's orders (by payment date, still growing for recent days)
    and of the day itself where no order is linked; `refunds_paid_out` are all refunds made on
    the day, whichever order they belong to. `settled_receivable` is the part whose fees are
    known.
    """
    orders = tables["orders_valued"]
    settled = orders.fees.notnull()
    sums = ("paid_sales", "receivable", "discounts", "subsidy", "cost_of_goods",
            "costed_receivable", "returned_cost", "fees", "freight", "packaging",
            "shipping_charged")  # fmt: skip
    sold = orders.group_by("shop_id", "day").aggregate(
        orders=_count(orders.is_purchase),
        buyers=orders.customer_id.nunique(where=orders.is_purchase),
        settled_receivable=orders.receivable.sum(where=settled).cast("decimal(18,2)"),
        shipped_receivable=orders.receivable.sum(where=orders.freight.notnull()).cast(
            "decimal(18,2)"
        ),
        units=_count(orders.units),
        **{name: _total(orders[name]) for name in sums},
    )
    cases = tables["refunds"]
    attributed = cases.group_by("shop_id", day=cases.attributed_on).aggregate(
        refunds=_total(cases.amount),
        unlinked_refunds=cases.amount.sum(where=cases.paid_on.isnull()).cast("decimal(18,2)"),
    )
    paid_out = cases.group_by("shop_id", day=cases.refunded_on).aggregate(
        refunds_paid_out=_total(cases.amount)
    )
    joined = sold
    for other in (attributed, paid_out):
        joined = joined.outer_join(other, ["shop_id", "day"])
        joined = joined.mutate(
            shop_id=joined.shop_id.coalesce(joined.shop_id_right),
            day=joined.day.coalesce(joined.day_right),
        ).drop("shop_id_right", "day_right")
    return joined


def stock_days(tables: Tables, as_of: date) -> ir.Table:
    """One row per product and day of a stock count, all warehouses together, valued at cost."""
    stock = tables["stock_levels"]
    stock = stock.group_by("shop_id", "product_id", "day").aggregate(
        on_hand=_count(stock.on_hand), on_order=_count(stock.on_order)
    )
    stock = _with_unit_cost(stock, tables, "day")
    return stock.mutate(value=(stock.on_hand * stock.unit_cost).round(2).cast("decimal(18,2)"))


def receipts(tables: Tables, as_of: date) -> ir.Table:
    """One row per purchase order line: due or not, on time, in full, both.

    A line is due when its promised day has come; one that is due and not received counts as
    late. `in_full` compares pieces received with pieces ordered.
    """
    import ibis

    lines = tables["purchase_orders"]
    received_on = lines.received_at.date()
    on_time = (received_on <= lines.promised_on).fill_null(False)
    in_full = (lines.received_quantity >= lines.ordered_quantity).fill_null(False)
    return lines.mutate(
        received_on=received_on,
        ordered_on=lines.ordered_at.date(),
        is_due=lines.promised_on <= ibis.literal(as_of),
        on_time=on_time,
        in_full=in_full,
        on_time_in_full=on_time & in_full,
        late_days=received_on.delta(lines.promised_on, unit="day"),
        lead_time_days=received_on.delta(lines.ordered_at.date(), unit="day"),
    )


def deliveries(tables: Tables, as_of: date) -> ir.Table:
    """One row per parcel: days under way, whether the promise was kept, cost, damage."""
    parcels = tables["shipments"]
    hours = parcels.delivered_at.epoch_seconds() - parcels.shipped_at.epoch_seconds()
    return parcels.mutate(
        shipped_on=parcels.shipped_at.date(),
        delivered_on=parcels.delivered_at.date(),
        delivery_days=hours / 86_400,
        kept_promise=parcels.delivered_at <= parcels.promised_at,
    )


MARTS: dict[str, Mart] = {
    mart.name: mart
    for mart in (
        Mart("lines_valued", "goods line of a paid sale",
             ("orders", "order_lines", "price_history"), lines_valued),
        Mart("refunds", "refund of goods", ("orders", "returns", "price_history"), refunds),
        Mart("orders_valued", "paid sale",
             ("orders", "lines_valued", "refunds", "settlements", "shipments"), orders_valued),
        Mart("purchase_days", "customer and day", ("orders_valued",), purchase_days),
        Mart("customer_summary", "customer", ("purchase_days",), customer_summary),
        Mart("product_days", "product and day", ("lines_valued", "refunds"), product_days),
        Mart("channel_days", "channel and day",
             ("traffic_daily", "ad_spend", "orders_valued", "purchase_days"), channel_days),
        Mart("shop_days", "shop and day", ("orders_valued", "refunds"), shop_days),
        Mart("stock_days", "product and day of a count", ("stock_levels", "price_history"),
             stock_days),
        Mart("receipts", "purchase order line", ("purchase_orders",), receipts),
        Mart("deliveries", "parcel", ("shipments",), deliveries),
    )
}  # fmt: skip
