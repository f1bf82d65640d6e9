"""Members of the private domain 私域: who comes in, in which tiers, how active, who leaves.

A member is active who bought, opened a message or showed another sign of life. Source: plan 6.2.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from helpers.measures.comparable import joined, purchase_money
from helpers.measures.frames import divide
from helpers.measures.purchases import (
    CUSTOMER,
    SMALLEST_GROUP,
    YEAR_DAYS,
    known_until,
    last_complete,
    purchases,
    without_small_groups,
)
from helpers.store.errors import MissingTable

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pandas as pd

    from helpers.plan.periods import Period
    from helpers.store.open import Store

JOINS_WITHIN_DAYS = 30
ACTIVITY_DAYS = (30, 90)
SIGNS = ("purchase", "engagement", "message_opened")


def intake_months(store: Store, period: Period, *, months: int = 13) -> pd.DataFrame:
    """Members who joined in each month, and the share of its new customers who join in 30 days.

    Returns:
        One row per month, oldest first: `month` (its first day), `joined` (members), `members`
        (at its end; of the last month only where steps between months would tell of 1 to 9 who
        joined or left), `new_customers`, `value`, `low`, `high` (share of the new customers who
        join from the day of the first purchase to 30 days after; Wilson; empty where those days are
        not over for all). Counts of 1 to 9 are empty, with the share that would give them away.

    Raises:
        MissingTable: The store has no members, or customers are unknown.

    Source: plan 6.2.
    """
    import ibis

    from helpers.models.intervals import wilson

    until, last = known_until(store, period), last_complete(store, period)
    start = max(last.back(months)[0].start, store.first_day.replace(day=1))
    members = joined(store, until)
    came = members.filter(members.joined_on <= last.end)
    came = came.group_by(month=came.joined_on.truncate("M")).aggregate(joined=came.count())
    gone = members.filter(members.left_on <= last.end)
    gone = gone.group_by(month=gone.left_on.truncate("M")).aggregate(left=gone.count())
    first = purchases(store, until).filter(ibis._.number == 1)
    first = first.filter(first.day.between(start, last.end)).select(*CUSTOMER, "day")
    both = first.left_join(members, list(CUSTOMER))
    soon = both.joined_on.delta(both.day, unit="day").between(0, JOINS_WITHIN_DAYS)
    fresh = both.mutate(month=both.day.truncate("M"), soon=soon.fill_null(False))
    fresh = fresh.group_by("month").aggregate(new_customers=ibis._.count(), soon=ibis._.soon.sum())
    frame = _by_month(store, start, last.end, came, gone, fresh)
    over = frame["month"].dt.to_period("M").dt.end_time.dt.date
    frame["soon"] = frame["soon"].where(over + timedelta(days=JOINS_WITHIN_DAYS) <= until)
    frame["low"], frame["high"] = wilson(frame["soon"].fillna(0), frame["new_customers"])
    frame["value"] = frame["soon"] / frame["new_customers"].where(frame["new_customers"] > 0)
    return _shown_months(frame)


def _by_month(
    store: Store, start: date, end: date, came: ir.Table, gone: ir.Table, fresh: ir.Table
) -> pd.DataFrame:
    """Every month with its counts, and the members at its end."""
    import pandas as pd

    frame = pd.DataFrame({"month": pd.date_range(start, end, freq="MS")})
    parts = {"joined": came, "left": gone, "new_customers": fresh}
    everything = [store.to_frame(part.order_by("month")) for part in parts.values()]
    flow = (
        everything[0].merge(everything[1], on="month", how="outer").fillna(0).sort_values("month")
    )
    flow["members"] = (flow["joined"] - flow["left"]).cumsum()
    frame = frame.merge(flow[["month", "joined", "left"]], on="month", how="left")
    standing = flow.set_index("month")["members"]
    frame["members"] = standing.reindex(frame["month"], method="ffill").to_numpy()
    frame = frame.merge(everything[2], on="month", how="left")
    return frame.fillna({"joined": 0, "left": 0, "members": 0, "new_customers": 0})


def _shown_months(frame: pd.DataFrame) -> pd.DataFrame:
    few = frame["soon"].between(1, SMALLEST_GROUP - 1) | (frame["new_customers"] < SMALLEST_GROUP)
    rate = ["value", "low", "high"]
    frame[rate] = frame[rate].mask(few | frame["soon"].isna())
    if frame[["joined", "left"]].isin(range(1, SMALLEST_GROUP)).any(axis=None):
        frame["members"] = frame["members"].where(frame.index == frame.index[-1])
    for count in ("joined", "members", "new_customers"):
        frame[count] = frame[count].mask(frame[count].between(1, SMALLEST_GROUP - 1))
    return frame[["month", "joined", "members", "new_customers", *rate]]


def intake_sources(store: Store, period: Period) -> pd.DataFrame:
    """What brought the members in who joined in the 365 days to the period's end.

    Returns:
        One row per source, most members first: `intake`, `members`, `share`, `active`, `value`
        (share of those still members with a sign of life in 90 days), `low`, `high` (Wilson).
        Sources of fewer than 10 members are left out, and another where they would follow from it.

    Raises:
        MissingTable: The store has no members, or not what brought them in.

    Source: plan 6.2.
    """
    store.require("members", "intake")
    start = period.trailing(YEAR_DAYS).start
    people = with_signs(store, period)
    people = people.filter(people.joined_on >= start, people.intake.notnull())
    return _group_rates(store, people, "intake")


def tiers(store: Store, period: Period) -> pd.DataFrame:
    """Size, money and activity of each tier, of those who are members at the period's end.

    Returns:
        One row per tier, most money a member first: `tier`, `members`, `share`, `money_per_member`
        (in the 365 days to the period's end), `money_share`, `basis` (`contribution` or
        `paid_sales`), `value` (share with a sign of life in 90 days), `low`, `high` (Wilson).
        Tiers of fewer than 10 members are left out, and another where they would follow from it.

    Raises:
        MissingTable: The store has no members, or not their tier.

    Source: plan 6.2.
    """
    store.require("members", "tier")
    people = with_signs(store, period)
    people = people.filter(~people.has_left, people.tier.notnull())
    money, basis = _money(store, period)
    people = people.left_join(money, list(CUSTOMER)).select(*people.columns, "money")
    frame = _group_rates(store, people, "tier", money=True).assign(basis=basis)
    frame = frame.sort_values(["money_per_member", "tier"], ascending=[False, True])
    return frame.reset_index(drop=True)


def _money(store: Store, period: Period) -> tuple[ir.Table, str]:
    """Money of each customer in the 365 days to the period's end."""
    until, start = known_until(store, period), period.trailing(YEAR_DAYS).start
    days, basis = purchase_money(store, period, until)
    days = days.filter(days.day >= start)
    return days.group_by(*CUSTOMER).aggregate(money=days.money.sum()), basis


