"""Supply chain measures on purchases, stock and parcels counted by hand."""

from __future__ import annotations

import json
from datetime import date, timedelta

import duckdb
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.measures import (
    carriers,
    inventory,
    replenishment,
    stock,
    suppliers,
    supply_actions,
    supply_chain,
)
from helpers.plan.periods import month_of
from helpers.store.errors import MissingTable
from helpers.store.open import opened
from helpers.store.sample import generate
from tests.stores import a_store, an_order

PERIOD = "2024-12"
LAST = date(2024, 12, 31)


def a_line(number: int, supplier: str, ordered: str, promised: str, received: str | None,
           pieces: tuple[int, int | None], **more) -> dict:  # fmt: skip
    """A purchase order line; `pieces` are those ordered and those received."""
    return {"purchase_order_id": f"po{number}", "line_id": "1", "supplier_id": supplier,
            "product_id": "P1", "ordered_at": ordered, "promised_on": promised,
            "received_at": received, "ordered_quantity": pieces[0],
            "received_quantity": pieces[1], "unit_price": 10, **more}  # fmt: skip


PURCHASES = [
    a_line(1, "S1", "2024-11-20", "2024-12-05", "2024-12-04 09:00", (10, 10)),
    a_line(2, "S1", "2024-11-20", "2024-12-05", "2024-12-05 18:00", (10, 12), rejected_quantity=2),
    a_line(3, "S2", "2024-11-20", "2024-12-05", "2024-12-08 09:00", (20, 20)),
    a_line(4, "S2", "2024-11-20", "2024-12-10", "2024-12-10 09:00", (20, 15)),
    a_line(5, "S2", "2024-11-20", "2024-12-21", None, (5, None)),
    # Promised after the period, before it, and received only after its end.
    a_line(6, "S1", "2024-12-20", "2025-01-05", None, (8, None), product_id="P2"),
    a_line(7, "S1", "2023-10-20", "2023-11-05", "2023-11-05 10:00", (10, 10), unit_price=8),
    a_line(8, "S1", "2024-12-01", "2024-12-30", "2025-01-02 10:00", (4, 4)),
]
SUPPLIERS = [
    {"supplier_id": "S1", "name": "North", "name_zh": "北方", "lead_time_days": 16},
    {"supplier_id": "S2", "name": "South", "lead_time_days": 20},
]
# P1 sells 2 pieces a day for 100 together in the 90 days to 2024-12-29, P2 one a week, P3 nothing.
COUNTED = date(2024, 12, 29)
DAYS = [COUNTED - timedelta(days=i) for i in range(90)]
SALES = [
    an_order(f"a{i}", "ann", f"{day} 10:00", 100, _product="P1", _quantity=2)
    for i, day in enumerate(DAYS)
] + [
    an_order(f"b{i}", "bob", f"{day} 10:00", 70, _product="P2", _quantity=1)
    for i, day in enumerate(DAYS[::7])
]  # fmt: skip
PRODUCTS = [
    {"product_id": key, "name": name, "supplier_id": supplier, "launched_on": "2020-01-01",
     "category": "Home", "category_zh": "家居"}
    for key, name, supplier in (("P1", "Lamp", "S1"), ("P2", "Vase", "S1"), ("P3", "Rug", "S2"))
]  # fmt: skip
PRICES = [{"product_id": f"P{i}", "valid_from": "2019-01-01", "unit_cost": 20} for i in (1, 2, 3)]
SUNDAYS = [COUNTED - timedelta(days=7 * i) for i in range(14)]
STOCK = [
    {"product_id": key, "day": day, "on_hand": pieces, "on_order": on_order}
    for day in SUNDAYS
    for key, pieces, on_order in (("P1", 30, 0), ("P2", 60, 8), ("P3", 10, 0))
]


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    with a_store(
        tmp_path_factory.mktemp("supply"), PERIOD, orders=SALES, purchase_orders=PURCHASES,
        suppliers=SUPPLIERS, products=PRODUCTS, price_history=PRICES, stock_levels=STOCK,
    ) as found:  # fmt: skip
        yield found


