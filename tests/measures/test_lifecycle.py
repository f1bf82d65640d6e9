"""Lifecycle measures on stores counted by hand."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from helpers.measures import lifecycle
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


def test_a_store_that_knows_no_customers_says_so(tmp_path):
    orders = [an_order("1", None, "2023-01-05", 10), an_order("2", None, "2024-04-05", 10)]
    with (
        a_store(tmp_path, "2024-04", orders=orders) as nameless,
        pytest.raises(MissingTable, match="orders"),
    ):
        lifecycle.repurchase_rate(nameless, nameless.period)


def test_the_definitions_stand_side_by_side_and_one_of_them_binds(tmp_path):
    # Twenty customers of January 2023, of whom twelve return: three each after 20, 50, 80 and
    # 300 days.
    orders = [an_order("old", "old", "2022-12-20", 10)]
    orders += [an_order(f"a{i}", f"c{i}", "2023-01-10", 10) for i in range(20)]
    for i, day in enumerate(("2023-01-30", "2023-03-01", "2023-03-31", "2023-11-06")):
        orders += [an_order(f"b{i}{k}", f"c{3 * i + k}", day, 10) for k in range(3)]
    orders += [an_order(f"z{i}", f"c{i}", "2024-01-05", 10) for i in range(12)]
    with a_store(tmp_path, "2024-01", orders=orders) as shop:
        frame = lifecycle.repurchase_definitions(shop, shop.period).set_index("metric")
    # January 2024 ends the 365 days, not the 30, 60 or 90; all twelve customers of it had bought.
    assert frame["role"].to_dict() == {
        "repurchase_rate": "bound", "repurchase_rate_cohort": "beside",
        "returning_customer_rate": "beside",
    }  # fmt: skip
    assert frame.loc["repurchase_rate_cohort", ["value", "denominator"]].tolist() == [0.6, 20]
    assert frame.loc["returning_customer_rate", "value"] == 1


@pytest.mark.parametrize(("window", "returned"), [(30, 3), (60, 6), (90, 9)])
def test_the_early_windows_count_second_purchases_up_to_their_last_day(tmp_path, window, returned):
    orders = [an_order(f"a{i}", f"c{i}", "2023-01-10", 10) for i in range(20)]
    for i, gap in enumerate((30, 60, 90)):
        day = str(date(2023, 1, 10) + timedelta(days=gap))
        orders += [an_order(f"b{i}{k}", f"c{3 * i + k}", day, 10) for k in range(3)]
    orders.append(an_order("old", "old", "2022-01-10", 10))
    measure = getattr(lifecycle, f"repurchase_rate_cohort_{window}_days")
    ends = date(2023, 1, 10) + timedelta(days=window)
    with a_store(tmp_path, f"{ends:%Y-%m}", orders=orders) as shop:
        row = measure(shop, shop.period).iloc[0]
    assert (row["numerator"], row["denominator"]) == (returned, 20)


def test_a_customer_whose_window_outlasts_the_data_is_not_lost_in_an_unfinished_period(tmp_path):
    # The data end on 9 December; the 90 days of the first customer end on the 5th, of the others
    # on the 20th.
    orders = [an_order("1", "ann", "2024-09-06", 10), an_order("0", "old", "2024-01-01", 10)]
    orders += [an_order(f"f{i}", f"f{i}", "2024-09-21", 10) for i in range(5)]
    with a_store(tmp_path, "2024-12-01..2024-12-09", orders=orders) as shop:
        december = month_of(shop.period.start)
        row = lifecycle.repurchase_rate_cohort(shop, december, window_days=90).iloc[0]
    assert (row["numerator"], row["denominator"]) == (0, 1)
