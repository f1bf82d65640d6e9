"""The steps of the ACCA funnel on stores counted by hand."""

from __future__ import annotations

import datetime as dt
import math
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from scipy.stats import t as student_t

from helpers.measures import funnel, funnel_groups, lifecycle
from helpers.measures.funnel_steps import STEPS, rate
from helpers.plan.periods import Period, month_of
from helpers.store.errors import MissingTable
from tests.stores import a_store, an_order

MARCH = month_of(date(2024, 3, 1))


def an_account(customer: str, registered: str, channel: str = "search") -> dict:
    return {"customer_id": customer, "registered_at": registered, "first_channel": channel}


def a_message(number: int, customer: str, sent: str, opened: str | None) -> dict:
    return {"message_id": f"m{number}", "customer_id": customer, "sent_at": sent,
            "opened_at": opened}  # fmt: skip


def an_engagement(number: int, customer: str, when: str, kind: str = "visit") -> dict:
    return {"engagement_id": f"e{number}", "customer_id": customer, "kind": kind,
            "occurred_at": when}  # fmt: skip


def an_invitation(number: int, inviter: str, invitee: str | None, invited: str, **more) -> dict:
    return {"invitation_id": f"i{number}", "inviter_id": inviter, "invitee_id": invitee,
            "invited_at": invited, "accepted_at": invited, **more}  # fmt: skip


def visits(first: date, last: date, count: int = 100) -> list[dict]:
    days = [first + timedelta(days=i) for i in range((last - first).days + 1)]
    return [{"day": d, "channel": "search", "visitors": count + 10 * d.weekday()} for d in days]


# The oldest order lets windows begin; its buyer registered long before.
OLD = an_order("old", "old", "2023-06-01 10:00", 10)
ORDERS = [
    OLD,
    an_order("a", "on_day_30", "2024-03-01 23:00", 10),
    an_order("b", "on_day_31", "2024-03-02 09:00", 10),
    an_order("c", "same_day", "2024-02-10 09:00", 10),
    an_order("d", "before", "2024-02-01 09:00", 10),
    an_order("e", "too_late_to_count", "2024-03-03 09:00", 10),
]
ACCOUNTS = [
    an_account("old", "2023-06-01 09:00"),
    an_account("too_early_to_count", "2024-01-30 23:59"),
    an_account("on_day_30", "2024-01-31 00:01"),
    an_account("on_day_31", "2024-01-31 00:01"),
    an_account("same_day", "2024-02-10 20:00"),
    an_account("before", "2024-02-02 09:00"),
    an_account("never", "2024-03-01 23:59"),
    an_account("too_late_to_count", "2024-03-02 00:01"),
]


@pytest.fixture(scope="module")
def accounts_store(tmp_path_factory):
    tables = {"orders": ORDERS, "customers": ACCOUNTS,
              "traffic_daily": visits(date(2023, 6, 1), date(2024, 3, 31))}  # fmt: skip
    with a_store(tmp_path_factory.mktemp("accounts"), "2024-03", **tables) as found:
        yield found


def parts(frame) -> tuple[float, float]:
    row = frame.iloc[0]
    return row["numerator"], row["denominator"]


def test_an_account_counts_when_its_30_days_end_in_the_period(accounts_store):
    # on_day_30 and same_day bought in time; on_day_31 and never did not; "before" had bought.
    assert parts(funnel.first_order_rate(accounts_store, MARCH)) == (2, 4)


def test_the_first_order_rate_of_an_earlier_month_reads_nothing_later(accounts_store):
    # Windows that end in February: registered 2 to 30 January; 30 January never ordered.
    assert parts(funnel.first_order_rate(accounts_store, month_of(date(2024, 2, 1)))) == (0, 1)


def test_registration_divides_accounts_of_the_period_by_its_visitors(accounts_store):
    row = funnel.registration_rate(accounts_store, month_of(date(2024, 2, 1))).iloc[0]
    february = [date(2024, 2, 1) + timedelta(days=i) for i in range(29)]
    visitors = np.array([100 + 10 * d.weekday() for d in february], float)
    made = np.array([1.0 if d.day in (2, 10) else 0.0 for d in february])
    assert (row["numerator"], row["denominator"], row["n"]) == (2, visitors.sum(), 29)
    # Müller (2004) written out: 4 cosines for 29 days (0.4 x 29^(2/3) = 3.8), Student's t of 4.
    residuals = made - made.sum() / visitors.sum() * visitors
    waves = [
        math.sqrt(2 / 29) * np.cos(math.pi * j * (np.arange(29) + 0.5) / 29) for j in range(1, 5)
    ]
    error = math.sqrt(29 * np.mean([(wave @ residuals) ** 2 for wave in waves])) / visitors.sum()
    assert row["high"] - row["value"] == pytest.approx(student_t.ppf(0.975, 4) * error)


