"""Carriers and parcels counted by hand: time, promise kept, cost, damage."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from helpers.measures import carriers, supply_actions, supply_chain
from tests.stores import a_store, an_order

PERIOD = "2024-12"
ORDERS = [
    an_order("first", "bob", "2024-10-01 10:00", 70),
    an_order("a0", "ann", "2024-12-01 10:00", 100),
]


def a_parcel(number: int, carrier: str, day: int, hours: int, promised_hours: int, cost: float,
             **more) -> dict:  # fmt: skip
    left = pd.Timestamp(2024, 12, day, 12)
    return {"shipment_id": f"{carrier}{number}", "order_id": "a0", "carrier": carrier,
            "shipped_at": left, "delivered_at": left + pd.Timedelta(hours=hours),
            "promised_at": left + pd.Timedelta(hours=promised_hours), "freight_cost": cost,
            "packaging_cost": 1, "is_damaged": False, **more}  # fmt: skip


# Slow misses the promise on every second day, Quick never; Dear is like Quick at twice the cost.
PARCELS = [
    parcel
    for day in range(1, 25)
    for parcel in (
        a_parcel(day, "Slow", day, 72 if day % 2 else 24, 48, 4, is_damaged=day == 3),
        a_parcel(day, "Quick", day, 24, 48, 5 + day % 2 / 10),
        a_parcel(day, "Dear", day, 24, 48, 11 + day % 2 / 10),
    )
]  # fmt: skip


@pytest.fixture(scope="module")
def parcel_store(tmp_path_factory):
    unknown = {**a_parcel(99, "Slow", 28, 24, 24, 4), "delivered_at": None}
    with a_store(
        tmp_path_factory.mktemp("parcels"), PERIOD, orders=ORDERS, shipments=[*PARCELS, unknown]
    ) as found:
        yield found


def test_delivery_days_are_the_mean_of_parcels_that_arrived(parcel_store):
    row = supply_chain.delivery_days(parcel_store, parcel_store.period).iloc[0]
    # 12 parcels of 3 days, 60 of 1 day.
    assert row["value"] == pytest.approx((12 * 3 + 60) / 72)
    assert row["denominator"] == 72
    assert row["low"] < row["value"] < row["high"]


def test_a_parcel_that_has_not_arrived_is_late(parcel_store):
    row = supply_chain.delivery_on_time_rate(parcel_store, parcel_store.period).iloc[0]
    assert (row["numerator"], row["denominator"]) == (60, 73)
    assert row["high"] <= 1


def test_freight_is_with_packaging(parcel_store):
    row = supply_chain.freight_per_parcel(parcel_store, parcel_store.period).iloc[0]
    # 25 x 5, 24 x 6.05 and 24 x 12.05.
    assert row["numerator"] == pytest.approx(125 + 24 * 6.05 + 24 * 12.05)
    assert row["denominator"] == 73


def test_carriers_stand_side_by_side(parcel_store):
    table = carriers.comparison(parcel_store, parcel_store.period).set_index("carrier")
    slow = table.loc["Slow"]
    assert slow[["parcels", "late_parcels"]].tolist() == [25, 13]
    assert slow[["median_days", "slow_days"]].tolist() == pytest.approx([2, 3])
    assert slow["damage_share"] == pytest.approx(1 / 24)
    assert table["standing"].to_dict() == {"Slow": "behind", "Quick": "ahead", "Dear": "ahead"}
    assert table.loc["Quick", "cost"] == pytest.approx(6.05)
    assert table["spent"].sum() == pytest.approx(125 + 24 * 6.05 + 24 * 12.05)


def test_a_carrier_is_beaten_on_its_promise_or_on_its_cost(parcel_store):
    tests = supply_actions.carriers_to_test(parcel_store, parcel_store.period).set_index("carrier")
    assert tests["to_carrier"].to_dict() == {"Dear": "Quick", "Slow": "Quick"}
    assert tests["action"].to_dict() == {"Dear": "save", "Slow": "pay"}
    assert tests.loc["Dear", "worth"] == pytest.approx(24 * 6)
    assert tests.loc["Slow", "late_avoided"] == 13
    assert tests["at_stake"].isna().to_dict() == {"Dear": False, "Slow": True}


def test_what_hits_two_carriers_on_one_day_does_not_blur_their_difference():
    random = np.random.default_rng(3)
    bad_days = random.uniform(0.5, 1, 30)
    days = pd.Index(range(30), name="day")
    one = pd.DataFrame({"top": 100 * bad_days, "bottom": 100.0}, index=days)
    other = pd.DataFrame({"top": 98 * bad_days, "bottom": 100.0}, index=days)
    apart = carriers.paired_difference(one, other)
    assert apart.value == pytest.approx(0.02 * bad_days.mean())
    assert apart.low > 0
