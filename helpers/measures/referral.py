"""Referral: how many customers a customer brings, and the share of the new who were brought.

K = invitations per customer x conversion of an invitation, both in a fixed window after the
inviter's first purchase, self-referrals out. Source: plan 2.3, 6.1; definition of the K-factor.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from helpers.measures import invitations as sent_by
from helpers.measures.frames import divide, estimated, proportion
from helpers.measures.purchases import SMALLEST_GROUP, YEAR_DAYS
from helpers.store.errors import MissingTable

if TYPE_CHECKING:
    import pandas as pd

    from helpers.models.estimate import Estimate
    from helpers.plan.periods import Period
    from helpers.store.open import Store

LATEST_GENERATION = 4
CHANNEL = "referral"
EXPECTED = "referral_share"


def k_factor(store: Store, period: Period) -> pd.DataFrame:
    """New customers whom a new customer brings within 90 days of the own first purchase.

    Takes the customers whose 90 days end in the period: 60 to invite, 30 more for the invited to
    buy. Later ones are left out, not taken as bringing nobody.

    Returns:
        One row, `frames.COLUMNS`: people brought per customer, 0 or more; the interval is that of
        inviters, who differ from one another; n customers.

    Raises:
        MissingTable: No invitations, customers unknown, no window ends in the period, or fewer than
            10 customers invited anybody.

    Source: plan 2.3, 6.1; definition of the K-factor.
    """
    counted = _counted(store, period)
    _require_inviters(counted)
    found = _per_customer(counted, "brought")
    total = float((counted["brought"] * counted["customers"]).sum())
    return estimated(found, total, float(counted["customers"].sum()))


def _counted(store: Store, period: Period) -> pd.DataFrame:
    """Customers of a cohort by how many invitations they sent, people they brought, and to self.

    Returns:
        One row per combination: `sent`, `brought`, `to_self`, `customers`, `self_reward`.
    """
    import ibis

    cohort = sent_by.cohort_of(period)
    if cohort.start < store.first_day or cohort.end > store.as_of:
        raise MissingTable("orders", ("paid_at",), "short")
    sent_by.require_programme(store, period.end)
    people = sent_by.inviters(store, cohort, period.end)
    grouped = (
        people.group_by("sent", "brought", "to_self")
        .aggregate(customers=ibis._.count(), self_reward=ibis._.self_reward.sum())
        .order_by("sent", "brought", "to_self")
    )
    counted = store.to_frame(grouped)
    if counted.empty:
        raise MissingTable("orders", ("paid_at",), "short")
    return counted


def _require_inviters(counted: pd.DataFrame) -> None:
    inviting = counted.loc[counted["sent"] > 0, "customers"].sum()
    if 0 < inviting < SMALLEST_GROUP:
        raise MissingTable("invitations", ("inviter_id",), "small")


def _per_customer(counted: pd.DataFrame, column: str, by: str | None = None) -> Estimate:
    """A column's total / customers, or / another column's total, by customer."""
    import numpy as np

    from helpers.models.intervals import ratio_of_sums

    top = np.repeat(counted[column].to_numpy(), counted["customers"])
    bottom = np.repeat(counted[by].to_numpy(), counted["customers"]) if by else np.ones(len(top))
    return ratio_of_sums(top, bottom, serial=False)


def k_pieces(store: Store, period: Period) -> pd.DataFrame:
    """The K-factor and its two pieces; K is their product.

    Returns:
        One row per piece: `piece` (`invitations_per_customer`, `invitation_conversion`,
        `k_factor`), `value`, `low`, `high` (95 %, by inviter), `numerator`, `denominator` (people
        brought: empty for 1 to 9).

    Raises:
        MissingTable: As `k_factor`.

    Source: plan 2.3, 6.1.
    """
    import pandas as pd

    counted = _counted(store, period)
    _require_inviters(counted)
    totals = counted[["sent", "brought"]].mul(counted["customers"], axis=0).sum()
    customers = counted["customers"].sum()
    pieces = {
        "invitations_per_customer": (_per_customer(counted, "sent"), totals["sent"], customers),
        "invitation_conversion": (
            _per_customer(counted, "brought", "sent"), totals["brought"], totals["sent"]
        ),
        "k_factor": (_per_customer(counted, "brought"), totals["brought"], customers),
    }  # fmt: skip
    rows = [
        (piece, found.value, found.low, found.high, float(top), float(bottom))
        for piece, (found, top, bottom) in pieces.items()
    ]
    names = ["piece", "value", "low", "high", "numerator", "denominator"]
    frame = pd.DataFrame(rows, columns=names)
    few = (frame["piece"] != "invitations_per_customer") & (totals["brought"] < SMALLEST_GROUP)
    return frame.assign(numerator=frame["numerator"].mask(few & (totals["brought"] > 0)))


def inviting(store: Store, period: Period) -> pd.DataFrame:
    """Who invited in the window, and what was left out.

    Returns:
        One row: `customers` (cohort), `inviters`, `inviter_share`, `brought` (people),
        `most_brought_share` (of them, brought by the tenth of inviters who brought most),
        `to_self` (invitations to oneself, left out), `self_inviters` (customers who sent them),
        `self_reward` (money given for them), `immature` (new customers whose 90 days are not over).
        Counts of 1 to 9 customers are empty, with the shares and money that would give them away.

    Raises:
        MissingTable: As `k_factor`.

    Source: plan 2.3, 6.1.
    """
    import numpy as np
    import pandas as pd

    counted = _counted(store, period)
    _require_inviters(counted)
    n = counted["customers"]
    inviters, customers = n[counted["sent"] > 0].sum(), n.sum()
    self_inviters = n[counted["to_self"] > 0].sum()
    each = np.repeat(counted["brought"].to_numpy(), n)[np.repeat(counted["sent"] > 0, n)]
    total = each.sum()
    most = np.sort(each)[::-1][: -(-len(each) // 10)].sum()
    row = {
        "customers": customers, "inviters": inviters, "inviter_share": divide(inviters, customers),
        "brought": total, "most_brought_share": divide(most, total),
        "to_self": (counted["to_self"] * n).sum(), "self_inviters": self_inviters,
        "self_reward": counted["self_reward"].sum(), "immature": _immature(store, period),
    }  # fmt: skip
    frame = pd.DataFrame([row]).astype(float)
    for count, derived in (
        ("brought", ["most_brought_share"]), ("self_inviters", ["to_self", "self_reward"]),
        ("immature", []), ("customers", ["inviter_share"]),
    ):  # fmt: skip
        frame.loc[frame[count].between(1, SMALLEST_GROUP - 1), [count, *derived]] = np.nan
    return frame


def _immature(store: Store, period: Period) -> int:
    first = sent_by.first_purchases(store, period.end)
    later = first.filter(first.first_day > sent_by.cohort_of(period).end)
    return int(store.to_frame(later.aggregate(n=later.count()))["n"].iloc[0])


def k_by_month(store: Store, period: Period, *, cohorts: int = 13) -> pd.DataFrame:
    """The K-factor of each month's new customers, oldest first.

    Months whose 90 days are not over for all are left out, and months with fewer than 10 customers,
    with 1 to 9 inviters, or before the first invitation of all.

    Returns:
        One row per month of first purchase: `cohort` (its first day), `customers`, `inviters`,
        `value`, `low`, `high` (people brought per customer; 95 %, by inviter), `sent` (invitations
        per customer), `conversion` (of an invitation).

    Raises:
        MissingTable: No invitations, customers unknown, or no month is old enough.

    Source: plan 2.3, 6.1.
    """
    import pandas as pd

    rows, months = [], _months(store, period, cohorts)
    for month, counted in months:
        n = counted["customers"]
        inviters = int(n[counted["sent"] > 0].sum())
        if n.sum() < SMALLEST_GROUP or 0 < inviters < SMALLEST_GROUP:
            continue
        found = _per_customer(counted, "brought")
        sent = _per_customer(counted, "sent").value
        rows.append((month, int(n.sum()), inviters, found.value, found.low, found.high, sent,
                     divide(found.value, sent)))  # fmt: skip
    if not rows:
        raise MissingTable("invitations", ("invited_at",), "small" if months else "short")
    names = ["cohort", "customers", "inviters", "value", "low", "high", "sent", "conversion"]
    return pd.DataFrame(rows, columns=names)


def _months(store: Store, period: Period, cohorts: int) -> list[tuple[pd.Timestamp, pd.DataFrame]]:
    """Each month's customers by what they sent and whom they brought."""
    from datetime import timedelta

    import ibis

    from helpers.plan.periods import Period as Span
    from helpers.plan.periods import last_complete_month

    until = min(period.end, store.as_of)
    last = last_complete_month(until - timedelta(days=sent_by.WINDOW_DAYS))
    sent_by.require_programme(store, last.end)
    start = max(last.back(cohorts)[0].start, store.first_day)
    if start > last.end:
        raise MissingTable("orders", ("paid_at",), "short")
    people = sent_by.inviters(store, Span(start, last.end), until)
    grouped = (
        people.mutate(cohort=people.first_day.truncate("M"))
        .group_by("cohort", "sent", "brought")
        .aggregate(customers=ibis._.count())
        .order_by("cohort", "sent", "brought")
    )
    months = list(store.to_frame(grouped).groupby("cohort", sort=True))
    began = [i for i, (_, part) in enumerate(months) if (part["sent"] > 0).any()]
    return months[began[0] :] if began else []