def test_registration_is_not_known_before_traffic_is_recorded(accounts_store):
    with pytest.raises(MissingTable, match="traffic_daily"):
        funnel.registration_rate(accounts_store, month_of(date(2023, 5, 1)))


# First purchases on 31 January: their 30 days end on 1 March.
SIGNS = ("day_0", "day_1", "day_30", "day_31", "unopened", "opened_late", "points", "nothing")
ENGAGED_ORDERS = [OLD] + [an_order(who, who, "2024-01-31 10:00", 10) for who in SIGNS]
MESSAGES = [
    a_message(0, "old", "2023-06-05 10:00", "2023-06-05 11:00"),
    a_message(1, "day_0", "2024-01-31 11:00", "2024-01-31 12:00"),
    a_message(2, "day_1", "2024-01-31 11:00", "2024-02-01 00:01"),
    a_message(3, "unopened", "2024-02-01 11:00", None),
    a_message(4, "opened_late", "2024-02-01 11:00", "2024-03-20 11:00"),
]
ENGAGEMENTS = [
    an_engagement(1, "day_30", "2024-03-01 23:59"),
    an_engagement(2, "day_31", "2024-03-02 00:01"),
    an_engagement(3, "points", "2024-02-05 10:00", "points_used"),
    an_engagement(4, "points", "2024-02-06 10:00"),
]


@pytest.fixture(scope="module")
def engaged_store(tmp_path_factory):
    tables = {"orders": ENGAGED_ORDERS, "messages": MESSAGES, "engagements": ENGAGEMENTS}
    with a_store(tmp_path_factory.mktemp("engaged"), "2024-03", **tables) as found:
        yield found


def test_a_sign_counts_after_the_day_of_the_first_purchase_and_within_30_days(engaged_store):
    # day_1, day_30 and points of the eight.
    assert parts(funnel.activation_rate(engaged_store, MARCH)) == (3, 8)


def test_messages_without_openings_are_no_signs(tmp_path):
    unopened = [{**message, "opened_at": None} for message in MESSAGES]
    with (
        a_store(tmp_path, "2024-03", orders=ENGAGED_ORDERS, messages=unopened) as store,
        pytest.raises(MissingTable, match=r"messages \(opened_at\)"),
    ):
        funnel.activation_rate(store, MARCH)
    with (
        a_store(tmp_path / "none", "2024-03", orders=ENGAGED_ORDERS) as store,
        pytest.raises(MissingTable, match="engagements: absent"),
    ):
        funnel.activation_rate(store, MARCH)


def test_engagements_alone_answer_where_no_opening_is_recorded(tmp_path):
    unopened = [{**message, "opened_at": None} for message in MESSAGES]
    early = [*ENGAGEMENTS, an_engagement(9, "old", "2023-06-20 10:00", "coupon_redeemed")]
    tables = {"orders": ENGAGED_ORDERS, "messages": unopened, "engagements": early}
    with a_store(tmp_path, "2024-03", **tables) as store:
        assert parts(funnel.activation_rate(store, MARCH)) == (2, 8)


def test_customers_from_before_signs_were_recorded_are_not_counted_as_lost(tmp_path):
    # The first sign is of 1 March: those of 31 January can't be judged.
    tables = {"orders": ENGAGED_ORDERS, "engagements": ENGAGEMENTS[:1]}
    with (
        a_store(tmp_path, "2024-03", **tables) as store,
        pytest.raises(MissingTable, match="short"),
    ):
        funnel.activation_rate(store, MARCH)


# Inviters first bought on 2 January: their 90 days end on 1 April.
INVITERS = {
    "works": ("new1", "2024-01-20 10:00", {}, "2024-02-19 10:00"),
    "on_day_60": ("new2", "2024-03-02 10:00", {}, "2024-03-02 11:00"),
    "on_day_61": ("new3", "2024-03-03 10:00", {}, "2024-03-03 11:00"),
    "bought_late": ("new4", "2024-01-20 10:00", {}, "2024-02-20 10:00"),
    "not_accepted": (None, "2024-01-20 10:00", {"accepted_at": None}, None),
    "same_person": ("new5", "2024-01-20 10:00", {"is_same_person": True}, "2024-01-25 10:00"),
    "old_friend": ("friend", "2024-01-20 10:00", {}, "2024-01-19 10:00"),
    "never_bought": ("new6", "2024-01-20 10:00", {}, None),
}


