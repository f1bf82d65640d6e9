"""Product measures on a shop whose products are counted by hand."""

from __future__ import annotations

from datetime import date

import duckdb
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.measures import (
    assortment,
    new_products,
    product,
    product_actions,
    product_changes,
    product_groups,
    product_refunds,
    stock,
)
from helpers.plan.periods import month_of
from helpers.store.errors import MissingTable
from helpers.store.open import opened
from tests.stores import a_store, an_order

PERIOD = "2024-12"


def a_sale(order_id: str, product_id: str, day: str, money: float, pieces: int, **more) -> dict:
    row = an_order(order_id, "ann", f"{day} 12:00", money, _product=product_id, _quantity=pieces)
    return {**row, **more}


SALES = [
    a_sale("0", "P9", "2023-11-01", 50, 1),
    # In the 365 days to 2024-12-31: margins 600, 250, 100, 50, -20 and, refunded, -100.
    a_sale("1", "P1", "2024-11-05", 400, 4),
    a_sale("2", "P1", "2024-12-05", 600, 6),
    a_sale("3", "P2", "2024-11-06", 200, 2),
    a_sale("4", "P2", "2024-12-06", 300, 3),
    a_sale("5", "P3", "2024-12-07", 200, 2),
    a_sale("6", "P4", "2024-11-08", 100, 1),
    a_sale("7", "P5", "2024-06-09", 80, 1),
    a_sale("8", "P6", "2024-07-10", 300, 1),
    # The same month of the year before.
    a_sale("9", "P1", "2023-12-05", 500, 5),
    a_sale("10", "P4", "2023-12-06", 100, 1),
]
COSTS = {"P1": 40, "P2": 50, "P3": 50, "P4": 50, "P5": 100, "P6": 100, "P7": 10, "P9": 20}
NAMES = {"P1": "Lamp", "P2": "Vase", "P3": "Bowl", "P4": "Mug", "P5": "Rug", "P6": "Chair",
         "P7": "Tray", "P8": "Sofa", "P9": "Clock"}  # fmt: skip
LINES = {"P1": "basic", "P2": "basic", "P3": "fashion", "P4": "fashion"}
PRODUCTS = [
    {"product_id": key, "name": name, "name_zh": f"{name}货", "category": "Home",
     "category_zh": "家居", "line": LINES.get(key),
     "launched_on": "2025-01-05" if key == "P8" else "2023-01-01"}
    for key, name in NAMES.items()
]  # fmt: skip
PRICES = [
    {"product_id": key, "valid_from": "2020-01-01", "unit_cost": cost, "list_price": 3 * cost}
    for key, cost in COSTS.items()
]
RETURNS = [
    {"return_id": "r1", "order_id": "8", "line_id": "1", "product_id": "P6", "quantity": 1,
     "amount": 300, "settled_at": "2024-07-20", "type": "refund_only", "stage": "after_shipment",
     "is_quality": True},
]  # fmt: skip
STOCK = [
    {"product_id": key, "day": day, "on_hand": pieces, "on_order": on_order}
    for day in ("2024-06-30", "2024-12-29")
    for key, pieces, on_order in (("P1", 10, 0), ("P2", 20, 0), ("P5", 4, 6), ("P7", 30, 0))
]


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    with a_store(
        tmp_path_factory.mktemp("products"), PERIOD, orders=SALES, products=PRODUCTS,
        price_history=PRICES, returns=RETURNS, stock_levels=STOCK,
    ) as found:  # fmt: skip
        yield found


@pytest.fixture(scope="module")
def bare_store(tmp_path_factory):
    with a_store(tmp_path_factory.mktemp("bare"), PERIOD, orders=SALES) as found:
        yield found


def test_selling_share_counts_what_sold_among_what_was_on_sale(store):
    # On sale: P1 to P6 sold in 365 days, P7 lay in stock; P8 comes later, P9 sold too long ago.
    row = product.selling_share(store, store.period).iloc[0]
    assert (row["numerator"], row["denominator"]) == (3, 7)
    assert row["low"] < row["value"] < row["high"]


def test_selling_share_needs_365_days_of_history(store):
    with pytest.raises(MissingTable, match="short"):
        product.selling_share(store, month_of(date(2024, 3, 1)))