def with_signs(store: Store, period: Period) -> ir.Table:
    """Members with `has_left`, `is_active_30`, `is_active_90` and each sign in those days."""
    import ibis

    until = known_until(store, period)
    people = joined(store, until)
    people = people.mutate(has_left=people.left_on.notnull())
    for window in ACTIVITY_DAYS:
        start = until - timedelta(days=window - 1)
        names = []
        for sign, found in _signs(store, start, until).items():
            name = f"{sign}_{window}"
            seen = found.distinct().mutate(**{name: ibis.literal(True)})
            joint = people.left_join(seen, list(CUSTOMER))
            people = joint.select(*people.columns, **{name: joint[name].fill_null(False)})
            names.append(name)
        active = people[names[0]]
        for name in names[1:]:
            active = active | people[name]
        people = people.mutate(**{f"is_active_{window}": active})
    return people


def _signs(store: Store, start: date, until: date) -> dict[str, ir.Table]:
    """Who bought, showed a sign of life or opened a message in a span; what the store knows of."""
    days = purchases(store, until)
    found = {"purchase": days.filter(days.day >= start).select(*CUSTOMER)}
    if store.has("engagements"):
        signs = store.table("engagements")
        span = signs.occurred_at.date().between(start, until)
        found["engagement"] = signs.filter(span).select(*CUSTOMER)
    if store.has("messages"):
        sent = store.table("messages")
        opened = sent.opened_at.date().between(start, until).fill_null(False)
        found["message_opened"] = sent.filter(opened).select(*CUSTOMER)
    return found


def _group_rates(store: Store, people: ir.Table, by: str, *, money: bool = False) -> pd.DataFrame:
    """Members, activity in 90 days and money of each group, most members first."""
    import ibis

    from helpers.models.intervals import wilson

    sums = {"members": ibis._.count(), "staying": (~ibis._.has_left).sum(),
            "active": (ibis._.is_active_90 & ~ibis._.has_left).sum()}  # fmt: skip
    if money:
        sums["money"] = ibis._.money.sum().fill_null(0)
    grouped = people.group_by(by).aggregate(**sums)
    frame = store.to_frame(grouped.order_by(ibis.desc("members"), by))
    everybody = frame["members"].sum()
    frame["share"] = frame["members"] / (everybody or 1)
    if money:
        frame["money_share"] = frame["money"] / (frame["money"].sum() or float("nan"))
        frame["money_per_member"] = frame["money"] / frame["members"]
    frame = without_small_groups(frame, "members")
    frame["value"] = frame["active"] / frame["staying"].where(frame["staying"] > 0)
    frame["low"], frame["high"] = wilson(frame["active"], frame["staying"])
    rest = frame["staying"] - frame["active"]
    few = (frame["staying"] < SMALLEST_GROUP) | frame["active"].between(1, SMALLEST_GROUP - 1)
    few = few | rest.between(1, SMALLEST_GROUP - 1)
    frame[["value", "low", "high"]] = frame[["value", "low", "high"]].mask(few)
    if frame.empty:
        raise MissingTable("members", (by,), "small")
    return frame.drop(columns=["staying", "active", "money"], errors="ignore")