@pytest.fixture(scope="module")
def bare_store(tmp_path_factory):
    with a_store(tmp_path_factory.mktemp("bare"), PERIOD, orders=SALES) as found:
        yield found


def test_a_line_is_one_yes_or_no_and_what_never_came_is_missed(store):
    # Due in December: lines 1 to 5 and 8; kept: 1 and 2. Line 8 came in January, unknown yet.
    row = supply_chain.on_time_in_full(store, store.period).iloc[0]
    assert (row["numerator"], row["denominator"]) == (2, 6)
    # Wilson (1927) for 2 of 6: 0.0968 to 0.7000.
    assert (row["low"], row["high"]) == pytest.approx((0.0968, 0.7000), abs=5e-5)


def test_a_month_without_lines_due_has_no_rate(store):
    with pytest.raises(MissingTable, match="short"):
        supply_chain.on_time_in_full(store, month_of(date(2024, 6, 1)))


def test_the_scorecard_shows_each_part_of_a_suppliers_work(store):
    card = suppliers.scorecard(store, store.period).set_index("supplier_id")
    south = card.loc["S2"]
    assert south[["lines", "on_time", "in_full", "on_time_in_full"]].tolist() == pytest.approx(
        [3, 1 / 3, 1 / 3, 0]
    )
    assert south["late_days"] == 3
    assert (south["value"], south["missed_value"]) == (450, 450)
    # North: 2 of 22 pieces refused; 10 instead of 8 a year before; 240 of 690 bought.
    north = card.loc["S1"]
    assert north["reject_share"] == pytest.approx(2 / 22)
    assert north["price_change"] == pytest.approx(0.25)
    assert north["value_share"] == pytest.approx(240 / 690)
    assert card[["supplier_name", "supplier_name_zh"]].to_numpy().tolist() == [
        ["South", "South"], ["North", "北方"]]  # fmt: skip


def test_three_lines_are_not_enough_to_rank(store):
    card = suppliers.scorecard(store, store.period)
    assert card["rank"].tolist() == ["1–2", "1–2"]
    assert card["standing"].unique().tolist() == ["not_enough_evidence"]


def test_ranks_are_ranges_unless_chance_is_ruled_out():
    kept, lines = np.array([290, 150, 156]), np.array([300, 300, 300])
    best, worst = suppliers.rank_ranges(kept, lines)
    assert (best.tolist(), worst.tolist()) == ([1, 2, 2], [1, 3, 3])
    assert suppliers.standings(kept, lines) == ["ahead", "behind", "behind"]


@given(
    st.lists(
        st.tuples(st.integers(1, 200), st.floats(0, 1)).map(lambda p: (round(p[0] * p[1]), p[0])),
        min_size=1, max_size=8,
    )
)  # fmt: skip
def test_a_supplier_with_a_higher_rate_never_ranks_behind_on_evidence(pairs):
    kept, lines = (np.array(column) for column in zip(*pairs, strict=True))
    best, worst = suppliers.rank_ranges(kept, lines)
    assert (best <= worst).all()
    assert (best >= 1).all()
    assert (worst <= len(lines)).all()
    rate = kept / lines
    for i in range(len(lines)):
        for j in range(len(lines)):
            if worst[i] < best[j]:
                assert rate[i] > rate[j]


def test_missed_receipts_are_late_short_or_open(store):
    late = suppliers.late_lines(store, store.period).set_index("supplier_id")
    south = late.loc["S2"]
    counts = ["due_lines", "missed_lines", "late_lines", "short_lines", "open_lines"]
    assert south[counts].tolist() == [3, 3, 1, 1, 1]
    # Line 3 came 3 days late, line 5 is open since 10 days.
    assert south["late_days"] == pytest.approx(6.5)
    assert south[["missing_pieces", "missed_value", "open_value"]].tolist() == [5, 450, 50]
    assert late.loc["S1", ["open_lines", "open_value"]].tolist() == [1, 40]


def test_whom_to_call_is_ranked_by_money(store):
    calls = supply_actions.suppliers_to_call(store, store.period)
    assert calls[["supplier_name", "action", "lines", "worth"]].to_numpy().tolist() == [
        ["South", "overdue", 1, 50], ["North", "overdue", 1, 40]]  # fmt: skip