def test_classes_go_by_margin_and_a_product_that_reaches_80_percent_is_still_in_a(store):
    classes = product.abc(store, store.period).set_index("abc")
    # Margins 600, 250 reach 850 of 1,000; 100 more reach 950; 50, -20 and -100 are the rest.
    assert classes["products"].to_dict() == {"A": 2, "B": 1, "C": 3}
    assert classes.loc["A", "value"] == pytest.approx(850)
    assert classes["basis"].unique().tolist() == ["margin"]


def test_class_a_share_is_products_of_class_a_among_those_sold(store):
    row = product.class_a_share(store, store.period).iloc[0]
    assert (row["numerator"], row["denominator"]) == (2, 6)
    assert np.isnan(row["low"])


def test_classes_go_by_net_sales_where_costs_are_unknown(bare_store):
    classes = product.abc(bare_store, bare_store.period)
    assert classes["basis"].unique().tolist() == ["net_sales"]
    # 1,000 and 500 of 2,180, then 300 (no refund is known here): the third reaches 80 %.
    assert classes.set_index("abc").loc["A", "products"] == 3


@given(st.lists(st.integers(1, 10_000), min_size=2, max_size=30, unique=True))
def test_a_lower_first_cut_off_never_puts_more_products_in_a(values):
    # The rule of `classified`, in plain Python.
    ordered = sorted(values, reverse=True)
    total = sum(ordered)
    sizes = [
        sum(1 for i in range(len(ordered)) if sum(ordered[:i]) < cut * total)
        for cut in (0.5, 0.8, 0.95)
    ]
    assert sizes == sorted(sizes)


def test_a_store_of_one_product_has_no_classes_and_no_movers(tmp_path):
    one = [{**order, "_product": "CD"} for order in SALES]
    with a_store(tmp_path, PERIOD, orders=one) as found:
        for measure in (product.abc, product.abc_curve, product_changes.bridge):
            with pytest.raises(MissingTable) as caught:
                measure(found, found.period)
            assert (caught.value.table, caught.value.columns) == ("products", ("product_id",))


def test_the_curve_ends_where_all_products_make_all_of_it(store):
    curve = product.abc_curve(store, store.period, points=6)
    assert curve.iloc[0][["products", "value_share"]].tolist() == [0, 0]
    assert curve["products"].tolist() == [0, 1, 2, 3, 4, 5, 6]
    assert curve["value_share"].iloc[1] == pytest.approx(0.6)
    assert curve["value_share"].iloc[-1] == pytest.approx(1)
    assert product.share_of_best(curve, 1 / 6) == pytest.approx(0.6)


def test_the_best_product_comes_first_with_both_names(store):
    best = product.best_products(store, store.period).iloc[0]
    assert best[["name", "name_zh", "abc"]].tolist() == ["Lamp", "Lamp货", "A"]
    assert best["margin_rate"] == pytest.approx(0.6)
    assert best["value_share"] == pytest.approx(0.6)


def test_a_product_loses_by_its_price_or_by_its_refunds(store):
    losses = product.loss_makers(store, store.period).set_index("name")
    assert losses["loss"].to_dict() == {"Chair": 100, "Rug": 20}
    assert losses["reason"].to_dict() == {"Chair": "refunds", "Rug": "price"}
    assert losses.loc["Rug", "break_even_price"] == pytest.approx(100)


def test_cut_offs_must_rise(store):
    with pytest.raises(ValueError, match="cut_offs"):
        assortment.classified(store, store.period, cut_offs=(0.9, 0.8))


def test_lines_show_sales_margin_and_the_two_parts_of_its_change(store):
    lines = product_groups.groups(store, store.period, by="line").set_index("group_name")
    # Basic: December 900 net, margin 510; last December 500, margin 300.
    basic = lines.loc["basic"]
    assert basic["net_sales"] == pytest.approx(900)
    assert basic["change"] == pytest.approx(900 / 600 - 1)
    assert basic["margin_rate"] == pytest.approx(510 / 900)
    assert basic["rate_effect"] + basic["sales_effect"] == pytest.approx(510 - 300)
    assert lines["share"].sum() == pytest.approx(1)


