"""The change of acquisition cost, split on small shops whose pieces can be counted by hand."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest

from helpers.measures import cac_change, traffic
from helpers.plan.periods import Period
from helpers.store.errors import MissingTable
from tests.stores import a_store, an_order

SPAN = "2024-06-01..2024-06-10"
JUNE = Period(date(2024, 6, 1), date(2024, 6, 10))


def new(channel: str, year: int, a_day: int, days: int = 10) -> list[dict]:
    """New customers of ten days of June, so many a day and one more on odd days."""
    found = []
    for day in range(1, days + 1):
        for i in range(a_day + day % 2):
            name = f"{channel}{year}{day}-{i}"
            found.append(an_order(name, name, f"{year}-06-{day:02} 10:00", 100, channel=channel))
    return found


def ads(channel: str, year: int, money: float, impressions: int | None, clicks: int | None,
        kind: str = "ads") -> list[dict]:  # fmt: skip
    return [
        {"day": f"{year}-06-{day:02}", "channel": channel, "campaign": kind, "kind": kind,
         "spend": money, "impressions": impressions, "clicks": clicks}
        for day in range(1, 11)
    ]  # fmt: skip


def a_shop(folder, **more):
    """Ads dearer per impression by half; search free; an agency's fee that is new."""
    orders = new("ads", 2023, 4) + new("ads", 2024, 4)
    orders += new("search", 2023, 4) + new("search", 2024, 4)
    orders += [an_order("old", "old", "2022-01-01 10:00", 1, channel="search")]
    spend = ads("ads", 2023, 300, 10_000, 100) + ads("ads", 2024, 450, 10_000, 100)
    spend += [{**ads("search", 2024, 90, None, None, "agency")[0]}]
    return a_store(folder, SPAN, orders=orders, ad_spend=spend, **more)


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    with a_shop(tmp_path_factory.mktemp("shop")) as store:
        yield store


def test_dearer_impressions_and_a_new_fee_are_told_apart(shop):
    """90 new in both years; ads 3,000 then, 4,500 now, an agency's 90 on top."""
    bridge = cac_change.cac_bridge(shop, JUNE).set_index("step")["value"]
    assert list(bridge.index) == ["before", "price", "other", "after"]
    assert bridge["before"] == pytest.approx(3_000 / 90)
    assert bridge["price"] == pytest.approx(1_500 / 90)
    assert bridge["other"] == pytest.approx(90 / 90)
    assert bridge["after"] == pytest.approx(4_590 / 90)


def test_the_bridge_ends_at_the_cost_of_the_contract(shop):
    bridge = cac_change.cac_bridge(shop, JUNE)
    steps = bridge.loc[~bridge["is_total"], "value"].sum()
    now, then = (
        traffic.cac_blended(shop, one)["value"].iloc[0] for one in (JUNE, JUNE.last_year())
    )
    assert bridge["value"].iloc[[0, -1]].tolist() == pytest.approx([then, now])
    assert round(steps, 2) == round(now - then, 2)


def test_the_driver_is_named_with_what_moved(shop):
    row = cac_change.cac_change_driver(shop, JUNE).iloc[0]
    assert (row["variant"], row["channel"], row["reading"]) == ("impression_price", "ads", "sure")
    assert (row["was"], row["now"]) == pytest.approx((30, 45))
    assert row["part"] == pytest.approx(1_500 / 90)
    assert row["against"] == "last_year"


def test_channels_add_up_to_the_change(shop):
    frame = cac_change.cac_change_by_channel(shop, JUNE).set_index("channel")
    assert frame.loc["ads", "price"] == pytest.approx(1_500 / 90)
    assert frame.loc["search", "other"] == pytest.approx(90 / 90)
    assert frame["change"].sum() == pytest.approx(1_590 / 90)
    assert (frame["change_low"] <= frame["change"]).all()
    assert "overlap" not in frame
    assert frame["share"].sum() == pytest.approx(1)


