"""Budget, break-even, drivers, platforms, peers and money that waits, counted by hand."""

from __future__ import annotations

import math
from datetime import date

import pytest

from helpers.measures import (
    break_even,
    drivers,
    evaluation,
    peers,
    platforms,
    sales_budget,
    working_capital,
)
from helpers.plan.periods import month_of
from helpers.store.errors import MissingTable
from tests import paid_shop
from tests.stores import a_store, an_order
from tests.traffic_shop import days_of

OCTOBER, NOVEMBER = month_of(date(2024, 10, 1)), month_of(date(2024, 11, 1))
PRICES = [{"shop_id": shop, "product_id": "P1", "valid_from": "2020-01-01", "unit_cost": 40}
          for shop in ("t", "d")]  # fmt: skip


def sale(name: str, paid: str, money: float, shop: str = "t") -> dict:
    return an_order(name, f"c{name}", f"{paid} 10:00", money, channel="direct", shop_id=shop)


def lines_of(orders: list[dict]) -> list[dict]:
    """A piece of P1 for each order's money."""
    return [
        {"order_id": o["order_id"], "shop_id": o["shop_id"], "line_id": "1", "product_id": "P1",
         "quantity": 1, "buyer_paid": o["_money"]}
        for o in orders
    ]  # fmt: skip


def two_platforms() -> dict[str, list[dict]]:
    """October: 1 order of 100 on Tmall. November: 4 of 100 on Tmall, 1 of 200 on Douyin.

    Goods cost 40 apiece, commission is 5 and freight 6 an order; November's marketing is 60 on
    Tmall and 130 on Douyin; rent is 30 a month. Two of November's orders are settled: the fees of
    the others are taken at the usual 5 %.
    """
    orders = [sale("o1", "2024-10-01", 100)]
    orders += [sale(f"n{day}", f"2024-11-{day:02}", 100) for day in (4, 5, 20, 29)]
    orders.append(sale("d1", "2024-11-11", 200, "d"))
    names = [(order["order_id"], order["shop_id"]) for order in orders]
    settled = {"o1": "2024-10-20", "n4": "2024-11-14", "n5": "2024-11-20"}
    return {
        "orders": orders,
        "order_lines": lines_of(orders),
        "shops": [{"shop_id": "t", "platform": "Tmall"}, {"shop_id": "d", "platform": "Douyin"}],
        "returns": [
            {"return_id": "r", "order_id": "n20", "shop_id": "t", "line_id": "1",
             "product_id": "P1", "quantity": 0, "amount": 20, "stage": "after_shipment",
             "settled_at": "2024-11-21 10:00"},
        ],
        "price_history": PRICES,
        "settlements": [
            {"order_id": name, "shop_id": shop, "commission": 5,
             "settled_at": settled.get(name, "2025-01-15")}
            for name, shop in names
        ],
        "shipments": [
            {"shipment_id": f"s{name}", "order_id": name, "shop_id": shop, "carrier": "X",
             "shipped_at": "2024-11-29", "delivered_at": "2024-11-30", "freight_cost": 6}
            for name, shop in names
        ],
        "ad_spend": [
            {"shop_id": "t", "day": "2024-11-01", "channel": "ads", "campaign": "c", "spend": 60},
            {"shop_id": "d", "day": "2024-11-01", "channel": "ads", "campaign": "c", "spend": 130},
        ],
        "costs": [{"shop_id": "t", "month": f"2024-{month}-01", "cost_line": "rent", "amount": 30}
                  for month in (10, 11)],
        "budgets": [
            {"shop_id": "t", "month": "2024-10-01", "line": "net_sales", "amount": 200},
            {"shop_id": "t", "month": "2024-11-01", "line": "net_sales", "amount": 500},
            {"shop_id": "t", "month": "2024-11-01", "line": "marketing", "channel": "ads",
             "amount": 100},
            {"shop_id": "t", "month": "2024-11-01", "line": "rent", "amount": 40},
            {"shop_id": "t", "month": "2024-11-01", "line": "unheard_of", "amount": 40},
        ],
        "peers": [
            {"shop_id": "t", "month": month, "metric": "conversion_rate", "peer_group": group,
             "value": value}
            for month, group, value in (
                ("2024-10-01", "average", 0.02), ("2024-10-01", "best", 0.05),
                ("2024-11-01", "average", 0.03),
            )
        ],
    }  # fmt: skip


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    with a_store(tmp_path_factory.mktemp("month"), "2024-11", **two_platforms()) as found:
        yield found