def test_without_lines_groups_are_categories_and_without_both_they_are_missing(bare_store, store):
    assert product_groups.groups(store, store.period, by="category")["by"].unique() == ["category"]
    with pytest.raises(MissingTable, match="products"):
        product_groups.groups(bare_store, bare_store.period)
    with pytest.raises(ValueError, match="'shelf'"):
        product_groups.groups(store, store.period, by="shelf")


def test_discounts_are_missing_where_the_source_knows_none(store):
    with pytest.raises(MissingTable, match="merchant_discount"):
        product_groups.price_realisation(store, store.period)


def test_the_bridge_leads_from_one_period_to_the_other(store):
    steps = product_changes.bridge(store, store.period, against="previous").set_index("step")
    # November: P1 400, P2 200, P4 100. December: P1 600, P2 300, P3 200.
    assert steps["value"].to_dict() == {
        "before": 700, "no_longer_sold": -100, "falls": 0, "rises": 300, "newly_sold": 200,
        "now": 1100,
    }  # fmt: skip
    year = product_changes.bridge(store, store.period, against="last_year").set_index("step")
    middle = year["value"].drop(["before", "now"]).sum()
    assert year.loc["before", "value"] + middle == pytest.approx(year.loc["now", "value"])


def test_the_parts_of_a_change_add_up_and_name_the_main_one(store):
    movers = product_changes.movers(store, store.period, against="previous").set_index("name")
    parts = movers[["volume_effect", "price_effect", "refund_effect"]].sum(axis=1)
    assert parts.to_dict() == pytest.approx(movers["change"].to_dict())
    assert movers.loc["Lamp", "main_effect"] == "volume"
    assert movers["state"].to_dict() == {
        "Lamp": "up", "Vase": "up", "Bowl": "new", "Mug": "gone"}  # fmt: skip
    assert movers["contribution"].sum() == pytest.approx(1100 / 700 - 1)


def test_one_sale_a_month_is_never_a_clear_change(store):
    movers = product_changes.movers(store, store.period, against="previous")
    assert not movers["is_clear"].any()


def test_a_period_before_the_data_has_no_comparison(store):
    with pytest.raises(MissingTable, match="short"):
        product_changes.bridge(store, month_of(date(2023, 11, 1)), against="last_year")
    with pytest.raises(ValueError, match="'budget'"):
        product_changes.bridge(store, store.period, against="budget")


def test_discoveries_are_those_of_benjamini_and_hochberg():
    # Their example of 15 tests (1995, section 4): the four smallest are discoveries at 0.05.
    p_values = np.array([0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459,
                         0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0])  # fmt: skip
    found = product_changes.stands_out(p_values[::-1], 0.05)[::-1]
    assert found.sum() == 4
    assert found[:4].all()


def test_the_noise_of_a_total_is_the_spread_of_totals_drawn_again():
    random = np.random.default_rng(1)
    days, repeats = 30, 4000
    shop = 1000 * (1 + 0.5 * np.sin(np.arange(days)))
    x = random.poisson(0.02 * shop, size=(repeats, days)).astype(float)
    frame = pd.DataFrame(
        {"net_sales_now": x.sum(1), "total_now": shop.sum(), "xx_now": (x**2).sum(1),
         "xs_now": (x * shop).sum(1), "ss_now": (shop**2).sum()}
    )  # fmt: skip
    claimed = product_changes._variance(frame, "now", days).mean()
    assert claimed == pytest.approx(x.sum(1).var(), rel=0.1)


def test_slow_stock_is_what_did_not_sell_or_lasts_over_180_days(store):
    # At cost: P1 400 (10 pieces, 10 sold in 90 days), P2 1,000 (20, 5 sold: 360 days), P5 400 and
    # P7 300 without a sale; together 2,100.
    row = product.slow_stock_share(store, store.period).iloc[0]
    assert (row["numerator"], row["denominator"]) == (1700, 2100)


