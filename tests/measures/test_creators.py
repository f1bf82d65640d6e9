"""Hosts and creators on a small shop counted by hand.

December 2024. Mia, invited, hosts eight sessions, every third day from the 1st, at a slot fee of
500: each sells ten orders of 100 that cost 40 in goods: 600 before the fee, 100 of profit; but of
the last session all is refunded in full (refund only): -400 of goods and -500 of fee. Ann, own
staff, hosts seven sessions at no fee, each selling ten orders of 50 at 40 of goods: 100 of profit.
"""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from helpers.measures import creators, works
from helpers.plan.periods import month_of
from helpers.store.errors import MissingTable
from tests.stores import a_store, an_order

DECEMBER = month_of(date(2024, 12, 1))
SESSIONS = [("M", 500.0, 100.0, range(0, 24, 3)), ("A", 0.0, 50.0, range(1, 22, 3))]
HOSTS = {"M": ("Mia", "kol"), "A": ("Ann", "own")}


def sessions() -> list[dict]:
    return [
        {"live_session_id": f"{host}{step}", "started_at": f"{day_of(step)} 20:00",
         "host": HOSTS[host][0], "host_zh": HOSTS[host][0], "host_kind": HOSTS[host][1],
         "views": 1000, "viewers": 400, "engagements": 50, "product_clicks": 80, "slot_fee": fee}
        for host, fee, _, steps in SESSIONS for step in steps
    ]  # fmt: skip


def day_of(step: int) -> date:
    return date(2024, 12, 1) + timedelta(days=step)


def orders() -> list[dict]:
    return [
        an_order(f"{host}{step}-{i}", f"c{host}{step}-{i}", f"{day_of(step)} 21:00", money,
                 channel="live", live_session_id=f"{host}{step}")
        for host, _, money, steps in SESSIONS for step in steps for i in range(10)
    ]  # fmt: skip


def refunds() -> list[dict]:
    return [
        {"return_id": f"r{i}", "order_id": f"M21-{i}", "line_id": "1", "product_id": "P1",
         "type": "refund_only", "stage": "after_shipment", "settled_at": "2024-12-28 10:00",
         "applied_at": "2024-12-27 10:00", "quantity": 1, "amount": 100}
        for i in range(10)
    ]  # fmt: skip


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    prices = [{"product_id": "P1", "valid_from": "2020-01-01", "unit_cost": 40}]
    store = a_store(tmp_path_factory.mktemp("live"), orders=orders(), live_sessions=sessions(),
                    returns=refunds(), price_history=prices)  # fmt: skip
    with store:
        yield store


def test_a_host_is_judged_by_what_is_left_after_fee_goods_and_refunds(shop):
    found = creators.creator_results(shop, DECEMBER).set_index("creator")
    assert found.loc["Mia", "profit"] == pytest.approx(7 * 100 - 400 - 500)
    assert found.loc["Mia", "works"] == 8
    assert found.loc["Mia", "cost"] == 4000
    assert found.loc["Mia", "refund_share"] == pytest.approx(1 / 8)
    assert found.loc["Mia", "highest_fee"] == pytest.approx(500 - 200 / 8)
    assert found.loc["Ann", "profit"] == pytest.approx(7 * 100)
    assert found.loc["Ann", "new_customers"] == 70


def test_one_bad_session_is_no_verdict_and_sure_profit_is(shop):
    found = creators.creator_results(shop, DECEMBER).set_index("creator")
    assert found.loc["Mia", "verdict"] == "unsure"
    assert found.loc["Ann", "verdict"] == "keep"


def test_sales_per_thousand_views_count_views_and_not_viewers(shop):
    row = creators.live_gpm(shop, DECEMBER).iloc[0]
    assert row["value"] == pytest.approx((80 * 100 + 70 * 50) / 15_000 * 1000)
    assert row["n"] == 15
    assert row["low"] < row["value"] < row["high"]


def test_a_session_shows_its_conversion_per_viewer_and_both_kinds_of_sales(shop):
    found = creators.live_calendar(shop, DECEMBER).set_index("day")
    last = found.loc[str(day_of(21))]
    assert last["conversion"] == pytest.approx(10 / 400)
    assert last["gpm"] == pytest.approx(1000)
    assert last["gpm_net"] == pytest.approx(0)
    assert last["profit"] == pytest.approx(-900)
    assert list(found.index) == sorted(found.index)


def test_engagements_are_counted_per_view(shop):
    row = creators.engagement_rate(shop, DECEMBER).iloc[0]
    assert row["value"] == pytest.approx(0.05)


def test_only_what_is_sure_becomes_an_action(shop):
    assert creators.creator_actions(shop, DECEMBER).empty


def test_a_host_who_always_loses_is_offered_less(tmp_path):
    prices = [{"product_id": "P1", "valid_from": "2020-01-01", "unit_cost": 55}]
    sold = [{**o, "_money": 100.0 + (int(o["order_id"][1]) % 2)} for o in orders()
            if o["order_id"][0] == "M"]  # fmt: skip
    store = a_store(tmp_path, orders=sold, live_sessions=sessions()[:8], price_history=prices)
    with store:
        row = creators.creator_actions(store, DECEMBER).iloc[0]
    assert row["action"] == "renegotiate"
    assert row["creator"] == "Mia"
    assert row["highest_fee"] == pytest.approx(450, abs=10)
    assert row["worth_low"] <= row["worth"] <= row["worth_high"]
    assert row["worth"] == pytest.approx(50 * 8 / creators.MONTHS, rel=0.2)


def test_sessions_without_buyers_cost_their_fee(tmp_path):
    prices = [{"product_id": "P1", "valid_from": "2020-01-01", "unit_cost": 40}]
    store = a_store(tmp_path, orders=orders()[:40], live_sessions=sessions()[:8],
                    price_history=prices)  # fmt: skip
    with store:
        found = works.works(store, DECEMBER, works.LIVE).set_index("id")
    assert found.loc["M21", "profit"] == -500
    assert found.loc["M0", "profit"] == pytest.approx(100)


def test_a_shop_without_costs_or_sessions_is_told_what_it_needs(tmp_path):
    store = a_store(tmp_path / "a", orders=orders(), live_sessions=sessions())
    with store, pytest.raises(MissingTable, match="price_history"):
        creators.creator_results(store, DECEMBER)
    store = a_store(tmp_path / "b", orders=orders())
    with store, pytest.raises(MissingTable, match="live_sessions"):
        creators.live_calendar(store, DECEMBER)
    with store, pytest.raises(ValueError, match="must be one of"):
        creators.creator_results(store, DECEMBER, kind="radio")
