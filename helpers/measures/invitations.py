"""Who invited whom, and which invitations brought a new customer.

An invitation brought somebody where it was accepted, inviter and invited are two people, and the
invited person's first purchase of all came within 30 days of it. Somebody whom several invitations
could have brought belongs to the one accepted first, so nobody counts twice. Days are the shop's
own; an invitation and a first purchase of one day are taken in this order.
Source: plan 2.3, 6.1; definition of the K-factor.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from helpers.store.errors import MissingTable

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from helpers.plan.periods import Period
    from helpers.store.open import Store

INVITED_WITHIN_DAYS = 60
BOUGHT_WITHIN_DAYS = 30
WINDOW_DAYS = INVITED_WITHIN_DAYS + BOUGHT_WITHIN_DAYS


def first_purchases(store: Store, until: date) -> ir.Table:
    """One row per customer with a purchase by a day: `shop_id`, `customer_id`, `first_day`,
    `first_sales`, `first_discounts` (money) and `channel` of the first purchase day.

    Raises:
        MissingTable: Customers are unknown.
    """
    store.require("orders", "customer_id")
    days = store.mart("purchase_days")
    first = days.filter(days.number == 1, days.day <= until)
    return first.select(
        "shop_id", "customer_id", "channel",
        first_day=first.day, first_sales=first.paid_sales, first_discounts=first.discounts,
    )  # fmt: skip


def invitations(store: Store, until: date) -> ir.Table:
    """One row per invitation as known at the end of a day.

    Returns:
        `shop_id`, `invitation_id`, `inviter_id`, `invited_on`, `invitee_id` (empty until accepted),
        `is_accepted`, `is_self` (inviter and invited are one person), `reward`, `brought_on` (day
        of the first purchase of the new customer whom it brought; empty where it brought nobody).

    Raises:
        MissingTable: The store has no invitations, or customers are unknown.
    """
    import ibis

    store.require("invitations", "inviter_id", "invited_at")
    sent = store.table("invitations")
    sent = sent.filter(sent.invited_at.date() <= until)
    accepted = (sent.accepted_at.date() <= until).fill_null(False) & sent.invitee_id.notnull()
    same = (sent.invitee_id == sent.inviter_id).fill_null(False)
    sent = sent.select(
        "shop_id", "invitation_id", "inviter_id", "accepted_at",
        invited_on=sent.invited_at.date(),
        is_accepted=accepted,
        is_self=accepted & (same | sent.is_same_person.fill_null(False)),
        invitee_id=ibis.cases((accepted, sent.invitee_id)),
        reward=ibis.cases((accepted, sent.reward)),
    )  # fmt: skip
    bought = first_purchases(store, until).select(
        "shop_id", invitee_id="customer_id", bought_on="first_day"
    )
    known = sent.left_join(bought, ["shop_id", "invitee_id"])
    gap = known.bought_on.delta(known.invited_on, unit="day")
    fits = known.is_accepted & ~known.is_self & gap.between(0, BOUGHT_WITHIN_DAYS)
    known = known.mutate(fits=fits.fill_null(False))
    one_person = ibis.window(
        group_by=[known.shop_id, known.invitee_id, known.fits],
        order_by=[known.accepted_at, known.invited_on, known.invitation_id],
    )
    known = known.mutate(place=ibis.row_number().over(one_person))
    return known.select(
        "shop_id", "invitation_id", "inviter_id", "invited_on", "invitee_id", "is_accepted",
        "is_self", "reward",
        brought_on=ibis.cases((known.fits & (known.place == 0), known.bought_on)),
    )  # fmt: skip


def brought(store: Store, until: date) -> ir.Table:
    """One row per customer whom an invitation brought: `shop_id`, `customer_id`, `inviter_id`,
    `invited_on`, `first_day`, `reward`.
    """
    sent = invitations(store, until)
    sent = sent.filter(sent.brought_on.notnull())
    return sent.select(
        "shop_id", "inviter_id", "invited_on", "reward",
        customer_id="invitee_id", first_day="brought_on",
    )  # fmt: skip


def inviters(store: Store, first: Period, until: date) -> ir.Table:
    """One row per customer whose first purchase lies in a span: what came of the 60 days after it.

    Args:
        store: Uses table `invitations` and mart `purchase_days`.
        first: Span of the first purchases.
        until: Last day that is known.

    Returns:
        `shop_id`, `customer_id`, `first_day`, `sent` (invitations but those to oneself), `brought`
        (people), `to_self` (invitations), `self_reward` (money).

    Raises:
        MissingTable: As `invitations`.
    """
    import ibis

    people = first_purchases(store, until)
    people = people.filter(people.first_day.between(first.start, first.end))
    people = people.select("shop_id", "customer_id", "first_day")
    sent = invitations(store, until).rename(customer_id="inviter_id")
    joined = people.left_join(sent, ["shop_id", "customer_id"])
    since = joined.invited_on.delta(joined.first_day, unit="day")
    counts = since.between(0, INVITED_WITHIN_DAYS).fill_null(False)
    to_self = counts & joined.is_self.fill_null(False)
    return (
        joined.mutate(counts=counts, to_self=to_self)
        .group_by("shop_id", "customer_id", "first_day")
        .aggregate(
            sent=(ibis._.counts & ~ibis._.to_self).sum().cast("int64"),
            brought=(ibis._.counts & ibis._.brought_on.notnull()).sum().cast("int64"),
            to_self=ibis._.to_self.sum().cast("int64"),
            self_reward=ibis._.reward.sum(where=ibis._.to_self).fill_null(0),
        )
    )


def require_programme(store: Store, until: date) -> None:
    """Make sure that customers could already invite by a day.

    Raises:
        MissingTable: There are no invitations, or the first one is later.
    """
    store.require("invitations", "inviter_id", "invited_at")
    sent = store.table("invitations")
    first = store.to_frame(sent.aggregate(day=sent.invited_at.min().date()))["day"].iloc[0]
    if first != first or first.date() > until:
        raise MissingTable("invitations", ("invited_at",), "short")


def cohort_of(period: Period) -> Period:
    """First purchases whose 90 days end in the period."""
    from helpers.plan.periods import Period as Span

    window = timedelta(days=WINDOW_DAYS)
    return Span(period.start - window, period.end - window)
