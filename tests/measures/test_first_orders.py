"""Which first orders lead to a second, on a shop counted by hand."""

from __future__ import annotations

from unittest.mock import patch

import pytest
from scipy.stats import norm

from helpers.measures import first_orders
from helpers.store.errors import MissingTable
from tests.stores import a_store, an_order

PRODUCTS = [
    {"product_id": "T1", "category": "Tea", "category_zh": "茶"},
    {"product_id": "T2", "category": "Tea", "category_zh": "茶"},
    {"product_id": "M", "category": "Mugs", "category_zh": "杯"},
    {"product_id": "X", "category": "Lamps"},
]


def _orders(lamps: int) -> tuple[list[dict], list[dict]]:
    """First orders of January 2024: 40 of tea, 40 of mugs, some of lamps; of the tea 30
    return after 90 days.

    A tea order has a cheaper mug in it. Of the mugs 10 return within 90 days, 2 later. One tea
    customer of November is too young for 90 days.
    """
    orders, lines = [], []

    def buy(number, who, day, products, discount=0):
        orders.append(an_order(number, who, day, 0, channel="live"))
        lines.extend(
            {"order_id": number, "line_id": str(i), "product_id": product, "quantity": 1,
             "buyer_paid": money, "merchant_discount": discount}
            for i, (product, money) in enumerate(products)
        )  # fmt: skip

    for i in range(40):
        buy(f"t{i}", f"t{i}", "2024-01-10", [("T1" if i % 2 else "T2", 30), ("M", 20)])
        buy(f"m{i}", f"m{i}", "2024-01-10", [("M", 20)], discount=5)
    for i in range(lamps):
        buy(f"x{i}", f"x{i}", "2024-01-10", [("X", 50)])
    for i in range(30):
        buy(f"t{i}again", f"t{i}", "2024-04-09", [("M", 10)])
    for i in range(12):
        buy(f"m{i}again", f"m{i}", "2024-02-01" if i < 10 else "2024-04-10", [("M", 10)])
    buy("young", "young", "2024-11-20", [("T1", 30)])
    return orders, lines


def _shop(folder, lamps):
    orders, lines = _orders(lamps)
    prices = [{"product_id": p, "valid_from": "2024-01-01", "unit_cost": 5}
              for p in ("T1", "T2", "M", "X")]  # fmt: skip
    return a_store(folder, "2024-12", orders=orders, order_lines=lines, products=PRODUCTS,
                   price_history=prices)  # fmt: skip


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    with _shop(tmp_path_factory.mktemp("first"), 12) as found:
        yield found


def _by(store, split, window=90):
    frame = first_orders.first_orders(store, store.period, split=split, window_days=window)
    return frame.set_index("group")


def test_the_first_product_is_what_most_was_paid_for_and_stands_for_its_category(store):
    frame = _by(store, "product")
    assert frame["customers"].to_dict() == {"Mugs": 40, "Tea": 40, "Lamps": 12}
    assert frame["group_zh"].to_dict() == {"Mugs": "杯", "Tea": "茶", "Lamps": "Lamps"}


def test_only_second_orders_inside_the_window_count_and_the_young_are_left_out(store):
    assert _by(store, "product").loc[["Tea", "Mugs"], "returned"].tolist() == [30, 10]
    assert _by(store, "product", 91).loc["Mugs", "returned"] == 12
    with pytest.raises(MissingTable, match="short"):
        _by(store, "product", 366)


def test_each_group_is_compared_with_all_others_by_an_interval_for_all_comparisons(store):
    frame = _by(store, "product")
    tea, rest = 30 / 40, 10 / 52
    error = (tea * (1 - tea) / 40 + rest * (1 - rest) / 52) ** 0.5
    widened = norm.ppf(1 - 0.05 / 3 / 2) * error
    row = frame.loc["Tea"]
    assert row["difference"] == pytest.approx(tea - rest)
    assert row["difference_high"] - row["difference"] == pytest.approx(widened)
    assert frame["evidence"].to_dict() == {
        "Mugs": "worse", "Tea": "better", "Lamps": "not_enough_evidence",
    }  # fmt: skip


def test_value_is_contribution_within_the_window_first_order_included(store):
    frame = _by(store, "product")
    # Tea: 50 less 10, and 30 of 40 bring 10 less 5; mugs: 20 less 5 and 10 of 40 the same.
    assert frame["value"].to_dict() == pytest.approx({"Tea": 43.75, "Mugs": 16.25, "Lamps": 45})
    assert frame["basis"].unique().tolist() == ["contribution"]
    rest = (40 * 16.25 + 12 * 45) / 52
    assert frame.loc["Tea", "value_difference"] == pytest.approx(43.75 - rest)


def test_discounts_are_a_share_of_the_list_value(store):
    assert _by(store, "discount")["customers"].to_dict() == {"none": 52, "10_to_30": 40}


def test_an_action_leads_a_tenth_of_the_others_to_what_brings_more(store):
    with patch.object(first_orders, "RESPONSE", 1.0):
        frame = first_orders.first_order_actions(store, store.period)
    # 93 new customers in a year, 52 of 92 of whom began elsewhere.
    assert frame[["group", "customers"]].to_numpy().tolist() == [["Tea", 53]]
    rest = (40 * 16.25 + 12 * 45) / 52
    assert frame.loc[0, "worth"] == pytest.approx(53 * (43.75 - rest))
    assert frame.loc[0, "worth_low"] < frame.loc[0, "worth"] < frame.loc[0, "worth_high"]
    # A tenth of them is five people: no action.
    assert first_orders.first_order_actions(store, store.period).empty


def test_few_customers_are_not_told_by_what_is_left_over(tmp_path):
    # All but the nine of lamps would tell the nine: a second group goes, and nothing compares.
    with _shop(tmp_path, 9) as shop:
        assert _by(shop, "product").empty
        assert first_orders.first_order_actions(shop, shop.period).empty


def test_a_shop_without_discounts_says_what_it_lacks(tmp_path):
    orders = [an_order(f"{i}", f"c{i}", "2024-01-10", 10) for i in range(20)]
    with a_store(tmp_path, "2024-12", orders=orders) as shop:
        with pytest.raises(MissingTable, match="merchant_discount"):
            _by(shop, "discount")
        # One product for all is known, and compares with none.
        assert _by(shop, "product").empty


def test_splits_and_windows_that_make_no_sense_are_refused(store):
    with pytest.raises(ValueError, match="split == 'colour'"):
        _by(store, "colour")
    with pytest.raises(ValueError, match="window_days == 0"):
        _by(store, "discount", 0)
    assert _by(store, "channel").empty
