"""What purchases contribute, recent ones with the refunds, fees and freight that are still to come.

Contribution before marketing, where the cost of goods is known; what the purchases of the last
months still lose is taken off at the rate that the shop's money is projected with. Source: plan
2.1, 4.4.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from helpers.measures.money import AGES, BLOCK_DAYS, RATE_DAYS, SMALLEST_COSTED_SHARE, daily_money
from helpers.measures.purchases import YEAR_DAYS
from helpers.plan.periods import Period
from helpers.store.errors import MissingTable

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pandas as pd

    from helpers.store.open import Store

OPEN_DAYS = BLOCK_DAYS * AGES


def contribution_share(store: Store, period: Period) -> float | None:
    """Contribution before marketing per unit of money paid, over the 365 days to the end.

    None where the cost of goods is not known for all of it.
    """
    window = period.trailing(YEAR_DAYS)
    days = known_contributions(store)
    days = days.filter(days.day >= window.start, days.day <= window.end)
    known = days.filter(days.value.notnull())
    sums = store.to_frame(
        days.aggregate(paid=days.paid_sales.sum()).cross_join(
            known.aggregate(costed=known.paid_sales.sum(), contribution=known.value.sum())
        )
    ).iloc[0]
    sums = sums.fillna(0.0)
    if not sums["paid"] > 0 or not sums["costed"] >= SMALLEST_COSTED_SHARE * sums["paid"]:
        return None
    return float(sums["contribution"] / sums["costed"])


def known_contributions(store: Store) -> ir.Table:
    """Mart `purchase_days` with `value`: contribution (money), what is still to come taken off.

    Empty where the cost of a line is unknown. `first_commission` is the CPS and host commission
    that a first purchase has lost in it, with what is still to be settled; 0 on others.
    """
    import ibis

    days = store.mart("purchase_days")
    contribution = days.contribution.cast("float64")
    commission = days.acquisition_commission.cast("float64")
    rates = store.once("open_costs", lambda: _open_costs(store))
    if rates.empty:
        return days.mutate(value=contribution, first_commission=commission)
    joined = days.left_join(ibis.memtable(rates), "day")
    receivable = joined.receivable.cast("float64")
    to_come = ibis.cases((joined.number == 1, receivable * joined.open_commission), else_=0.0)
    joined = joined.mutate(
        value=joined.contribution.cast("float64") - receivable * joined.open_rate.fill_null(0.0),
        first_commission=joined.acquisition_commission.cast("float64") + to_come.fill_null(0.0),
    )
    return joined.select(*days.columns, "value", "first_commission")


def valued_purchases(store: Store, period: Period) -> ir.Table:
    """As `known_contributions`, purchases of unknown cost at the share of the known ones.

    Raises:
        MissingTable: The cost of goods is not known for 95 % of a year's sales.
    """
    share = contribution_share(store, period)
    if share is None:
        why = "short" if store.has("price_history") else "absent"
        raise MissingTable("price_history", ("product_id", "valid_from", "unit_cost"), why)
    days = known_contributions(store)
    return days.mutate(value=days.value.coalesce(days.paid_sales.cast("float64") * share))


def before_acquisition(store: Store, period: Period) -> ir.Table:
    """As `valued_purchases`, with the commission on first purchases given back to `value`.

    Acquisition cost holds that commission: only the value before it may be set against the cost.

    Raises:
        MissingTable: As `valued_purchases`.
    """
    days = valued_purchases(store, period)
    return days.mutate(value=days.value + days.first_commission)


def _open_costs(store: Store) -> pd.DataFrame:
    """What days of the last months will still lose, per unit of receivable.

    Returns:
        `day`, `open_rate`, `open_commission` (the part of it that is CPS and host commission).
    """
    import pandas as pd

    first = max(store.first_day, store.as_of - timedelta(days=OPEN_DAYS - 1))
    span = Period(first, store.as_of)
    booked = _booked(store, span)
    money = daily_money(store, span).set_index("day").reindex(booked.index)
    refunds = money["refunds_to_come"].fillna(0.0)
    sent_back = booked["returned_cost"].sum() / max(booked["refunds"].sum(), 0.01)
    due = refunds * (1 - sent_back)
    for name in ("fees", "freight"):
        due = due + (money[name] - booked[name]).fillna(0.0)
    receivable = booked["receivable"].where(booked["receivable"] > 0)
    recent = booked.tail(RATE_DAYS).sum()
    usual = recent["affiliate_commission"] / max(recent["settled_receivable"], 0.01)
    unsettled = (booked["receivable"] - booked["settled_receivable"]).clip(lower=0)
    rates = pd.DataFrame(
        {"open_rate": due / receivable, "open_commission": usual * unsettled / receivable}
    ).fillna(0.0)
    rates = rates[(rates.abs() > 1e-9).any(axis=1)]
    return rates.rename_axis("day").reset_index()


def _booked(store: Store, span: Period) -> pd.DataFrame:
    """The shop's money as booked so far, by day; `freight` with packaging."""
    days = store.mart("shop_days")
    days = days.filter(days.day >= span.start, days.day <= span.end)
    names = ("receivable", "settled_receivable", "refunds", "returned_cost", "fees",
             "affiliate_commission", "freight", "packaging")  # fmt: skip
    sums = {name: days[name].sum().cast("float64") for name in names}
    frame = store.to_frame(days.group_by("day").aggregate(**sums).order_by("day"))
    frame = frame.fillna(0.0).set_index("day")
    return frame.assign(freight=frame["freight"] + frame["packaging"])
