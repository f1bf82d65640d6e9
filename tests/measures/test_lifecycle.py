"""Lifecycle measures on stores counted by hand."""

from __future__ import annotations

from datetime import date, timedelta
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.measures import lifecycle, segments
from helpers.plan.periods import month_of
from helpers.store.errors import MissingTable
from tests.stores import a_store, an_order

ORDERS = [
    # Ann: first order 2023-01-05, again after 20 days, again in 2024.
    an_order("1", "ann", "2023-01-05 10:00", 100),
    an_order("2", "ann", "2023-01-25 10:00", 100),
    an_order("3", "ann", "2024-03-01 10:00", 100),
    # Bob: one purchase day of two orders in 2024.
    an_order("4", "bob", "2024-02-10 09:00", 50),
    an_order("5", "bob", "2024-02-10 21:00", 60),
    # Cem: two purchase days in 2024, 91 days apart.
    an_order("6", "cem", "2024-01-01 10:00", 70),
    an_order("7", "cem", "2024-04-01 10:00", 80),
    # Dora: her second order is fake, her third was refunded in full before shipment.
    an_order("8", "dora", "2024-02-01 10:00", 40),
    an_order("9", "dora", "2024-02-20 10:00", 40, is_fake=True),
    an_order("10", "dora", "2024-03-20 10:00", 40),
    # A sale without a customer, an order never paid, a sample.
    an_order("11", None, "2024-02-02 10:00", 500),
    {**an_order("12", "eva", None, 10), "created_at": "2024-02-02 10:00"},
    an_order("13", "eva", "2024-02-03 10:00", 0, kind="sample"),
]  # fmt: skip
RETURNS = [
    {"return_id": "r1", "order_id": "10", "line_id": "1", "product_id": "P1", "amount": 40,
     "settled_at": "2024-03-21 10:00", "stage": "before_shipment"},
]  # fmt: skip


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    with a_store(tmp_path_factory.mktemp("s"), "2024-04", orders=ORDERS, returns=RETURNS) as found:
        yield found


def test_repurchase_counts_purchase_days_in_the_365_days_to_the_end(store):
    # 2023-05-02 to 2024-04-30: ann once, bob one day, cem twice, dora once.
    row = lifecycle.repurchase_rate(store, store.period).iloc[0]
    assert (row["numerator"], row["denominator"], row["value"]) == (1, 4, 0.25)


def test_repurchase_is_withheld_where_history_is_shorter_than_its_window(store):
    early = month_of(store.first_day)
    with pytest.raises(MissingTable, match="short"):
        lifecycle.repurchase_rate(store, early)


def test_a_cohort_window_that_ends_in_the_period_decides_who_counts(store):
    # 90 days after the first purchase end in April 2024 for those of 2 January to 31 January.
    with pytest.raises(MissingTable):
        lifecycle.repurchase_rate_cohort(store, store.period, window_days=90)
    # 91 days: first purchases of 1 to 31 January 2024: cem, who returned on day 91.
    row = lifecycle.repurchase_rate_cohort(store, store.period, window_days=91).iloc[0]
    assert (row["numerator"], row["denominator"]) == (1, 1)
    # A window of 90 days that ends on 31 March holds cem, who came back a day too late.
    march = month_of(store.period.start.replace(month=3))
    row = lifecycle.repurchase_rate_cohort(store, march, window_days=90).iloc[0]
    assert (row["numerator"], row["denominator"]) == (0, 1)


def test_a_window_below_one_day_is_refused(store):
    with pytest.raises(ValueError, match="window_days == 0, must be >= 1"):
        lifecycle.repurchase_rate_cohort(store, store.period, window_days=0)


def test_a_returning_customer_bought_on_an_earlier_day(store):
    # March 2024: ann, who bought before; dora's order was undone before shipment.
    march = month_of(store.period.start.replace(month=3))
    row = lifecycle.returning_customer_rate(store, march).iloc[0]
    assert (row["numerator"], row["denominator"]) == (1, 1)
    # February 2024: bob and dora, both for the first time.
    february = march.previous()
    row = lifecycle.returning_customer_rate(store, february).iloc[0]
    assert (row["numerator"], row["denominator"]) == (0, 2)