def referred_customer_share(store: Store, period: Period) -> pd.DataFrame:
    """New customers whom an invitation of the 30 days before brought / new customers.

    Returns:
        One row, `frames.COLUMNS`: 0 to 1 with its Wilson interval; n customers.

    Raises:
        MissingTable: No invitations, customers unknown, or the orders begin inside the period.

    Source: plan 2.3, which expects 30 %.
    """
    _require_orders(store, period)
    sent_by.require_programme(store, period.end)
    first = sent_by.first_purchases(store, period.end)
    first = first.filter(first.first_day >= period.start)
    came = sent_by.brought(store, period.end)
    came = came.filter(came.first_day >= period.start)
    counts = first.aggregate(customers=first.count()).cross_join(
        came.aggregate(referred=came.count())
    )
    row = store.to_frame(counts).iloc[0]
    return proportion(float(row["referred"]), float(row["customers"]))


def _require_orders(store: Store, period: Period) -> None:
    store.require("orders", "customer_id")
    if period.start < store.first_day:
        raise MissingTable("orders", ("paid_at",), "short")


def referred_shares(store: Store, period: Period) -> pd.DataFrame:
    """The share of new customers referred beside what the plan expects.

    Where the store shows no invitations, the share of first orders that came through the channel
    `referral` stands in, and `basis` says so: it misses who was invited and came another way.

    Returns:
        One row: `basis` (`invitations` or `channel`), `value`, `low`, `high` (0 to 1, Wilson),
        `referred`, `customers`, `expected` (the plan's share), `reading` (`reached`, `below`,
        `not_enough_evidence`: the interval spans it).

    Raises:
        MissingTable: Neither invitations nor the channel `referral` is known; or fewer than 10
            customers were referred.

    Source: plan 2.3.
    """
    from helpers.plan import benchmarks

    try:
        found, basis = referred_customer_share(store, period), "invitations"
    except MissingTable as lack:
        if lack.table != "invitations":
            raise
        found, basis = _share_by_channel(store, period, lack), "channel"
    expected = next(row.after for row in benchmarks.load() if row.id == EXPECTED)
    found = found.rename(columns={"numerator": "referred", "denominator": "customers"})
    if min(found["referred"].iloc[0], found["customers"].iloc[0]) < SMALLEST_GROUP:
        raise MissingTable(sent_by_table(basis), (), "small")
    low, high = found["low"].iloc[0], found["high"].iloc[0]
    reading = (
        "reached" if low >= expected else "below" if high < expected else "not_enough_evidence"
    )
    found = found.assign(basis=basis, expected=expected, reading=reading)
    return found[["basis", "value", "low", "high", "referred", "customers", "expected", "reading"]]