def test_stock_to_clear_has_its_price_its_pace_and_what_to_cancel(store):
    slow = stock.slow_stock(store, store.period).set_index("name")
    assert slow["state"].to_dict() == {"Vase": "slow", "Rug": "dead", "Tray": "dead"}
    # Vase: 20 pieces, 5 sold at 100 in 90 days: 15 too many, at cost 50; no fees are known.
    assert slow.loc["Vase", ["excess_units", "excess_value"]].tolist() == [15, 750]
    assert slow.loc["Vase", ["price", "clear_price", "pace"]].tolist() == [100, 50, 4]
    assert slow.loc["Vase", "cover_days"] == pytest.approx(360)
    assert slow.loc["Rug", ["action", "on_order_value"]].tolist() == ["stop_and_clear", 600]
    assert slow.loc["Tray", "price"] == 30
    assert slow["excess_value"].is_monotonic_decreasing


def test_the_slow_stock_is_one_task_and_then_each_product(store):
    tasks = product_actions.clearance(store, store.period, first=2)
    # Too much at cost: Vase 750, Rug 400, Tray 300.
    plan = tasks.iloc[0]
    assert plan[["action", "products", "first"]].tolist() == ["plan", 3, 2]
    assert (plan["first_value"], plan["at_stake"], plan["excess_value"]) == (1150, 1150, 1450)
    assert tasks["name"].tolist()[1:] == ["Vase", "Rug", "Tray"]


def test_stock_is_missing_without_counts_and_without_a_count_in_the_period(store, bare_store):
    with pytest.raises(MissingTable, match="stock_levels"):
        product.slow_stock_share(bare_store, bare_store.period)
    with pytest.raises(MissingTable, match="short"):
        product.slow_stock_share(store, month_of(date(2024, 10, 1)))


@pytest.fixture(scope="module")
def refund_store(tmp_path_factory):
    """P1 and P2 sell 100 lines each in September; 30 of P1's come back, 2 of P2's."""
    sales = [a_sale("first", "P1", "2024-01-01", 10, 1)]
    sales += [a_sale(f"{p}-{i}", p, "2024-09-10", 10, 1) for p in ("P1", "P2") for i in range(100)]
    returns = [
        {"return_id": f"{p}-{i}", "order_id": f"{p}-{i}", "line_id": "1", "product_id": p,
         "quantity": 1, "amount": 10, "settled_at": "2024-09-20", "type": "return_and_refund",
         "stage": "after_shipment", "is_quality": p == "P1" and i < 20}
        for p, count in (("P1", 30), ("P2", 2)) for i in range(count)
    ]  # fmt: skip
    with a_store(
        tmp_path_factory.mktemp("refunds"), PERIOD, orders=sales, returns=returns,
        products=PRODUCTS,
    ) as found:  # fmt: skip
        yield found


def test_refund_shares_stand_against_the_category(refund_store):
    shares = product_refunds.refund_shares(refund_store, refund_store.period).set_index("name")
    assert shares["share"].to_dict() == {"Lamp": 0.3, "Vase": 0.02}
    assert shares["standing"].to_dict() == {"Lamp": "high", "Vase": "low"}
    assert shares["usual_share"].unique() == pytest.approx([0.16])
    # 300 refunded; 16 % of 1,000 would be usual.
    assert shares.loc["Lamp", "excess"] == pytest.approx(140)
    assert shares.loc["Lamp", ["quality_share", "quality_standing"]].tolist() == [0.2, "high"]


def test_wilson_of_30_in_100_is_the_textbook_interval(refund_store):
    # Wilson (1927) for 30 of 100: 0.2189 to 0.3958.
    row = product_refunds.refund_shares(refund_store, refund_store.period).iloc[0]
    assert (row["low"], row["high"]) == pytest.approx((0.2189, 0.3958), abs=5e-5)


def test_only_refunds_that_stand_out_ask_for_action(refund_store):
    asked = product_actions.refunds(refund_store, refund_store.period)
    assert asked[["name", "action"]].to_numpy().tolist() == [["Lamp", "quality"]]


@pytest.fixture(scope="module")
def launch_store(tmp_path_factory):
    """Six launches last winter sell 100 a week, six this autumn 200, one of them 0."""
    sales, products = [a_sale("first", "P0", "2023-01-01", 10, 1)], []
    for season, day, money in (("old", "2024-01-01", 100), ("new", "2024-10-01", 200)):
        for i in range(6):
            key = f"{season}{i}"
            products.append({"product_id": key, "name": key, "launched_on": day})
            if key == "new5":
                continue
            for week in range(6):
                paid = pd.Timestamp(day) + pd.Timedelta(days=7 * week + 1)
                sales.append(a_sale(f"{key}-{week}", key, str(paid.date()), money + i, 1))
    with a_store(
        tmp_path_factory.mktemp("launches"), "2024-11", orders=sales, products=products
    ) as found:
        yield found


