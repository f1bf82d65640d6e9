"""What the referred cost and what they are worth, beside others, and what to do about it.

The referred are compared with customers who first bought in the same month for about as much and
came without an invitation: a matched comparison, no test. Source: plan 2.3, 6.1.
"""

from __future__ import annotations

import math
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from helpers.measures import invitations as sent_by
from helpers.measures.channels import acquisition_of, hide_few
from helpers.measures.comparable import purchase_money
from helpers.measures.purchases import CUSTOMER, SMALLEST_GROUP, YEAR_DAYS, known_until
from helpers.measures.referral import CHANNEL, k_pieces, referred_shares
from helpers.plan.periods import Period
from helpers.store.errors import MissingTable

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from helpers.store.open import Store

FEWEST_REFERRED = 30
RESPONSE = 0.1
GRADE = "matched_comparison"


def referred_value(store: Store, period: Period, *, window_days: int = 180) -> pd.DataFrame:
    """What a referred customer brings in the days from the first purchase on, beside others.

    Takes new customers whose window is over at the period's end, of the 365 days before that.
    Others who came through the channel `referral` without an invitation on record are left out of
    both. The first purchase counts in the money.

    Args:
        store: Uses tables `invitations`, `orders`; costs where known.
        period: Its end is the last day that counts.
        window_days: Days after the first purchase.

    Returns:
        One row per outcome: `outcome` (`money`, per customer; `again`: share who buy again),
        `basis` (`contribution` before marketing, or `paid_sales` where costs are unknown),
        `window_days`, `referred` (customers), `referred_value`, `others_value` (comparable ones),
        `difference`, `low`, `high` (95 %), `unadjusted` (referred less all others), `largest_after`
        (largest standardised difference left), `reading` (`more`, `less`, `not_enough_evidence`, or
        `not_comparable`: then the comparison is empty), `grade`.

    Raises:
        MissingTable: No invitations, customers unknown, or fewer than 30 referred or others.

    Source: plan 2.3, 6.1.
    """
    import pandas as pd

    from helpers.models import matching

    frame, basis = _new_customers(store, period, window_days)
    few = min(frame["referred"].sum(), (~frame["referred"]).sum()) if len(frame) else 0
    if few < FEWEST_REFERRED:
        raise MissingTable("invitations", ("invitee_id",), "short")
    pool = _pool(frame)
    weights = matching.balancing_weights(pool)
    after = matching.standardised_differences(pool, weights)[1]
    rows = []
    for name in ("money", "again"):
        found = matching.effect_on_treated(pool, weights, frame[name].to_numpy(float))
        gap = found.difference
        row = [found.comparable, gap.value, gap.low, gap.high]
        reading = "more" if gap.low > 0 else "less" if gap.high < 0 else "not_enough_evidence"
        if not matching.is_balanced(after):
            row, reading = [math.nan] * 4, "not_comparable"
        rows.append((name, basis, window_days, gap.n, found.treated, *row, found.unadjusted,
                     float(abs(after).max()), reading, GRADE))  # fmt: skip
    names = ["outcome", "basis", "window_days", "referred", "referred_value", "others_value",
             "difference", "low", "high", "unadjusted", "largest_after", "reading",
             "grade"]  # fmt: skip
    return pd.DataFrame(rows, columns=names)


