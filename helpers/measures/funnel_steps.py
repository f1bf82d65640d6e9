"""The steps of the ACCA funnel: who enters each, on which day, and who goes on within its window.

A unit counts only once its window is over; until then it is neither gone on nor lost. Registration
counts visitors, each once a day; the other steps count people. Source: plan 2.1, 2.3.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from helpers.measures import invitations
from helpers.measures.channel_days import channel_days, require_traffic
from helpers.measures.frames import estimated, proportion
from helpers.plan.periods import Period
from helpers.store.errors import MissingTable

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pandas as pd

    from helpers.models.estimate import Estimate
    from helpers.store.open import Store

YEAR_DAYS = 365
UNKNOWN = "unknown"
PERSON = ("shop_id", "customer_id")


@dataclass(frozen=True)
class Step:
    """One step: its name, its window in days, the table it needs and the units that enter it."""

    name: str
    window_days: int
    table: str
    units: Callable[[Store, int], ir.Table] | None = None

    @property
    def window(self) -> timedelta:
        """Longest time from entering to going on."""
        return timedelta(days=self.window_days)


def accounts(store: Store, window_days: int) -> ir.Table:
    """Registered accounts; one goes on with a first purchase within the window.

    Accounts that had purchased before they registered are left out, and so are those registered
    before the orders begin.

    Returns:
        One row per account: `shop_id`, `customer_id`, `day` (of registration), `channel`, `passed`.

    Raises:
        MissingTable: Registrations or customers of orders are unknown.
    """
    store.require("customers", "registered_at")
    store.require("orders", "customer_id")
    people = store.table("customers")
    people = people.filter(people.registered_at.notnull())
    people = people.select(
        *PERSON, day=people.registered_at.date(), channel=people.first_channel.fill_null(UNKNOWN)
    )
    bought = store.mart("customer_summary").select(*PERSON, "first_day")
    joined = people.left_join(bought, PERSON)
    joined = joined.mutate(waited=joined.first_day.delta(joined.day, unit="day"))
    passed = (joined.waited <= window_days).fill_null(False)
    joined = joined.mutate(passed=passed).filter(
        joined.waited.isnull() | (joined.waited >= 0), joined.day >= store.first_day
    )
    return joined.select(*PERSON, "day", "channel", "passed")


def new_customers(store: Store) -> ir.Table:
    """Everybody's first purchase: `day`, `channel` (of its order), `next_day`, `paid_sales`."""
    store.require("orders", "customer_id")
    days = store.mart("purchase_days")
    first = days.filter(days.number == 1)
    return first.select(
        *PERSON, "day", "next_day", "paid_sales", channel=first.channel.fill_null(UNKNOWN)
    )


def engaged(store: Store, window_days: int) -> ir.Table:
    """New customers; one goes on with a sign of engagement after the day of the first purchase.

    Raises:
        MissingTable: Neither messages with `opened_at` nor engagements are known.
    """
    return _marked(new_customers(store), signs_after(store, window_days))


def signs_after(store: Store, window_days: int) -> ir.Table:
    """Signs of engagement after the first purchase day and within the window.

    Returns:
        One row per sign: `shop_id`, `customer_id`, `day` (first purchase), `channel`, `kind`
        (`opened`, or the kind of the engagement).
    """
    signs = _signs(store).rename(sign_day="day")
    joined = new_customers(store).inner_join(signs, PERSON)
    after = joined.sign_day.delta(joined.day, unit="day")
    return joined.filter(after >= 1, after <= window_days).select(*PERSON, "day", "channel", "kind")


def _signs(store: Store) -> ir.Table:
    import ibis

    parts = []
    unopened = "opened_at" in store.quality["empty_columns"].get("messages", ())
    if store.has("messages") and not unopened:
        messages = store.table("messages")
        messages = messages.filter(messages.opened_at.notnull())
        day = messages.opened_at.date()
        parts.append(messages.select(*PERSON, day=day, kind=ibis.literal("opened")))
    if store.has("engagements"):
        events = store.table("engagements")
        parts.append(events.select(*PERSON, "kind", day=events.occurred_at.date()))
    if not parts:
        if store.has("messages"):
            store.require("messages", "opened_at")
        store.require("engagements")
    columns = (*PERSON, "day", "kind")
    return ibis.union(*[part.select(*columns) for part in parts])


def returned(store: Store, window_days: int) -> ir.Table:
    """New customers; one goes on with a second purchase day within the window."""
    first = new_customers(store)
    gap = first.next_day.delta(first.day, unit="day")
    return first.select(*PERSON, "day", "channel", passed=(gap <= window_days).fill_null(False))


def inviters(store: Store, window_days: int) -> ir.Table:
    """New customers; one goes on by bringing at least one other new customer.

    Raises:
        MissingTable: Invitations are unknown.
    """
    return _marked(new_customers(store), brought(store))


def brought(store: Store) -> ir.Table:
    """New customers whom a new customer brought, by the windows of `k_factor`.

    Returns:
        One row per customer brought: `shop_id`, `customer_id` (of the inviter), `day` (of the
        inviter's first purchase), `channel`, `reward` (money).
    """
    found = invitations.brought(store, store.as_of)
    sent = found.select("shop_id", "invited_on", "reward", customer_id=found.inviter_id)
    joined = new_customers(store).inner_join(sent, PERSON)
    after = joined.invited_on.delta(joined.day, unit="day")
    joined = joined.filter(after.between(0, invitations.INVITED_WITHIN_DAYS))
    return joined.select(*PERSON, "day", "channel", "reward")