def test_attainment_is_net_sales_over_what_was_planned(shop):
    # 4 x 100 + 200 - 20 refunded, against 500.
    row = sales_budget.sales_attainment(shop, NOVEMBER).iloc[0]
    assert (row["numerator"], row["denominator"]) == (580, 500)
    assert row["value"] == pytest.approx(1.16)


def test_a_month_without_a_plan_has_no_attainment(shop):
    with pytest.raises(MissingTable, match=r"budgets.*short"):
        sales_budget.sales_attainment(shop, month_of(date(2024, 12, 1)))


def test_every_planned_line_that_can_be_told_stands_beside_what_came(shop):
    frame = sales_budget.plan_by_line(shop, NOVEMBER).set_index("line")
    assert frame.index.tolist() == ["net_sales", "marketing", "rent"]
    sales = frame.loc["net_sales"]
    assert (sales["planned_year"], sales["actual_year"], sales["left"]) == (700, 680, -20)
    assert frame.loc["marketing", ["planned", "actual"]].tolist() == [100, 190]
    assert frame.loc["rent", "attainment"] == pytest.approx(0.75)


def test_platforms_share_out_the_contribution_of_the_whole_shop(shop):
    frame = platforms.contribution_by_platform(shop, NOVEMBER).set_index("platform")
    # Tmall: 400 - 20 - 4 x 40 - 4 x 5 - 4 x 6 - 60; Douyin: 200 - 40 - 10 - 6 - 130.
    assert frame["contribution"].to_dict() == pytest.approx({"Tmall": 116, "Douyin": 14})
    whole = evaluation.contribution_after_marketing(shop, NOVEMBER)["value"].iloc[0]
    assert frame["contribution"].sum() == pytest.approx(whole)
    assert frame["share"].sum() == pytest.approx(1)
    assert frame.loc["Tmall", "margin"] == pytest.approx(116 / 380)
    assert math.isnan(frame.loc["Tmall", "change"])


def test_a_shop_on_one_platform_has_no_table_of_platforms(tmp_path):
    with (
        a_store(tmp_path, "2024-11", orders=[sale("1", "2024-11-01", 10)]) as one,
        pytest.raises(MissingTable, match="shops"),
    ):
        platforms.contribution_by_platform(one, NOVEMBER)


def test_the_marketing_share_that_breaks_even_is_margin_and_share_together(shop):
    # (116 + 14 + 190 - 30) / 580.
    line = break_even.break_even_marketing_share(shop, NOVEMBER)["value"].iloc[0]
    assert line == pytest.approx(290 / 580)
    net = evaluation.net_margin(shop, NOVEMBER)["value"].iloc[0]
    assert line - 190 / 580 == pytest.approx(net)


def test_the_return_that_breaks_even_is_sales_over_contribution(tmp_path):
    # March alone has spend: 47 orders of 100 and 31 of 150, goods at 40 apiece, 15 refunds of 50.
    with a_store(tmp_path, "2024-03", **paid_shop.TABLES) as paid:
        row = break_even.break_even_return(paid, month_of(date(2024, 3, 1))).iloc[0]
    assert row["numerator"] == 47 * 100 + 31 * 150
    assert row["denominator"] == pytest.approx(47 * 60 + 31 * 110 - 15 * 50)
    assert row["value"] == pytest.approx(row["numerator"] / row["denominator"])
    assert row["low"] < row["value"] < row["high"]


def test_money_waits_until_the_platform_settles_it(shop):
    # On 30 November: 100 of the 29th, 80 of the 20th, 200 of the 11th on Douyin.
    row = working_capital.unsettled_money(shop, NOVEMBER).iloc[0]
    assert (row["value"], row["n"]) == (380, 3)
    ages = working_capital.unsettled_by_age(shop, NOVEMBER).set_index("age_days")
    assert ages["money"].to_dict() == {"0-7": 100, "8-14": 80, "15-30": 200}


def test_an_order_whose_buyer_got_all_money_back_waits_for_nothing(tmp_path):
    tables = two_platforms()
    tables["returns"][0]["amount"] = 100
    with a_store(tmp_path, "2024-11", **tables) as undone:
        assert working_capital.unsettled_money(undone, NOVEMBER)["value"].iloc[0] == 300