@pytest.fixture(scope="module")
def invitation_store(tmp_path_factory):
    orders, sent = [OLD], [an_invitation(99, "old", None, "2023-06-02 10:00", accepted_at=None)]
    for number, (inviter, (invitee, invited, more, bought)) in enumerate(INVITERS.items()):
        orders.append(an_order(inviter, inviter, "2024-01-02 10:00", 10))
        sent.append(an_invitation(number, inviter, invitee, invited, **more))
        orders += [an_order(f"b{number}", invitee, bought, 10)] if bought else []
    orders.append(an_order("self", "self", "2024-01-02 10:00", 10))
    sent.append(an_invitation(50, "self", "self", "2024-01-02 11:00"))
    tables = {"orders": orders, "invitations": sent}
    with a_store(tmp_path_factory.mktemp("invited"), "2024-04", **tables) as found:
        yield found


def test_an_inviter_goes_on_by_bringing_another_new_customer_in_time(invitation_store):
    first_of_april = Period(date(2024, 4, 1), date(2024, 4, 1))
    found = rate(invitation_store, STEPS["referral"], first_of_april)
    # "works" and "on_day_60" of nine who first bought on 2 January.
    assert parts(found) == (2, 9)


def test_retention_is_the_contracts_cohort_rate(engaged_store):
    period = Period(date(2024, 3, 1), date(2024, 3, 31))
    with pytest.raises(MissingTable):
        lifecycle.repurchase_rate_cohort_90_days(engaged_store, period)
    with pytest.raises(MissingTable):
        rate(engaged_store, STEPS["retention"], period)