def test_concentration_is_the_herfindahl_index(store):
    row = suppliers.concentration(store, store.period).iloc[0]
    # Ordered in the year: South 450; North 100 + 100 + 80 + 40.
    shares = np.array([450, 320]) / 770
    assert row["top_name"] == "South"
    assert row["herfindahl"] == pytest.approx((shares**2).sum())
    assert row["effective_suppliers"] == pytest.approx(1 / (shares**2).sum())


def test_months_with_few_lines_show_no_rate(store):
    grid = suppliers.by_month(store, store.period)
    assert grid["rate"].isna().all()
    assert suppliers.history(store, store.period).set_index("month").loc["2024-12-01", "rate"] == (
        pytest.approx(2 / 6)
    )


def test_a_suppliers_bad_month_stands_out(tmp_path):
    lines = [
        a_line(i, supplier, "2024-11-01", promised, f"{promised[:-2]}{day} 09:00", (5, 5))
        for i, (supplier, promised, day) in enumerate(
            [("S1", "2024-11-10", 20)] * 6 + [("S1", "2024-12-10", 10)] * 6
            + [("S2", "2024-11-10", 9)] * 6
        )
    ]  # fmt: skip
    with a_store(tmp_path, PERIOD, orders=SALES[:1], purchase_orders=lines) as found:
        grid = suppliers.by_month(found, found.period)
    assert grid["rate"].tolist() == [0, 1, 1]
    worst = grid.sort_values("high").iloc[0]
    assert (worst["supplier_name"], worst["month"].month) == ("S1", 11)


def test_inventory_days_are_average_stock_over_cost_of_goods_sold(store):
    # 100 pieces at 20 are 2,000 at each count. In the 90 days to 2024-12-31, 88 of the sales
    # days fall: 88 x 2 + 13 pieces at 20.
    row = supply_chain.inventory_days(store, store.period).iloc[0]
    cost = (88 * 2 + 13) * 20
    assert row["value"] == pytest.approx(2000 * 90 / cost)
    assert (row["numerator"], row["denominator"]) == pytest.approx((180_000, cost))


def test_days_of_cover_are_the_last_count_over_28_days_of_cost(store):
    row = supply_chain.days_of_cover(store, store.period).iloc[0]
    assert row["value"] == pytest.approx(2000 / ((28 * 2 + 4) * 20 / 28))


def test_inventory_days_are_withheld_before_counts_began(store):
    with pytest.raises(MissingTable, match="short"):
        supply_chain.inventory_days(store, month_of(date(2024, 10, 1)))


def test_classes_share_the_stock_and_what_sold_nothing_is_apart(store):
    classes = inventory.turnover(store, store.period).set_index("group_name")
    assert classes["value"].to_dict() == {"B": 1200, "A": 600, "unsold": 200}
    assert classes.loc["A", "cover_days"] == pytest.approx(600 / (2 * 20))
    assert np.isnan(classes.loc["unsold", "inventory_days"])
    categories = inventory.turnover(store, store.period, by="category")
    assert categories["value"].tolist() == [2000]
    with pytest.raises(ValueError, match="'shelf'"):
        inventory.turnover(store, store.period, by="shelf")


def test_what_ends_before_delivery_is_ordered_up_to_the_next_order(store):
    needed = replenishment.reorder(store, store.period).set_index("name")
    # Lamp: 30 pieces at 2 a day last 15 days, North agreed on 16 and took 14.5 in the median.
    # Demand does not vary: 2 x (16 + 28) - 30; a day is short, at 2 x 50.
    lamp = needed.loc["Lamp"]
    assert lamp[["cover_days", "lead_days", "quantity"]].tolist() == pytest.approx([15, 16, 58])
    assert lamp[["order_value", "sales_at_risk"]].tolist() == pytest.approx([1160, 100])
    assert lamp["action"] == "order_now"
    assert needed.index.tolist() == ["Lamp"]