def activity(store: Store, period: Period) -> pd.DataFrame:
    """Share of members with a sign of life in the last 30 and 90 days, by what it was.

    Of those who are members at the period's end and joined before the days looked at.

    Returns:
        One row per window and sign: `window_days` (30, 90), `sign` (`any`, `purchase`,
        `engagement`, `message_opened`; those the store knows of), `members`, `active`, `value`,
        `low`, `high` (0 to 1; Wilson), `silent` (members without any; in rows `any`). Counts of 1
        to 9 are empty, with the share that would give them away.

    Raises:
        MissingTable: The store has no members, or fewer than 10 joined before the days looked at.

    Source: plan 6.2.
    """
    import pandas as pd

    until = known_until(store, period)
    people = with_signs(store, period)
    people = people.filter(~people.has_left)
    rows = []
    for window in ACTIVITY_DAYS:
        before = people.filter(people.joined_on <= until - timedelta(days=window))
        names = {"any": f"is_active_{window}"} | {
            sign: f"{sign}_{window}" for sign in SIGNS if f"{sign}_{window}" in people.columns
        }
        sums = {sign: before[name].sum() for sign, name in names.items()}
        found = store.to_frame(before.aggregate(members=before.count(), **sums)).fillna(0).iloc[0]
        if found["members"] >= SMALLEST_GROUP:
            rows += [(window, sign, found["members"], found[sign]) for sign in names]
    if not rows:
        raise MissingTable("members", ("joined_at",), "small")
    frame = pd.DataFrame(rows, columns=["window_days", "sign", "members", "active"])
    return _shares(frame, "active").assign(
        silent=lambda t: (t["members"] - t["active"]).where(t["sign"] == "any")
    )


def _shares(frame: pd.DataFrame, part: str) -> pd.DataFrame:
    """A part's share of the members with its interval; blank where it would tell fewer than 10."""
    from helpers.models.intervals import wilson

    low, high = wilson(frame[part], frame["members"])
    frame = frame.assign(value=frame[part] / frame["members"], low=low, high=high)
    rest = frame["members"] - frame[part]
    few = frame[part].between(1, SMALLEST_GROUP - 1) | rest.between(1, SMALLEST_GROUP - 1)
    names = [part, "value", "low", "high"]
    frame[names] = frame[names].astype(float).mask(few)
    return frame


def leavers(store: Store, period: Period) -> pd.DataFrame:
    """Members who left in the 365 days to the period's end, by how long they had been members.

    Returns:
        One row per time since joining at the start of each member's days at risk: `membership`
        (`all`, `first_90_days`, `later`), `members` (who could leave), `left`, `value`, `low`,
        `high` (share who left; Wilson), `left_per_100_months` (members lost of 100 in a month).
        Counts of 1 to 9 are empty, with the share that would give them away.

    Raises:
        MissingTable: The store has no members, or not when they leave.

    Source: plan 6.2.
    """
    import ibis
    import pandas as pd

    store.require("members", "left_at")
    until, start = known_until(store, period), period.trailing(YEAR_DAYS).start
    members = joined(store, until)
    end = members.left_on.coalesce(ibis.literal(until))
    turn = members.joined_on + ibis.interval(days=90)
    rows = []
    for name, low, high in (
        ("all", members.joined_on, end), ("first_90_days", members.joined_on, turn),
        ("later", turn, ibis.literal(until)),
    ):  # fmt: skip
        since, to = ibis.greatest(low, ibis.literal(start)), ibis.least(high, end)
        days = to.delta(since, unit="day")
        left = members.left_on.notnull() & (members.left_on > since) & (members.left_on <= to)
        at_risk = members.mutate(days=days, left=left).filter(days > 0)
        found = store.to_frame(at_risk.aggregate(
            members=at_risk.count(), left=at_risk.left.sum(), days=at_risk.days.sum())
        ).fillna(0).iloc[0]  # fmt: skip
        if found["members"] >= SMALLEST_GROUP:
            monthly = divide(float(found["left"]) * 100 * YEAR_DAYS / 12, float(found["days"]))
            rows.append((name, float(found["members"]), float(found["left"]), monthly))
    if not rows:
        raise MissingTable("members", ("left_at",), "small")
    names = ["membership", "members", "left", "left_per_100_months"]
    frame = _shares(pd.DataFrame(rows, columns=names), "left")
    parts = frame["membership"] != "all"
    if frame.loc[parts, "left"].isna().any():
        frame.loc[parts, ["left", "value", "low", "high"]] = float("nan")
    return frame.assign(left_per_100_months=frame["left_per_100_months"].mask(frame["left"].isna()))