def _new_customers(store: Store, period: Period, window_days: int) -> tuple[pd.DataFrame, str]:
    """New customers old enough, whether referred, and what they brought in the window.

    Returns:
        One row per customer of a month that has both: `referred`, `month`, `first_sales`,
        `discounted` (share of the first list value), `money`, `again`; and what the money is.
    """
    import ibis

    until = known_until(store, period)
    last = until - timedelta(days=window_days)
    start = max(last - timedelta(days=YEAR_DAYS - 1), store.first_day)
    sent_by.require_programme(store, last)
    days, basis = purchase_money(store, period, until)
    first = sent_by.first_purchases(store, until)
    first = first.filter(first.first_day.between(start, last))
    came = sent_by.brought(store, until).select(*CUSTOMER, "inviter_id")
    people = first.left_join(came, list(CUSTOMER)).select(*first.columns, "inviter_id")
    people = people.mutate(referred=people.inviter_id.notnull()).drop("inviter_id")
    people = people.filter(people.referred | (people.channel != CHANNEL).fill_null(True))
    spent = people.inner_join(days.select(*CUSTOMER, "day", "money"), list(CUSTOMER))
    spent = spent.filter(spent.day <= spent.first_day + ibis.interval(days=window_days))
    grouped = spent.group_by(*CUSTOMER, "referred", month=spent.first_day.truncate("M")).aggregate(
        first_sales=ibis._.first_sales.max(), first_discounts=ibis._.first_discounts.max(),
        money=ibis._.money.sum(), again=(ibis._.count() > 1),
    )  # fmt: skip
    frame = store.to_frame(grouped.order_by("month", *CUSTOMER).drop(*CUSTOMER))
    sales, saved = frame["first_sales"], frame.pop("first_discounts").fillna(0.0)
    frame["discounted"] = (saved / (sales + saved).where(sales + saved > 0)).fillna(0.0)
    by_month = frame.groupby("month")["referred"]
    both = by_month.transform("any") & ~by_month.transform("all")
    return frame[both].reset_index(drop=True), basis


def _pool(frame: pd.DataFrame) -> Any:
    """Month and money of the first purchase, as the features of a pool."""
    import numpy as np
    import pandas as pd

    from helpers.models.matching import Pool

    months = pd.get_dummies(frame["month"]).to_numpy(float)[:, 1:]
    value: np.ndarray[Any, Any] = np.log1p(frame["first_sales"].clip(lower=0).to_numpy(float))
    features = np.column_stack([months, value, value**2, frame["discounted"]])
    size = len(frame)
    return Pool(frame["referred"].to_numpy(bool), features, np.ones(size), np.arange(size))


def cost_of_referred(store: Store, period: Period) -> pd.DataFrame:
    """What a referred customer costs beside a customer of each channel, dearest spend first.

    The referred: rewards of the invitations that brought them, and spend on the channel `referral`.
    Other channels: spend / new customers whose first order came through them; somebody referred who
    ordered through one of them stands in both. Over the 365 days to the period's end, or the period
    where spend does not reach back so far.

    Returns:
        One row per channel: `channel` (`referral`: the referred), `spend`, `new_customers`, `cost`
        (money per new customer; empty where nothing was spent), `low`, `high` (95 % by days; empty
        for the referred, whose rewards are set), `days` (of the span), `against_referred` (cost
        less that of the referred). Counts of 1 to 9 customers are empty, with what would give them
        away.

    Raises:
        MissingTable: No invitations or their rewards, customers, spend or channels unknown, or
            fewer than 10 referred.

    Source: plan 2.3, 6.1.
    """
    import pandas as pd

    store.require("invitations", "reward")
    span, paid = _paid_channels(store, period)
    referred, rewards = _rewards(store, span)
    if referred < SMALLEST_GROUP:
        raise MissingTable("invitations", ("invitee_id",), "small")
    own = paid.loc[paid["channel"] == CHANNEL, "spend"].sum() + rewards
    row = {"channel": CHANNEL, "spend": own, "new_customers": referred,
           "cost": own / referred, "low": math.nan, "high": math.nan}  # fmt: skip
    others = paid[(paid["channel"] != CHANNEL) & (paid["spend"] > 0)]
    frame = pd.concat([pd.DataFrame([row]), others[list(row)]], ignore_index=True)
    frame["days"] = span.days
    frame["against_referred"] = frame["cost"] - own / referred
    frame = hide_few(frame, "new_customers", "cost", "low", "high", "against_referred")
    ordered = frame.sort_values(["spend", "channel"], ascending=[False, True])
    return ordered.reset_index(drop=True)


def _paid_channels(store: Store, period: Period) -> tuple[Period, pd.DataFrame]:
    """Spend, new customers and cost of each channel over a year, or over the period."""
    until = known_until(store, period)
    spans = (Period(period.start, until).trailing(YEAR_DAYS), Period(period.start, until))
    for span in spans:
        try:
            found = acquisition_of(store, span)
        except MissingTable:
            if span is spans[-1]:
                raise
        else:
            names = {"cac": "cost", "cac_low": "low", "cac_high": "high"}
            return span, found.rename(columns=names)
    raise AssertionError("the last span returns or raises")