def test_lead_time_is_what_came_where_that_is_longer_than_agreed(tmp_path):
    slow = a_line(1, "S1", "2024-11-01", "2024-11-17", "2024-12-01 09:00", (10, 10))
    with a_store(
        tmp_path, PERIOD, orders=SALES[:1], purchase_orders=[slow], suppliers=SUPPLIERS
    ) as found:
        times = found.to_frame(replenishment.lead_times(found, found.period))
    assert times.set_index("supplier_id")["lead_days"].to_dict() == {"S1": 30, "S2": 20}


def test_the_quantity_covers_lead_time_and_review_with_safety_for_what_varies():
    frame = pd.DataFrame(
        [{"shop_id": "main", "product_id": "P", "name": "P", "name_zh": "P", "supplier_name": "S",
          "supplier_name_zh": "S", "on_hand": 10, "on_order": 0, "daily_units": 2.0,
          "cover_days": 5.0, "lead_days": 14.0, "unit_cost": 3.0, "units_recent": 56,
          "squares_recent": 112 + 27 * 4, "counted_on": pd.Timestamp("2024-12-29"),
          "next_due_on": pd.NaT, "price": 8.0}]
    ).astype({"next_due_on": "datetime64[ns]"})  # fmt: skip
    row = replenishment._decided(frame, 28, 1.645).iloc[0]
    # Daily demand 2 with a standard deviation of 2: 2 x 42 + 1.645 x 2 x sqrt(42) - 10 = 95.3.
    assert (row["quantity"], row["order_value"], row["action"]) == (96, 288, "order_now")
    # It sells out 9 days before a delivery is possible: 9 x 2 x 8.
    assert row["sales_at_risk"] == pytest.approx(144)
    late = frame.assign(on_order=200, next_due_on=pd.Timestamp("2024-12-20"))
    chased = replenishment._decided(late, 28, 1.645).iloc[0]
    assert chased[["action", "quantity", "short_days"]].tolist() == ["chase", 0, 2]


def test_open_orders_of_what_lasts_over_90_days_are_not_needed(store):
    extra = replenishment.not_needed(store, store.period)
    # Vase: 60 pieces at 13 in 90 days last 415 days, and 8 more are on order.
    assert extra[["name", "on_order", "on_order_value"]].to_numpy().tolist() == [["Vase", 8, 160]]
    assert extra["cover_days"].iloc[0] == pytest.approx(60 * 90 / 13)


def test_over_stock_is_told_by_supplier(store):
    excess = stock.excess_by_supplier(store, store.period).set_index("supplier_name")
    # North: 60 - 13 vases; South: 10 rugs; at 20 a piece.
    assert excess["excess_value"].to_dict() == {"North": 940, "South": 200}
    assert excess.loc["North", "stock_share"] == pytest.approx(1200 / 1800)


@pytest.fixture(scope="module")
def sold_out_store(tmp_path_factory):
    """P1 is counted at nothing on one of five Sundays of December."""
    counts = [
        {"product_id": "P1", "day": COUNTED - timedelta(days=7 * i), "on_hand": 0 if i == 1 else 9}
        for i in range(9)
    ]
    with a_store(
        tmp_path_factory.mktemp("out"), PERIOD, orders=SALES, stock_levels=counts,
        price_history=PRICES,
    ) as found:  # fmt: skip
        yield found


def test_a_count_of_nothing_costs_the_pace_of_the_days_in_stock(sold_out_store):
    row = replenishment.stock_outs(sold_out_store, sold_out_store.period).iloc[0]
    # One of 5 counts: 31 / 5 days. 57 sales days x 2 pieces in 59 days of which 8 of 9 in stock.
    assert row["days_out"] == pytest.approx(6.2)
    assert row["lost_units"] == pytest.approx(6.2 * 114 / (59 * 8 / 9))
    assert row["lost_sales"] == pytest.approx(row["lost_units"] * 50)
    assert row["lost_margin"] == pytest.approx(row["lost_units"] * 30)
    assert not row["is_out_now"]


@pytest.fixture(scope="module")
def generated(tmp_path_factory):
    """A sample shop whose suppliers' reliability and incidents are known: store, truth, files."""
    folder = tmp_path_factory.mktemp("generated") / "shop"
    generate(folder, seed=5, customers=2_000, months=18)
    truth = json.loads((folder / "truth.json").read_text())
    with opened(folder, cache=folder.parent / "cache") as found:
        yield found, truth, folder