def sent_by_table(basis: str) -> str:
    """The table on which a share of the referred rests."""
    return "invitations" if basis == "invitations" else "orders"


def _share_by_channel(store: Store, period: Period, lack: MissingTable) -> pd.DataFrame:
    """Share of first orders from the channel `referral`; the lack itself where none ever did."""
    _require_orders(store, period)
    first = sent_by.first_purchases(store, period.end)
    span = first.filter(first.first_day >= period.start)
    counts = span.aggregate(
        customers=span.count(), referred=(span.channel == CHANNEL).fill_null(False).sum()
    ).cross_join(first.aggregate(ever=(first.channel == CHANNEL).fill_null(False).sum()))
    row = store.to_frame(counts).fillna(0).iloc[0]
    if not row["ever"]:
        raise lack
    return proportion(float(row["referred"]), float(row["customers"]))


def generations(store: Store, period: Period) -> pd.DataFrame:
    """How far sharing carries: new customers by generation, over the 365 days to the period's end.

    Generation 1 was invited by a customer who was not referred, 2 by one of generation 1, and so
    on; 0 was not referred.

    Returns:
        One row per generation: `generation` (text: `0`, `1` ...; with a plus where later ones are
        in it), `customers`, `share` (of new customers), `of_previous` (customers / those of the
        generation before; empty for the first two). The last generations are merged until each
        has 10 customers.

    Raises:
        MissingTable: No invitations, customers unknown, or fewer than 10 customers were referred.

    Source: plan 6.1.
    """
    import ibis

    sent_by.require_programme(store, period.end)
    span = period.trailing(YEAR_DAYS)
    first = sent_by.first_purchases(store, period.end)
    first = first.filter(first.first_day >= span.start)
    edges = sent_by.brought(store, period.end).select("shop_id", "customer_id", "inviter_id")
    chain = first.select("shop_id", "customer_id", above="customer_id", generation=ibis.literal(0))
    for _ in range(LATEST_GENERATION):
        chain = chain.left_join(edges.rename(above="customer_id"), ["shop_id", "above"])
        step = chain.inviter_id.notnull().cast("int64")
        chain = chain.select(
            "shop_id", "customer_id", above="inviter_id", generation=chain.generation + step
        )
    grouped = chain.group_by("generation").aggregate(customers=ibis._.count())
    return _merged(store.to_frame(grouped.order_by("generation")))


def _merged(counted: pd.DataFrame) -> pd.DataFrame:
    """Small last generations in the one before, with a plus."""
    import pandas as pd

    sizes = counted.set_index("generation")["customers"].reindex(range(LATEST_GENERATION + 1))
    sizes = list(sizes.fillna(0).astype(int))
    if min(sizes[0], sum(sizes[1:])) < SMALLEST_GROUP:
        raise MissingTable("invitations", ("invitee_id",), "small")
    later = sizes[LATEST_GENERATION] > 0
    while min(sizes) < SMALLEST_GROUP:
        later = later or sizes[-1] > 0
        sizes[-2:] = [sizes[-2] + sizes[-1]]
    names = [str(generation) for generation in range(len(sizes))]
    names[-1] += "+" if later else ""
    before = [None, None, *sizes[1:-1]][: len(sizes)]
    share = [size / sum(sizes) for size in sizes]
    steps = [size / b if b else float("nan") for size, b in zip(sizes, before, strict=True)]
    return pd.DataFrame(
        {"generation": names, "customers": sizes, "share": share, "of_previous": steps}
    )
