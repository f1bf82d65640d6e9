"""Marts of sales: lines, refunds, orders, and their sums by product, channel and shop."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from helpers.store.marts.parts import ORDER, PRODUCT, count_of, total, with_unit_cost

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from helpers.store.marts.parts import Tables


def lines_valued(tables: Tables, as_of: date) -> ir.Table:
    """One row per goods line of a paid sale: pieces, list value, discounts, money, cost."""
    import ibis

    orders = tables["orders"].filter(
        ibis._.paid_at.notnull(), ibis._.kind == "sale", ~ibis._.is_fake.fill_null(False)
    )
    orders = orders.select("shop_id", "order_id", day=orders.paid_at.date())
    lines = tables["order_lines"].filter(ibis._.item_class == "goods")
    lines = lines.inner_join(orders, ORDER)
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
    lines = with_unit_cost(lines, tables, "day")
    return lines.mutate(cost=(lines.unit_cost * lines.quantity).round(2).cast("decimal(18,2)"))


def refunds(tables: Tables, as_of: date) -> ir.Table:
    """One row per refund of goods of a sale that has been paid out.

    `paid_on` is the day on which the refunded order was paid, empty where none can be linked;
    `attributed_on` is that day, else the day of the refund. `returned_cost` is the cost of the
    goods that came back fit for sale or never left.
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
    cases = cases.left_join(sale, ORDER).drop("shop_id_right", "order_id_right")
    cases = cases.filter(cases.counts.fill_null(True))
    cases = cases.mutate(refunded_on=cases.settled_at.date())
    cases = cases.mutate(attributed_on=cases.paid_on.coalesce(cases.refunded_on))
    cases = with_unit_cost(cases, tables, "attributed_on")
    sent_back = (cases.type == "return_and_refund") & cases.is_resaleable.fill_null(False)
    never_left = cases.stage == "before_shipment"
    came_back = sent_back.fill_null(False) | never_left.fill_null(False)
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

    `product_id` is the product that the most was paid for; equal ones in the order of their ids.

    Samples, gifts, exchanges and fake orders are no sales. A sale is a purchase when it has
    goods and was not refunded in full before shipment; it belongs to a customer only where the
    source names one. `fees` and the `affiliate_commission` in them (of CPS and hosts) are empty
    until the platform has settled the order, and `cost_of_goods` covers `costed_receivable`, the
    part of the sale whose cost is known.
    """
    import ibis

    lines = tables["lines_valued"]
    money = lines.group_by(*ORDER).aggregate(
        units=count_of(lines.quantity),
        paid_sales=total(lines.paid_sales),
        receivable=total(lines.receivable),
        discounts=total(lines.discounts),
        subsidy=total(lines.subsidy),
        cost_of_goods=total(lines.cost),
        costed_receivable=lines.receivable.sum(where=lines.cost.notnull())
        .fill_null(0)
        .cast("decimal(18,2)"),
        product_id=lines.product_id.first(order_by=[lines.paid_sales.desc(), lines.product_id]),
    )
    back = tables["refunds"]
    early = back.amount.sum(where=back.stage == "before_shipment")
    back = (
        back.filter(back.paid_on.notnull())
        .group_by(*ORDER)
        .aggregate(
            refunds=total(back.amount),
            refunds_before_shipment=early.fill_null(0).cast("decimal(18,2)"),
            returned_cost=total(back.returned_cost),
        )
    )
    settled = tables["settlements"].filter(ibis._.settled_at.notnull())
    charges = ("commission", "affiliate_commission", "return_insurance", "instalment_fee")
    settled = settled.select(
        *ORDER,
        fees=sum((settled[name].fill_null(0) for name in charges), settled.penalty.fill_null(0)),
        affiliate_commission=settled.affiliate_commission.fill_null(0),
    )
    parcels = tables["shipments"]
    parcels = parcels.group_by(*ORDER).aggregate(
        freight=total(parcels.freight_cost), packaging=total(parcels.packaging_cost)
    )
    orders = tables["orders"].select(
        *ORDER, "customer_id", "channel", "country", "paid_at", "shipping_charged"
    )
    joined = orders.inner_join(money, ORDER)
    for other in (back, settled, parcels):
        joined = joined.left_join(other, ORDER).drop("shop_id_right", "order_id_right")
    nothing = ibis.literal(0).cast("decimal(18,2)")
    joined = joined.mutate(
        day=joined.paid_at.date(),
        channel=joined.channel.fill_null("unknown"),
        shipping_charged=joined.shipping_charged.fill_null(nothing),
        refunds=joined.refunds.fill_null(nothing),
        refunds_before_shipment=joined.refunds_before_shipment.fill_null(nothing),
        returned_cost=joined.returned_cost.fill_null(nothing),
        fees=joined.fees.cast("decimal(18,2)"),
        affiliate_commission=joined.affiliate_commission.cast("decimal(18,2)"),
    )
    undone = (joined.paid_sales > 0) & (joined.refunds_before_shipment >= joined.paid_sales)
    return joined.mutate(is_purchase=(joined.units > 0) & ~undone)


def product_days(tables: Tables, as_of: date) -> ir.Table:
    """One row per product and day: pieces, sales by paid day, refunds of those sales, cost.

    Refunds that no order can be linked to stand on the day of the refund.
    """
    lines = tables["lines_valued"]
    sold = lines.group_by(*PRODUCT, "day").aggregate(
        lines=lines.count(),
        units=count_of(lines.quantity),
        paid_sales=total(lines.paid_sales),
        receivable=total(lines.receivable),
        discounts=total(lines.discounts),
        cost_of_goods=total(lines.cost),
        costed_receivable=lines.receivable.sum(where=lines.cost.notnull()).cast("decimal(18,2)"),
    )
    back = tables["refunds"].rename(day="attributed_on")
    back = back.group_by(*PRODUCT, "day").aggregate(
        refunds=total(back.amount),
        refunded_units=count_of(back.quantity),
        quality_refunds=back.amount.sum(where=back.is_quality.fill_null(False)).cast(
            "decimal(18,2)"
        ),
        returned_cost=total(back.returned_cost),
    )
    joined = sold.outer_join(back, [*PRODUCT, "day"])
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

    `booked_acquisition` is all marketing spend but care for customers the shop has already.
    `first_commission` is the CPS and host commission settled on first purchases so far, on
    `first_settled` of their receivable; `first_open` is the receivable of those not settled. A
    column is empty where its table has no row for the channel and day.
    """
    import ibis

    key = ("shop_id", "day", "channel")
    traffic = tables["traffic_daily"]
    traffic = traffic.group_by(*key).aggregate(
        visitors=count_of(traffic.visitors),
        sessions=count_of(traffic.sessions),
        cart_visitors=count_of(traffic.cart_visitors),
        traffic_buyers=count_of(traffic.buyers),
        paid_sessions=count_of(traffic.paid_sessions),
    )
    spend = tables["ad_spend"]
    spend = spend.group_by(*key).aggregate(
        spend=total(spend.spend),
        booked_acquisition=spend.spend.sum(where=spend.kind.fill_null("ads") != "care")
        .fill_null(0)
        .cast("decimal(18,2)"),
        impressions=count_of(spend.impressions),
        clicks=count_of(spend.clicks),
        attributed_sales=total(spend.attributed_sales),
    )
    orders = tables["orders_valued"]
    orders = orders.group_by(*key).aggregate(
        orders=count_of(orders.is_purchase),
        buyers=orders.customer_id.nunique(where=orders.is_purchase),
        paid_sales=total(orders.paid_sales),
        receivable=total(orders.receivable),
        refunds=total(orders.refunds),
    )
    first = tables["purchase_days"].filter(ibis._.number == 1)
    first = first.group_by(*key).aggregate(
        new_customers=first.count(),
        first_commission=total(first.acquisition_commission),
        first_settled=(first.receivable.sum() - first.unsettled_receivable.sum()).cast(
            "decimal(18,2)"
        ),
        first_open=total(first.unsettled_receivable),
    )
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
    the day, whichever order they belong to. `settled_receivable` and
    `shipped_receivable` are the parts whose fees and freight are known; an order undone before
    shipment has none.
    """
    orders = tables["orders_valued"]
    undone = (orders.paid_sales > 0) & ~orders.is_purchase
    settled = orders.fees.notnull() | undone
    shipped = orders.freight.notnull() | undone
    sums = ("paid_sales", "receivable", "discounts", "subsidy", "cost_of_goods",
            "costed_receivable", "returned_cost", "fees", "affiliate_commission", "freight",
            "packaging", "shipping_charged")  # fmt: skip
    sold = orders.group_by("shop_id", "day").aggregate(
        orders=count_of(orders.is_purchase),
        buyers=orders.customer_id.nunique(where=orders.is_purchase),
        settled_receivable=orders.receivable.sum(where=settled).cast("decimal(18,2)"),
        shipped_receivable=orders.receivable.sum(where=shipped).cast("decimal(18,2)"),
        units=count_of(orders.units),
        **{name: total(orders[name]) for name in sums},
    )
    cases = tables["refunds"]
    attributed = cases.group_by("shop_id", day=cases.attributed_on).aggregate(
        refunds=total(cases.amount),
        unlinked_refunds=cases.amount.sum(where=cases.paid_on.isnull()).cast("decimal(18,2)"),
    )
    paid_out = cases.group_by("shop_id", day=cases.refunded_on).aggregate(
        refunds_paid_out=total(cases.amount)
    )
    joined = sold
    for other in (attributed, paid_out):
        joined = joined.outer_join(other, ["shop_id", "day"])
        joined = joined.mutate(
            shop_id=joined.shop_id.coalesce(joined.shop_id_right),
            day=joined.day.coalesce(joined.day_right),
        ).drop("shop_id_right", "day_right")
    return joined