def test_rates_of_suppliers_hold_the_truth_they_were_drawn_from(generated):
    store, truth, _ = generated
    true = pd.DataFrame(truth["suppliers"]).set_index("supplier_id")["on_time_in_full"]
    hit = {one["subject"] for one in truth["incidents"]}
    card = suppliers.scorecard(store, store.period, days=365).set_index("supplier_id")
    card = card.loc[[name for name in card.index if name in true.index and name not in hit]]
    low, high = card["on_time_in_full_low"], card["on_time_in_full_high"]
    held = (low <= true[card.index]) & (true[card.index] <= high)
    assert len(card) >= 15
    assert held.mean() >= 0.85


def test_rates_agree_with_queries_over_the_shops_own_files(generated):
    store, _, folder = generated
    span = f"BETWEEN DATE '{store.period.start}' AND DATE '{store.period.end}'"
    kept, due = duckdb.sql(
        "SELECT count(*) FILTER (received_at::DATE <= promised_on "
        "AND received_quantity >= ordered_quantity), count(*) "
        f"FROM '{folder}/purchase_orders.parquet' WHERE promised_on {span}"
    ).fetchone()
    row = supply_chain.on_time_in_full(store, store.period).iloc[0]
    assert (row["numerator"], row["denominator"]) == (kept, due)
    days, money = duckdb.sql(
        f"SELECT (SELECT avg(epoch(delivered_at - shipped_at)) / 86400 "
        f"FROM '{folder}/shipments.parquet' WHERE delivered_at::DATE {span}), "
        f"(SELECT avg(freight_cost + packaging_cost) FROM '{folder}/shipments.parquet' "
        f"WHERE shipped_at::DATE {span})"
    ).fetchone()
    assert supply_chain.delivery_days(store, store.period)["value"][0] == pytest.approx(days)
    assert supply_chain.freight_per_parcel(store, store.period)["value"][0] == pytest.approx(
        float(money)
    )


def test_the_last_counts_value_agrees_with_a_query_over_the_shops_own_files(generated):
    store, _, folder = generated
    value = duckdb.sql(
        f"""WITH last AS (SELECT product_id, day, sum(on_hand) AS pieces
                FROM '{folder}/stock_levels.parquet'
                WHERE day = (SELECT max(day) FROM '{folder}/stock_levels.parquet')
                GROUP BY 1, 2)
            SELECT sum(pieces * unit_cost) FROM last ASOF JOIN
                (SELECT product_id, valid_from, unit_cost FROM '{folder}/price_history.parquet') p
                ON last.product_id = p.product_id AND last.day >= p.valid_from"""
    ).fetchone()[0]
    row = supply_chain.days_of_cover(store, store.period).iloc[0]
    assert row["numerator"] == pytest.approx(float(value), abs=5)
    classes = inventory.turnover(store, store.period)
    assert classes["value"].sum() == pytest.approx(float(value), abs=5)


@pytest.mark.parametrize(
    ("measure", "table"),
    [
        (supply_chain.on_time_in_full, "purchase_orders"),
        (supply_chain.inventory_days, "stock_levels"),
        (supply_chain.days_of_cover, "stock_levels"),
        (supply_chain.delivery_days, "shipments"),
        (supply_chain.delivery_on_time_rate, "shipments"),
        (supply_chain.freight_per_parcel, "shipments"),
        (suppliers.scorecard, "purchase_orders"),
        (suppliers.concentration, "purchase_orders"),
        (replenishment.reorder, "stock_levels"),
        (replenishment.not_needed, "stock_levels"),
        (replenishment.stock_outs, "stock_levels"),
        (inventory.turnover, "stock_levels"),
        (carriers.comparison, "shipments"),
        (carriers.alternatives, "shipments"),
    ],
)
def test_a_store_without_the_table_says_which_one_it_needs(bare_store, measure, table):
    with pytest.raises(MissingTable) as caught:
        measure(bare_store, bare_store.period)
    assert caught.value.table == table