def shop(*, orders_per_month: int = 30, without_orders: int = 0) -> dict[str, list[dict]]:
    """Fourteen months; of each month's new customers a third return after 20 days."""
    orders, people = [], []
    for month in range(14):
        start = date(2023 + month // 12, month % 12 + 1, 10)
        for i in range(orders_per_month):
            who = f"{month}_{i}"
            channel = ("search", "ads", "rare")[0 if i % 2 else 1 if i else 2]
            people.append(an_account(who, f"{start - timedelta(days=5)} 10:00", channel))
            orders.append(an_order(who, who, f"{start} 10:00", 50 + i % 3, channel=channel))
            if i % 3 == 0:
                again = start + timedelta(days=20)
                orders.append(an_order(f"{who}r", who, f"{again} 10:00", 80 + i, channel=channel))
    people += [an_account(f"idle{i}", "2023-10-05 10:00") for i in range(without_orders)]
    first, last = date(2023, 1, 1), date(2024, 2, 29)
    return {"orders": orders, "customers": people, "traffic_daily": visits(first, last)}


@pytest.fixture(scope="module")
def shop_store(tmp_path_factory):
    with a_store(tmp_path_factory.mktemp("shop"), "2024-02", **shop()) as found:
        yield found


def test_a_cohort_whose_window_is_not_over_has_no_row_and_loses_nobody(shop_store):
    found = funnel_groups.step_cohorts(shop_store, shop_store.period, step="retention")
    # 90 days after 30 November 2023 is 28 February 2024; December's are not over. The orders begin
    # on 10 January 2023, so January is no whole month.
    months = [date(2023, month, 1) for month in range(2, 12)]
    assert [day.date() for day in found["cohort"]] == months
    assert found["rate"].tolist() == pytest.approx([10 / 30] * 10)


def test_quarters_stand_in_where_a_month_is_below_ten(tmp_path):
    with a_store(tmp_path, "2024-02", **shop(orders_per_month=6)) as store:
        found = funnel_groups.step_cohorts(store, store.period, step="retention")
    assert [day.date() for day in found["cohort"]] == [date(2023, 4, 1), date(2023, 7, 1)]
    assert found["entered"].tolist() == [18, 18]


def test_steps_without_a_table_are_named_and_the_rest_is_shown(shop_store):
    frame = funnel.acca(shop_store, shop_store.period).set_index("step")
    assert frame["state"].to_dict() == {
        "registration": "known", "first_order": "known", "activation": "absent",
        "retention": "known", "retention_year": "known", "referral": "absent",
    }  # fmt: skip
    assert frame.loc["activation", "needs"] == "engagements"
    assert frame.loc["referral", "needs"] == "invitations (inviter_id, invited_at)"
    retained = frame.loc["retention"]
    assert (retained["entered"], retained["passed"], retained["lost"]) == (30, 10, 20)


def test_the_funnel_of_a_store_with_orders_alone_shows_retention(tmp_path):
    with a_store(tmp_path, "2024-02", orders=shop()["orders"]) as store:
        frame = funnel.acca(store, store.period)
    known = frame.loc[frame["state"] == "known", "step"].tolist()
    assert known == ["retention", "retention_year"]
    assert frame.loc[frame["step"] == "retention", "of_10000"].tolist() == pytest.approx(
        [10000 / 3]
    )


def test_of_10000_visitors_each_step_keeps_its_share(shop_store):
    frame = funnel.acca(shop_store, shop_store.period).set_index("step")
    registered = frame.loc["registration", "rate"]
    assert frame.loc["registration", "of_10000"] == pytest.approx(10_000 * registered)
    ordered = 10_000 * registered * frame.loc["first_order", "rate"]
    assert frame.loc["first_order", "of_10000"] == pytest.approx(ordered)
    assert frame.loc["retention", "of_10000"] == pytest.approx(ordered / 3)


def test_a_customer_without_an_order_changes_no_step_after_the_first_order(tmp_path, shop_store):
    with a_store(tmp_path, "2024-02", **shop(without_orders=40)) as store:
        ours = funnel_groups.step_cohorts(store, store.period, step="retention")
        theirs = funnel_groups.step_cohorts(shop_store, store.period, step="retention")
        assert ours.equals(theirs)
        october = Period(date(2023, 11, 1), date(2023, 11, 30))
        assert parts(funnel.first_order_rate(store, october)) == (30, 70)
        assert parts(funnel.first_order_rate(shop_store, october)) == (30, 30)


def test_counts_below_ten_are_hidden_with_what_would_give_them_away(shop_store):
    november = Period(date(2024, 2, 8), date(2024, 2, 8))
    frame = funnel.acca(shop_store, november).set_index("step")
    assert (frame.loc["retention", "passed"], frame.loc["retention", "lost"]) == (10, 20)
    # All 30 accounts of the month went on: lost would be 0, and is hidden with passed.
    assert math.isnan(frame.loc["first_order", "passed"])
    assert math.isnan(frame.loc["first_order", "lost"])


def test_a_period_that_fewer_than_ten_entered_is_withheld(tmp_path):
    with a_store(tmp_path, "2024-02", **shop(orders_per_month=9)) as store:
        frame = funnel.acca(store, store.period).set_index("step")
    assert frame.loc["retention", "state"] == "small"
    assert frame.loc["retention", ["entered", "passed", "rate"]].isna().all()


def test_small_channels_are_merged_so_that_no_difference_gives_them_away(shop_store):
    def sizes(period) -> dict[str, float]:
        frame = funnel_groups.by_channel(shop_store, period)
        frame = frame[frame["step"] == "retention"]
        return dict(zip(frame["channel"], frame["entered"], strict=True))

    # The first purchases of January to November 2023, 15, 14 and 1 a month.
    assert sizes(shop_store.period) == {"search": 165, "ads": 154, "rare": 11}
    # January to September: rare has 9, and the smaller of the two others joins it.
    assert sizes(month_of(date(2023, 12, 1))) == {"search": 135, "other": 135}


def test_a_months_rate_in_full_agrees_with_the_cohort_table(shop_store):
    found = funnel_groups.step_cohorts(shop_store, shop_store.period, step="first_order")
    row = found[found["cohort"] == dt.datetime(2023, 12, 1)].iloc[0]
    assert (row["entered"], row["passed"]) == (30, 30)
    low = lifecycle_wilson_low(30, 30)
    assert row["low"] == pytest.approx(low)


def lifecycle_wilson_low(successes: int, n: int) -> float:
    """Wilson's lower end, written out for a share of 1."""
    z = 1.959964
    return n / (n + z**2) if successes == n else math.nan


def test_signs_are_counted_by_kind_and_small_kinds_left_out(tmp_path):
    orders = [OLD] + [an_order(f"c{i}", f"c{i}", "2023-09-01 10:00", 10) for i in range(25)]
    seen = [an_engagement(99, "old", "2023-06-02 10:00")]
    seen += [an_engagement(i, f"c{i}", "2023-09-10 10:00") for i in range(12)]
    seen += [an_engagement(100 + i, f"c{i}", "2023-09-12 10:00", "community") for i in range(9)]
    with a_store(tmp_path, "2023-10", orders=orders, engagements=seen) as store:
        frame = funnel.activation_signs(store, store.period)
    # The old customer of 1 June is new too; she came back the next day.
    assert frame[["kind", "customers", "of"]].to_numpy().tolist() == [["visit", 13, 26]]


def test_a_rate_that_would_tell_a_count_below_ten_is_blank_with_it():
    rows = [(100, 50), (48, 1), (15, 12), (40, 0)]
    frame = pd.DataFrame(rows, columns=["entered", "passed"])
    frame["rate"] = frame["passed"] / frame["entered"]
    hidden = funnel_groups.hide_small(frame)
    assert hidden["rate"].isna().tolist() == [False, True, True, False]
    assert hidden["passed"].isna().tolist() == [False, True, True, True]