def _marked(first: ir.Table, found: ir.Table) -> ir.Table:
    """The new customers with `passed`: whether they are among those found."""
    import ibis

    hits = found.select(*PERSON).distinct().mutate(passed=ibis.literal(True))
    joined = first.left_join(hits, PERSON)
    return joined.select(*PERSON, "day", "channel", passed=joined.passed.fill_null(False))


STEPS: dict[str, Step] = {
    step.name: step
    for step in (
        Step("registration", 0, "traffic_daily"),
        Step("first_order", 30, "customers", accounts),
        Step("activation", 30, "engagements", engaged),
        Step("retention", 90, "orders", returned),
        Step("retention_year", YEAR_DAYS, "orders", returned),
        Step("referral", invitations.WINDOW_DAYS, "invitations", inviters),
    )
}


def step_days(store: Store, step: Step) -> pd.DataFrame:
    """Everybody who ever entered a step, by day of entering and channel.

    Returns:
        `day`, `channel`, `entered`, `passed` (counts; `passed` is final only where the window is
        over), by day and channel.

    Raises:
        MissingTable: The step's tables are not there.
    """
    if step.units is None:
        return _registrations(store)
    units = step.units(store, step.window_days)
    grouped = (
        units.group_by("day", "channel")
        .aggregate(entered=units.count(), passed=units.passed.sum())
        .order_by("day", "channel")
    )
    found: pd.DataFrame = store.once(f"funnel.{step.name}", lambda: store.to_frame(grouped))
    return found


def _registrations(store: Store) -> pd.DataFrame:
    """Visitors and accounts made by day and channel."""
    store.require("customers", "registered_at")
    store.require("traffic_daily", "visitors")
    people = store.table("customers")
    people = people.filter(people.registered_at.notnull())
    people = people.select(
        day=people.registered_at.date(), channel=people.first_channel.fill_null(UNKNOWN)
    )
    grouped = people.group_by("day", "channel").aggregate(passed=people.count())
    visits = channel_days(store, Period(store.first_day, store.as_of))

    def compute() -> pd.DataFrame:
        visitors = visits.loc[visits["visitors"].notna(), ["day", "channel", "visitors"]]
        frame = visitors.rename(columns={"visitors": "entered"}).merge(
            store.to_frame(grouped), on=["day", "channel"], how="outer"
        )
        frame = frame.sort_values(["day", "channel"], ignore_index=True)
        return frame.fillna({"entered": 0, "passed": 0})

    found: pd.DataFrame = store.once("funnel.registration", compute)
    return found


def known_from(store: Store, step: Step) -> date:
    """The first day of entering of which all that matters is recorded."""
    import pandas as pd

    frame = step_days(store, step)
    starts = [pd.Timestamp(store.first_day)]
    if step.units is None:
        starts += [frame.loc[frame[name] > 0, "day"].min() for name in ("entered", "passed")]
    elif step.name == "first_order":
        starts.append(frame["day"].min())
    elif step.name == "activation":
        starts.append(_first(store, _signs(store).day.min()) - pd.Timedelta(days=1))
    elif step.name == "referral":
        starts.append(_first(store, store.table("invitations").invited_at.date().min()))
    known = [start for start in starts if not pd.isna(start)]
    return max(known).date() if len(known) == len(starts) else date.max


def _first(store: Store, day: ir.DateScalar) -> pd.Timestamp:
    frame = store.to_frame(day.name("day").as_table())
    found: pd.Timestamp = frame["day"].iloc[0]
    return found


def entered_in(store: Store, step: Step, span: Period) -> pd.DataFrame:
    """`step_days` of those whose window ends in the span, as far as the store's day.

    Raises:
        MissingTable: The step's tables are not there or begin too late.
    """
    if step.units is None:
        require_traffic(store, span)
    frame = step_days(store, step)
    first, last = span.start - step.window, min(span.end, store.as_of) - step.window
    if first < known_from(store, step):
        raise MissingTable(step.table, (), "short")
    return frame[frame["day"].between(str(first), str(last))]


def year_of(store: Store, step: Step, period: Period) -> Period:
    """The 365 days to the period's end, or as many of them as the step's tables reach back.

    Raises:
        MissingTable: They reach back fewer than 90 days.
    """
    year = Period(period.start, min(period.end, store.as_of)).trailing(YEAR_DAYS)
    known = known_from(store, step)
    start = year.start if known == date.max else max(year.start, known + step.window)
    if known == date.max or (year.end - start).days < 89:
        raise MissingTable(step.table, (), "short")
    return Period(start, year.end)


def rate(store: Store, step: Step, span: Period) -> pd.DataFrame:
    """Share that goes on of those whose window ends in the span.

    Returns:
        One row, `frames.COLUMNS`: rate with its interval (registration: how days vary; else
        Wilson); numerator and denominator are the numbers that went on and that entered.

    Raises:
        MissingTable: The step's tables are not there or too short, or nobody entered.
    """
    frame = entered_in(store, step, span)
    entered, passed = float(frame["entered"].sum()), float(frame["passed"].sum())
    if not entered:
        raise MissingTable(step.table, (), "short")
    if step.units is None:
        return estimated(over_days(frame), passed, entered)
    return proportion(passed, entered)


def over_days(frame: pd.DataFrame) -> Estimate:
    """Went on / entered, with an interval for how the days vary; days without a row count as 0."""
    import pandas as pd

    from helpers.models.intervals import ratio_of_sums

    days = frame.groupby("day")[["passed", "entered"]].sum()
    if len(days):
        days = days.reindex(pd.date_range(days.index.min(), days.index.max()), fill_value=0)
    return ratio_of_sums(days["passed"], days["entered"])