def _rewards(store: Store, span: Period) -> tuple[int, float]:
    """New customers of a span who were referred, and the rewards of their invitations."""
    came = sent_by.brought(store, span.end)
    came = came.filter(came.first_day >= span.start)
    sums = came.aggregate(n=came.count(), money=came.reward.sum().fill_null(0))
    row = store.to_frame(sums).iloc[0]
    return int(row["n"]), float(row["money"])


def referral_plan(store: Store, period: Period) -> pd.DataFrame:
    """What it takes to reach the plan's share of referred customers, and what it would be worth.

    K must grow as the share must: everything else as it is. Worth of one more successful
    invitation: what a referred customer brings in 180 days less what one costs.

    Returns:
        One row: `share`, `expected` (of new customers), `k`, `k_needed`, `invitations_now`,
        `invitations_needed` (per new customer, at the conversion of now), `conversion_now`,
        `conversion_needed` (at the invitations of now; empty above 1), `more_referred` (customers a
        year on top of those who come anyway; 0 where reached), `to_ask` (new customers of the last
        60 days who have invited nobody yet), `worth_each`, `worth`, `low`, `high` (money of
        `more_referred`; 95 % of what the referred bring), `asked_worth`, `asked_low`, `asked_high`
        (money if one in ten of `to_ask` brings one customer), `basis`, `action` (`grow`,
        `keep` where the share is reached, `stop` where one costs more than it brings).

    Raises:
        MissingTable: As `k_factor`, `referred_value` and `cost_of_referred`.

    Source: plan 2.3, 6.1.
    """
    import pandas as pd

    year = Period(period.start, known_until(store, period)).trailing(YEAR_DAYS)
    shares = referred_shares(store, year if year.start >= store.first_day else period).iloc[0]
    if shares["basis"] != "invitations":
        raise MissingTable("invitations", ("invitee_id",), "absent")
    pieces = k_pieces(store, period).set_index("piece")["value"]
    value = _mean_value(store, period)
    costs = cost_of_referred(store, period).set_index("channel")
    factor = shares["expected"] / shares["value"]
    others = (shares["customers"] - shares["referred"]) * YEAR_DAYS / year.days
    more = others * (shares["expected"] / (1 - shares["expected"])) - shares["referred"]
    more = max(0.0, math.ceil(more))
    ends = [end - costs["cost"][CHANNEL] for end in value[:3]]
    action = "keep" if factor <= 1 else "grow" if ends[0] > 0 else "stop"
    asked = _to_ask(store, period)
    brought = RESPONSE * asked
    row = {
        "share": shares["value"], "expected": shares["expected"], "k": pieces["k_factor"],
        "k_needed": pieces["k_factor"] * factor,
        "invitations_now": pieces["invitations_per_customer"],
        "invitations_needed": pieces["invitations_per_customer"] * factor,
        "conversion_now": pieces["invitation_conversion"],
        "conversion_needed": pieces["invitation_conversion"] * factor,
        "more_referred": more, "to_ask": asked,
        "asked_worth": ends[0] * brought, "asked_low": ends[1] * brought,
        "asked_high": ends[2] * brought,
        "worth_each": ends[0], "worth": ends[0] * more,
        "low": ends[1] * more, "high": ends[2] * more, "basis": value[3], "action": action,
    }  # fmt: skip
    if row["conversion_needed"] > 1:
        row["conversion_needed"] = math.nan
    return pd.DataFrame([row])


def _mean_value(store: Store, period: Period) -> tuple[float, float, float, str]:
    """What a referred customer brings in 180 days, with its interval, and what the money is."""
    from helpers.models.intervals import mean

    frame, basis = _new_customers(store, period, 180)
    money = frame.loc[frame["referred"], "money"] if len(frame) else []
    if len(money) < FEWEST_REFERRED:
        raise MissingTable("invitations", ("invitee_id",), "short")
    found = mean(money)
    return found.value, found.low, found.high, basis


def _to_ask(store: Store, period: Period) -> int:
    """New customers who may still invite in their 60 days, and have not."""
    until = known_until(store, period)
    recent = Period(until - timedelta(days=sent_by.INVITED_WITHIN_DAYS - 1), until)
    people = sent_by.inviters(store, recent, until)
    silent = people.filter((people.sent == 0) & (people.to_self == 0))
    return int(store.to_frame(silent.aggregate(n=silent.count()))["n"].iloc[0])