def test_active_customers_bought_in_the_last_365_days(store):
    assert lifecycle.active_customers(store, store.period)["value"].iloc[0] == 4


def test_gaps_are_between_purchase_days(store):
    # ann: 20 and 401 days, cem: 91.
    row = lifecycle.days_between_purchases(store, store.period).iloc[0]
    assert (row["gaps"], row["median_days"], row["customers"]) == (3, 91, 4)
    assert row["one_time_share"] == 0.5


def test_a_store_that_knows_no_customers_says_so(tmp_path):
    orders = [an_order("1", None, "2023-01-05", 10), an_order("2", None, "2024-04-05", 10)]
    with (
        a_store(tmp_path, "2024-04", orders=orders) as nameless,
        pytest.raises(MissingTable, match="orders"),
    ):
        lifecycle.repurchase_rate(nameless, nameless.period)


@pytest.fixture(scope="module")
def cohort_store(tmp_path_factory):
    """Twelve customers of January, of whom three return in March; nine of February."""
    orders = [an_order(f"j{i}", f"j{i}", "2024-01-10", 10) for i in range(12)]
    orders += [an_order(f"jm{i}", f"j{i}", "2024-03-15", 10) for i in range(3)]
    orders += [an_order(f"f{i}", f"f{i}", "2024-02-10", 10) for i in range(9)]
    with a_store(tmp_path_factory.mktemp("c"), "2024-03", orders=orders) as found:
        yield found


def test_a_cohort_month_is_blank_until_it_is_over_and_zero_when_nobody_came(cohort_store):
    frame = lifecycle.cohort_retention(cohort_store, cohort_store.period)
    found = frame[["months_since", "returned", "rate"]].to_numpy().tolist()
    assert found == [[1, 0, 0], [2, 3, 0.25]]


def test_a_cohort_below_ten_customers_is_not_shown(cohort_store):
    frame = lifecycle.cohort_retention(cohort_store, cohort_store.period)
    assert frame["customers"].unique().tolist() == [12]


def test_a_window_appears_only_when_it_is_over_for_the_whole_cohort(cohort_store):
    frame = lifecycle.repurchase_cohorts(cohort_store, cohort_store.period)
    # 31 January + 60 days is 31 March: the 60-day window is just over, the 90-day one is not.
    assert frame["window_days"].tolist() == [30, 60]
    assert frame["returned"].tolist() == [0, 0]


def test_segments_hold_every_customer_once(cohort_store):
    people = segments.scored_customers(cohort_store)
    assert int(people.count().to_pandas()) == 21
    frame = cohort_store.to_frame(people)
    assert set(frame["segment"]) <= set(segments.SEGMENTS)
    assert frame.loc[frame["purchase_days"] == 2, "segment"].eq("loyal").all()


purchases = st.lists(
    st.tuples(st.integers(0, 5), st.integers(0, 500)), min_size=1, max_size=12, unique=True
)


@settings(max_examples=8, deadline=None)
@given(bought=purchases)
def test_a_wider_window_never_lowers_the_number_who_returned(tmp_path_factory, bought):
    start = date(2022, 1, 1)
    orders = [
        an_order(str(i), f"c{who}", str(start + timedelta(days=day)), 10)
        for i, (who, day) in enumerate(bought)
    ]
    with (
        a_store(tmp_path_factory.mktemp("h"), "2025", orders=orders) as store,
        patch.object(lifecycle, "SMALLEST_GROUP", 1),
    ):
        frame = lifecycle.repurchase_cohorts(store, store.period, cohorts=60)
    by_window = frame.pivot(index="cohort", columns="window_days", values="returned")
    assert (by_window.diff(axis=1).iloc[:, 1:] >= 0).all(axis=None)
    assert frame["returned"].le(frame["customers"]).all()
