"""Cohorts on stores counted by hand and on random ones."""

from __future__ import annotations

from datetime import date, timedelta
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.measures import cohorts, purchases
from helpers.plan.periods import month_of
from tests.stores import a_store, an_order


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """Of 24 customers of January 12 return in March, two of them twice; nine in February."""
    orders = [an_order(f"j{i}", f"j{i}", "2024-01-10", 10) for i in range(24)]
    orders += [an_order(f"jm{i}", f"j{i}", "2024-03-15", 20) for i in range(12)]
    orders += [an_order(f"jn{i}", f"j{i}", "2024-03-20", 30) for i in range(2)]
    orders += [an_order(f"f{i}", f"f{i}", "2024-02-10", 10) for i in range(9)]
    prices = [{"product_id": "P1", "valid_from": "2024-01-01", "unit_cost": 4}]
    folder = tmp_path_factory.mktemp("cohorts")
    with a_store(folder, "2024-03", orders=orders, price_history=prices) as found:
        yield found


def test_a_cohort_month_is_blank_until_it_is_over_and_zero_when_nobody_came(store):
    frame = cohorts.cohort_retention(store, store.period)
    found = frame[["months_since", "returned", "rate"]].to_numpy().tolist()
    assert found == [[1, 0, 0], [2, 12, 0.5]]


def test_a_cohort_below_ten_customers_is_not_shown(store):
    for measure in (cohorts.cohort_retention, cohorts.cohort_money):
        assert measure(store, store.period)["customers"].unique().tolist() == [24]


def test_a_shop_that_stopped_winning_customers_still_shows_its_cohorts(tmp_path):
    orders = [an_order(f"j{i}", f"j{i}", "2023-01-10", 10) for i in range(12)]
    orders += [an_order(f"k{i}", f"j{i}", "2024-06-10", 10) for i in range(12)]
    with a_store(tmp_path, "2024-06", orders=orders) as shop:
        frame = cohorts.cohort_retention(shop, shop.period)
        money = cohorts.cohort_money(shop, month_of(date(2022, 1, 1)))
    assert frame["months_since"].tolist() == list(range(1, 18))
    assert frame["rate"].iloc[-1] == 1
    assert money.empty
    assert "provisional" in money


def test_one_to_nine_who_came_back_are_not_counted_out(tmp_path):
    orders = [an_order(f"j{i}", f"j{i}", "2024-01-10", 10) for i in range(24)]
    orders += [an_order(f"a{i}", f"j{i}", "2024-02-10", 10) for i in range(9)]
    orders += [an_order(f"b{i}", f"j{i}", "2024-03-10", 10) for i in range(15)]
    with a_store(tmp_path, "2024-03", orders=orders) as shop:
        frame = cohorts.cohort_retention(shop, shop.period)
    # Nine came in February; in March all but nine.
    assert frame["returned"].isna().tolist() == [True, True]


def test_money_of_a_cohort_adds_up_by_hand(store):
    frame = cohorts.cohort_money(store, store.period)
    # Month 0: 24 x 10. March: 12 x 20 and 2 x 30 more, in 14 orders; goods cost 4 an order.
    assert frame["months_since"].tolist() == [0, 1, 2]
    assert frame["orders"].tolist() == pytest.approx([1, 1, 38 / 24])
    assert frame["paid_sales"].tolist() == pytest.approx([10, 10, 540 / 24])
    assert frame["contribution"].tolist() == pytest.approx([6, 6, (540 - 38 * 4) / 24])


def test_contribution_is_blank_where_costs_are_unknown(tmp_path):
    orders = [an_order(f"j{i}", f"j{i}", "2024-01-10", 10) for i in range(12)]
    with a_store(tmp_path, "2024-03", orders=orders) as bare:
        frame = cohorts.cohort_money(bare, bare.period)
    assert frame["contribution"].isna().all()
    assert frame["paid_sales"].eq(10).all()
    assert not frame["provisional"].any()


def test_months_whose_refunds_are_still_to_come_are_provisional(tmp_path):
    # Every week twelve orders of 10; one of them is refunded after 5 days, one after 40.
    orders, returns = [], []
    for week in range(60):
        day = date(2023, 11, 1) + timedelta(weeks=week)
        orders += [an_order(f"{week}-{i}", f"{week}-{i}", str(day), 10) for i in range(12)]
        returns += [
            {"return_id": f"{week}-{days}", "order_id": f"{week}-{i}", "line_id": "1",
             "product_id": "P1", "amount": 10, "stage": "after_shipment",
             "settled_at": str(day + timedelta(days=days))} for i, days in enumerate((5, 40))
        ]  # fmt: skip
    with a_store(tmp_path, "2024-12", orders=orders, returns=returns) as shop:
        frame = cohorts.cohort_money(shop, shop.period)
    month = frame["cohort"].dt.month + 12 * (frame["cohort"].dt.year - 2024) + frame["months_since"]
    assert frame.loc[month == 12, "provisional"].all()
    assert not frame.loc[month < 10, "provisional"].any()


def test_where_the_way_of_refunds_cannot_be_told_half_a_year_is_provisional(tmp_path):
    # No refund ever comes in the first 28 days, so nothing says how the latest will grow.
    orders = [an_order(f"{m}-{i}", f"{m}-{i}", f"2024-{m:02}-01", 10)
              for m in range(1, 13) for i in range(12)]  # fmt: skip
    returns = [
        {
            "return_id": f"r{m}",
            "order_id": f"{m}-0",
            "line_id": "1",
            "product_id": "P1",
            "amount": 10,
            "settled_at": f"2024-{m + 2:02}-01",
        }
        for m in range(1, 10)
    ]
    with a_store(tmp_path, "2024-12", orders=orders, returns=returns) as shop:
        frame = cohorts.cohort_money(shop, shop.period)
    month = frame["cohort"].dt.month + frame["months_since"]
    assert frame["provisional"].tolist() == (month >= 6).tolist()


def test_a_window_appears_only_when_it_is_over_for_the_whole_cohort(store):
    frame = cohorts.repurchase_cohorts(store, store.period)
    # 31 January + 60 days is 31 March: the 60-day window is just over, the 90-day one is not.
    assert frame["window_days"].tolist() == [30, 60]
    assert frame["returned"].tolist() == [0, 0]


def test_an_earlier_period_sees_nothing_after_its_end(store):
    february = month_of(date(2024, 2, 1))
    assert cohorts.cohort_retention(store, february)["returned"].tolist() == [0]
    assert cohorts.repurchase_cohorts(store, february).empty


bought_days = st.lists(
    st.tuples(st.integers(0, 5), st.integers(0, 500)), min_size=1, max_size=12, unique=True
)


@settings(max_examples=5)
@given(bought=bought_days)
def test_a_wider_window_never_lowers_the_number_who_returned(tmp_path_factory, bought):
    start = date(2022, 1, 1)
    orders = [
        an_order(str(i), f"c{who}", str(start + timedelta(days=day)), 10)
        for i, (who, day) in enumerate(bought)
    ]
    with (
        a_store(tmp_path_factory.mktemp("h"), "2025", orders=orders) as store,
        patch.object(cohorts, "SMALLEST_GROUP", 1),
        patch.object(purchases, "SMALLEST_GROUP", 1),
    ):
        frame = cohorts.repurchase_cohorts(store, store.period, cohorts=60)
    by_window = frame.pivot(index="cohort", columns="window_days", values="returned")
    assert (by_window.diff(axis=1).iloc[:, 1:] >= 0).all(axis=None)
    assert frame["returned"].le(frame["customers"]).all()