def test_a_channel_of_few_is_joined_with_a_free_one_so_that_nothing_tells_it(tmp_path):
    crm = [an_order(f"m{i}", f"m{i}", f"2024-06-0{i + 1} 10:00", 100, channel="crm")
           for i in range(4)]  # fmt: skip
    orders = new("ads", 2023, 4) + new("ads", 2024, 4) + new("search", 2023, 4)
    orders += new("search", 2024, 4) + crm
    spend = ads("ads", 2023, 300, 10_000, 100) + ads("ads", 2024, 450, 10_000, 100)
    with a_store(tmp_path, SPAN, orders=orders, ad_spend=spend) as store:
        frame = cac_change.cac_change_by_channel(store, JUNE)
    assert sorted(frame["channel"]) == ["ads", "other"]


def visits(year: int, both: int) -> list[dict]:
    """Ten visitors a day by ads; so many of them came by search too that day."""
    start = date(year, 6, 1)
    found = []
    for day in range(3):
        at = f"{start + timedelta(days=day)} 09:00"
        for i in range(10):
            for channel in ("ads", "search") if i < both else ("ads",):
                found.append({"session_id": f"{year}{day}-{i}{channel}", "visitor_id": f"v{i}",
                              "started_at": at, "channel": channel})  # fmt: skip
    return found


def test_overlap_is_counted_by_sharing_each_visitor_out(tmp_path):
    """Five of ten by two channels: ads count 10 visitors for 5 + 5 / 2; none did a year before."""
    with a_shop(tmp_path, sessions=visits(2023, 0) + visits(2024, 5)) as store:
        frame = cac_change.cac_change_by_channel(store, JUNE).set_index("channel")
        bridge = cac_change.cac_bridge(store, JUNE)
    weight = 1_500 / 90 / np.log(1.5)  # logarithmic mean of 3,000 / 90 and 4,500 / 90
    assert frame.loc["ads", "overlap"] == pytest.approx(weight * np.log(10 / 7.5))
    assert frame.loc["ads", "conversion"] == pytest.approx(-weight * np.log(10 / 7.5))
    assert bridge.loc[~bridge["is_total"], "value"].sum() == pytest.approx(1_590 / 90)


def test_visits_of_one_period_alone_tell_nothing_of_overlap(tmp_path):
    """None known a year before is no year without overlap."""
    with a_shop(tmp_path, sessions=visits(2024, 5)) as store:
        assert "overlap" not in cac_change.cac_change_by_channel(store, JUNE)


def test_a_channel_without_clicks_is_left_in_one_piece(tmp_path):
    orders = new("ads", 2023, 4) + new("ads", 2024, 4)
    spend = ads("ads", 2023, 300, None, None) + ads("ads", 2024, 450, None, None)
    with a_store(tmp_path, SPAN, orders=orders, ad_spend=spend) as store:
        bridge = cac_change.cac_bridge(store, JUNE).set_index("step")["value"]
    assert bridge["unsplit"] == pytest.approx(1_500 / 45)


def test_without_last_year_the_previous_period_is_compared(tmp_path):
    def earlier(day: str) -> str:
        return f"2024-05-{21 + int(day[8:10])}{day[10:]}"

    orders = new("ads", 2024, 1)
    orders += [
        {**one, "order_id": f"m{one['order_id']}", "customer_id": f"m{one['customer_id']}",
         "paid_at": earlier(one["paid_at"])} for one in orders
    ]  # fmt: skip
    june = ads("ads", 2024, 450, 10_000, 100)
    spend = june + [{**one, "day": earlier(one["day"])} for one in june]
    with a_store(tmp_path, SPAN, orders=orders, ad_spend=spend) as store:
        assert cac_change.cac_change_driver(store, JUNE)["against"].iloc[0] == "previous"


def test_a_shop_without_spend_says_what_it_needs(tmp_path):
    with (
        a_store(tmp_path, SPAN, orders=new("ads", 2023, 1) + new("ads", 2024, 1)) as store,
        pytest.raises(MissingTable, match="ad_spend"),
    ):
        cac_change.cac_bridge(store, JUNE)