def test_a_settlement_is_late_after_what_95_of_100_took(tmp_path):
    settled = [sale(f"s{i}", "2024-10-10", 100) for i in range(40)]
    waiting = [sale("w1", "2024-11-01", 70), sale("w2", "2024-11-25", 50)]
    tables = {
        "orders": [*settled, *waiting],
        "settlements": [
            {"order_id": f"s{i}", "shop_id": "t", "commission": 1,
             "settled_at": "2024-10-15" if i < 39 else "2024-11-05"}
            for i in range(40)
        ],
    }  # fmt: skip
    tables["order_lines"] = lines_of(tables["orders"])
    with a_store(tmp_path, "2024-11", **tables) as slow:
        row = working_capital.late_settlements(slow, NOVEMBER).iloc[0]
    assert (row["usual_days"], row["orders"], row["money"]) == (5, 1, 70)
    assert row["oldest"].date() == date(2024, 11, 1)


def test_stock_is_worth_its_unit_cost(tmp_path):
    counts = [{"day": "2024-11-30", "warehouse_id": "w", "product_id": product, "on_hand": pieces}
              for product, pieces in (("P1", 7), ("P2", 3), ("P3", 9))]  # fmt: skip
    prices = [{"product_id": p, "valid_from": "2020-01-01", "unit_cost": c}
              for p, c in (("P1", 40), ("P2", 10))]  # fmt: skip
    orders = [an_order("1", "a", "2024-11-01", 10)]
    with a_store(
        tmp_path, "2024-11", orders=orders, stock_levels=counts, price_history=prices
    ) as held:
        row = working_capital.stock_value(held, NOVEMBER).iloc[0]
    assert (row["value"], row["n"]) == (7 * 40 + 3 * 10, 2)


def test_the_pieces_of_the_change_of_sales_add_up(shop):
    row = drivers.sales_drivers(shop, NOVEMBER).set_index("against").loc["previous"]
    assert (row["before"], row["now"], row["change"]) == (100, 600, 500)
    # From 1 order of 100 to 5 of 120: 500 x ln 5 / ln 6 through orders.
    assert row["orders"] == pytest.approx(500 * math.log(5) / math.log(6))
    assert row["orders"] + row["order_value"] == pytest.approx(500)
    assert (row["event"], row["reading"]) == ("Double 11", "orders_now")


def test_visitors_and_conversion_take_the_place_of_orders_where_traffic_is_known(tmp_path):
    tables = {
        "orders": [sale("a", "2024-10-01", 100), *(sale(f"b{i}", "2024-11-01", 50) for i in "123")],
        "traffic_daily": [
            {"shop_id": "t", "day": f"{day}", "channel": "direct",
             "visitors": visitors if day.day == 1 else 0, "buyers": buyers if day.day == 1 else 0}
            for month, visitors, buyers in ((OCTOBER, 10, 1), (NOVEMBER, 15, 3))
            for day in days_of(month.start)
        ],
    }  # fmt: skip
    tables["order_lines"] = lines_of(tables["orders"])
    with a_store(tmp_path, "2024-11", **tables) as seen:
        row = drivers.sales_drivers(seen, NOVEMBER).iloc[0]
    # 10 x 0.1 x 100 became 15 x 0.2 x 50: pieces weigh by their logarithms.
    weight = 50 / math.log(1.5)
    assert row["visitors"] == pytest.approx(weight * math.log(1.5))
    assert row["conversion"] == pytest.approx(weight * math.log(2))
    assert row["order_value"] == pytest.approx(weight * math.log(0.5))


def test_the_effects_of_cost_lines_add_up_to_the_change_of_net_margin(shop):
    frame = drivers.margin_drivers(shop, NOVEMBER)
    frame = frame[frame["against"] == "previous"].set_index("line")
    # Goods took 40 of 100 in October and 5 x 40 of 580 in November.
    assert frame.loc["cost", "effect"] == pytest.approx(0.4 - 200 / 580)
    then, now = (
        evaluation.net_margin(shop, period)["value"].iloc[0] for period in (OCTOBER, NOVEMBER)
    )
    assert frame["effect"].sum() == pytest.approx(now - then)
    assert frame["effect"].abs().is_monotonic_decreasing


def test_peers_are_those_of_the_last_month_that_has_them(shop):
    row = peers.peer_values(shop, NOVEMBER).iloc[0]
    assert (row["metric"], row["average"]) == ("conversion_rate", 0.03)
    assert math.isnan(row["best"])
    assert peers.peer_values(shop, OCTOBER)["best"].tolist() == [0.05]
    with pytest.raises(MissingTable, match="peers"):
        peers.peer_values(shop, month_of(date(2024, 9, 1)))
