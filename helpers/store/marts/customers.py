"""Marts of customers: purchase days and the summary of each customer."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from helpers.store.marts.parts import CUSTOMER, complete_total, count_of, total

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from helpers.store.marts.parts import Tables


def purchase_days(tables: Tables, as_of: date) -> ir.Table:
    """One row per customer and day with a purchase; orders of one day are one purchase.

    `number` counts the customer's purchase days from 1; `previous_day` and `next_day` are the
    neighbours. `channel`, `country` and `product_id` (what most was paid for) are those of the
    day's first order. `contribution` is what the merchant receives less refunds, goods, fees,
    freight and packaging, before marketing; empty where the cost of a line is unknown.
    `acquisition_commission` is the CPS and host commission settled on a first purchase, 0 on
    others: `contribution` is after it, and a cost of acquisition that holds it must be set against
    the sum of both. `unsettled_receivable` is the part of the receivable not settled yet.
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
    days = orders.group_by(*CUSTOMER, "day").aggregate(
        orders=orders.count(),
        paid_sales=total(orders.paid_sales),
        receivable=total(orders.receivable),
        refunds=total(orders.refunds),
        discounts=total(orders.discounts),
        contribution=complete_total(orders.contribution),
        commission=total(orders.affiliate_commission.fill_null(0)),
        unsettled_receivable=orders.receivable.sum(where=orders.affiliate_commission.isnull())
        .fill_null(0)
        .cast("decimal(18,2)"),
        channel=orders.channel.first(order_by=[orders.paid_at, orders.order_id]),
        country=orders.country.first(order_by=[orders.paid_at, orders.order_id]),
        product_id=orders.product_id.first(order_by=[orders.paid_at, orders.order_id]),
    )
    per_customer = ibis.window(group_by=[days.shop_id, days.customer_id], order_by=days.day)
    days = days.mutate(
        number=ibis.row_number().over(per_customer) + 1,
        previous_day=days.day.lag().over(per_customer),
        next_day=days.day.lead().over(per_customer),
    )
    first = ibis.cases((days.number == 1, days.commission), else_=0).cast("decimal(18,2)")
    return days.mutate(acquisition_commission=first).drop("commission")


def customer_summary(tables: Tables, as_of: date) -> ir.Table:
    """One row per customer with a purchase, as of the day: dates, counts and money.

    `frequency` is the number of repeat purchase days, `recency_days` the days from first to
    last purchase, `age_days` those from the first purchase to `as_of`.
    """
    import ibis

    days = tables["purchase_days"]
    repeat = days.number > 1
    summary = days.group_by(*CUSTOMER).aggregate(
        first_day=days.day.min(),
        last_day=days.day.max(),
        purchase_days=days.count(),
        orders=count_of(days.orders),
        paid_sales=total(days.paid_sales),
        net_sales=(days.receivable.sum() - days.refunds.sum()).cast("decimal(18,2)"),
        contribution=complete_total(days.contribution),
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