def test_a_launch_counts_in_a_week_only_when_it_has_lived_it(launch_store):
    curve = new_products.curve(launch_store, launch_store.period)
    recent = curve[curve["group_code"] == "recent"].set_index("week")
    # 2024-10-01 to 2024-11-30 are 61 days: eight whole weeks.
    assert recent.index.tolist() == list(range(1, 9))
    assert recent.loc[1, "net_sales"] == pytest.approx((200 + 201 + 202 + 203 + 204) / 6)
    assert recent.loc[8, "net_sales"] == 0
    earlier = curve[curve["group_code"] == "earlier"].set_index("week")
    assert earlier.loc[1, "net_sales"] == pytest.approx(102.5)


def test_launches_are_placed_among_those_of_the_year_before(launch_store):
    launches = new_products.first_weeks(launch_store, launch_store.period).set_index("name")
    assert launches.loc["new4", ["net_sales", "percentile", "verdict"]].tolist() == [816, 1, "hit"]
    assert launches.loc["new5", ["net_sales", "verdict"]].tolist() == [0, "weak"]
    assert launches["usual"].unique() == pytest.approx([410])


def test_an_unfinished_period_is_compared_with_as_many_days(tmp_path):
    with a_store(tmp_path, "2024-11-01..2024-12-10", orders=SALES) as found:
        spans = assortment.compared(found, month_of(date(2024, 12, 1)))
    assert (spans["now"].days, spans["previous"].days, spans["last_year"].days) == (10, 10, 10)


@pytest.fixture(scope="module")
def online_retail(shared_data, tmp_path_factory):
    """Online Retail II for November 2011, and the file that it was read from."""
    file = shared_data / "online_retail_II" / "online_retail_II_stacked.parquet"
    if not file.exists():
        pytest.skip("real data: Online Retail II is not beside the project")
    with opened(file.parent, period="2011-11", cache=tmp_path_factory.mktemp("cache")) as found:
        yield found, file


@pytest.mark.slow
def test_gross_sales_of_online_retail_products_agree_with_the_raw_file(online_retail):
    found, file = online_retail
    raw = duckdb.sql(
        "SELECT StockCode AS product_id, round(sum(Quantity * Price), 2) AS money "
        f"FROM '{file}' WHERE sheet = 'Year 2010-2011' AND Invoice NOT LIKE 'C%' "
        "AND InvoiceDate BETWEEN '2011-11-01' AND '2011-12-01' "
        "AND StockCode IN ('22423', '47566', '23084', '22086') GROUP BY 1"
    ).df().set_index("product_id")["money"]  # fmt: skip
    days = assortment.product_days(found, found.period.start, found.period.end)
    ours = found.to_frame(assortment.sums(days, "product_id")).set_index("product_id")
    assert ours.loc[raw.index, "receivable"].to_dict() == pytest.approx(raw.to_dict(), abs=0.005)


@pytest.mark.slow
def test_online_retail_has_a_full_page_of_sales_and_says_what_it_lacks(online_retail):
    found, _ = online_retail
    classes = product.abc(found, found.period)
    assert classes["basis"].unique().tolist() == ["net_sales"]
    assert 0.79 < classes.set_index("abc").loc["A", "value_share"] < 0.82
    assert product_changes.movers(found, found.period, against="last_year")["is_clear"].any()
    asked = product_actions.changes(found, found.period)
    assert (asked["low"] > 0).all()
    assert asked["worth"].between(asked["low"], asked["high"]).all()
    assert (asked["at_stake"].isna() == (asked["action"] == "keep")).all()
    for lacking, table in (
        (product.slow_stock_share, "stock_levels"),
        (product.loss_makers, "price_history"),
        (product_groups.groups, "products"),
        (new_products.curve, "products"),
    ):
        with pytest.raises(MissingTable) as caught:
            lacking(found, found.period)
        assert caught.value.table == table
