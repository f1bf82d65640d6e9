"""What paid channels charge and return, on the shop of `paid_shop.py`."""

from __future__ import annotations

import math

import numpy as np
import pytest

from helpers.measures import campaigns, paid_days, paid_returns, traffic
from helpers.store.errors import MissingTable
from tests import paid_shop
from tests.stores import a_store, an_order
from tests.traffic_shop import MARCH, by_channel

SPEND = {"onsite_ads": 150 * 31, "live": 20 * 31 + 5 * 200}
SALES = {"onsite_ads": 4700, "live": 150 * 31}


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    with a_store(tmp_path_factory.mktemp("paid"), "2024-03", **paid_shop.TABLES) as found:
        yield found


@pytest.fixture(scope="module")
def without_costs(tmp_path_factory):
    tables = {"orders": paid_shop.orders(), "ad_spend": paid_shop.spend()}
    with a_store(tmp_path_factory.mktemp("bare"), "2024-03", **tables) as found:
        yield found


def test_prices_are_money_per_count(shop):
    row = by_channel(paid_returns.prices_by_channel, shop).loc["onsite_ads"]
    assert row["cpm"] == pytest.approx(1000 * 150 / 3000)
    assert row["ctr"] == pytest.approx(70 / 3000)
    assert row["cpc"] == pytest.approx(150 / 70)
    assert row["conversion"] == pytest.approx(47 / (70 * 31))
    assert row["frequency"] == pytest.approx(3000 / 900)
    assert row["conversion_low"] < row["conversion"] < row["conversion_high"]


def test_a_fee_without_clicks_stays_out_of_the_price_of_a_click(shop):
    row = by_channel(paid_returns.prices_by_channel, shop).loc["live"]
    assert row["cpc"] == pytest.approx(20 / 10)
    assert row["spend"] == SPEND["live"]


def test_returns_stand_before_and_after_refunds_and_on_margin(shop):
    row = by_channel(paid_returns.returns_by_channel, shop).loc["onsite_ads"]
    assert row["value"] == pytest.approx(4700 / 4650)
    assert row["net"] == pytest.approx((4700 - 15 * 50) / 4650)
    assert row["margin_return"] == pytest.approx((47 * 60 - 750 - 4650) / 4650)
    assert row["margin_low"] < row["margin_return"] < row["margin_high"]


def test_channels_make_up_the_return_of_the_contract(shop):
    frame = paid_returns.returns_by_channel(shop, MARCH)
    whole = traffic.return_on_spend(shop, MARCH).iloc[0]
    assert frame["paid_sales"].sum() / frame["spend"].sum() == pytest.approx(whole["value"])
    assert list(frame["channel"]) == ["onsite_ads", "live"]


def test_all_paid_channels_together_stand_net_and_on_margin(shop):
    spend = sum(SPEND.values())
    net = paid_returns.return_on_spend_net(shop, MARCH).iloc[0]
    assert net["value"] == pytest.approx((sum(SALES.values()) - 750) / spend)
    assert not net["provisional"]
    margin = paid_returns.return_on_margin(shop, MARCH).iloc[0]
    contribution = 47 * 60 - 750 + 31 * 110
    assert margin["value"] == pytest.approx(contribution / spend - 1)
    assert margin["numerator"] == pytest.approx(contribution - spend)


def test_the_break_even_is_paid_sales_per_contribution(shop):
    frame = paid_returns.break_evens(shop, MARCH).set_index("channel")
    assert frame.loc["onsite_ads", "break_even"] == pytest.approx(4700 / (47 * 60 - 750))
    assert frame.loc["live", "break_even"] == pytest.approx(150 / 110)
    assert frame.loc["onsite_ads", "refund_share"] == pytest.approx(750 / 4700)


def test_the_line_of_a_year_counts_what_customers_of_a_year_before_brought(shop):
    row = paid_returns.break_evens(shop, MARCH).set_index("channel").loc["onsite_ads"]
    assert row["year_break_even"] == pytest.approx(4700 / (47 * 90))
    assert row["year_low"] < row["year_break_even"] < row["year_high"]


def test_marketing_share_by_channel_is_of_the_shops_net_sales(shop):
    row = by_channel(paid_returns.returns_by_channel, shop).loc["live"]
    assert row["sales_share"] == pytest.approx(SPEND["live"] / (4700 + 4650 - 750))


def test_a_shop_without_costs_and_refunds_shows_returns_but_no_lines(without_costs):
    row = by_channel(paid_returns.returns_by_channel, without_costs).loc["onsite_ads"]
    assert row["value"] == pytest.approx(4700 / 4650)
    assert row[["net", "margin_return", "break_even", "year_break_even"]].isna().all()
    assert row["pays"] == "unknown"
    with pytest.raises(MissingTable, match="returns"):
        paid_returns.return_on_spend_net(without_costs, MARCH)
    with pytest.raises(MissingTable, match="price_history"):
        paid_returns.return_on_margin(without_costs, MARCH)


def test_months_hold_what_the_period_holds(shop):
    frame = paid_returns.paid_months(shop, MARCH)
    now = by_channel(paid_returns.returns_by_channel, shop)
    assert list(frame["month"].dt.strftime("%Y-%m").unique()) == ["2024-03"]
    for row in frame.to_dict("records"):
        assert row["value"] == pytest.approx(now.loc[row["channel"], "value"])
        assert row["net"] == pytest.approx(now.loc[row["channel"], "net"])


def test_recent_refunds_still_to_come_lower_the_net_return(tmp_path):
    days = np.arange("2023-07-01", "2024-04-01", dtype="datetime64[D]").astype(str)
    orders = [an_order(day, day, f"{day} 10:00", 200, channel="onsite_ads") for day in days]
    late = [
        {"return_id": day, "order_id": day, "line_id": "1", "amount": 100, "quantity": 1,
         "settled_at": str(np.datetime64(day) + 14)}
        for day in days
        if day < "2024-03-18"
    ]  # fmt: skip
    spend = [{"day": str(day), "channel": "onsite_ads", "campaign": "a", "spend": 100}
             for day in paid_shop.DAYS]  # fmt: skip
    with a_store(tmp_path, "2024-03", orders=orders, returns=late, ad_spend=spend) as store:
        row = by_channel(paid_returns.returns_by_channel, store).iloc[0]
    assert row["value"] == pytest.approx(2.0)
    assert row["net"] == pytest.approx(1.0, abs=0.1)


def test_a_campaign_is_judged_by_its_claim_deflated(shop):
    frame = campaigns.campaigns(shop, MARCH).set_index("campaign")
    deflator = 360 * 31 / 4700
    assert frame.loc["keywords", "claimed_return"] == pytest.approx(3.0)
    assert frame.loc["keywords", "value"] == pytest.approx(3.0 / deflator)
    assert frame.loc["display", "value"] == pytest.approx(1.2 / deflator)
    assert frame.loc["keywords", "net"] == pytest.approx(3.0 / deflator * 3950 / 4700)
    assert frame.loc["keywords", "conversion"] == pytest.approx(3 / 50)


def test_deflated_sales_of_campaigns_make_up_the_sales_of_the_channel(shop):
    frame = campaigns.campaigns(shop, MARCH)
    onsite = frame[frame["channel"] == "onsite_ads"]
    assert (onsite["value"] * onsite["borne"]).sum() == pytest.approx(SALES["onsite_ads"])


def test_campaigns_bear_the_fees_of_their_channel_and_fees_are_not_judged(shop):
    frame = campaigns.campaigns(shop, MARCH).set_index("campaign")
    assert frame.loc["boost", "borne"] == SPEND["live"]
    assert frame.loc["boost", "deflator"] == 1
    assert frame.loc["boost", "value"] == pytest.approx(3100 / SPEND["live"])
    assert frame.loc["host", "pays"] == "no_return"
    assert "agency" not in frame.index


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(2.6, 3.0, "earns"), (2.3, 2.7, "cannot_tell"), (1.8, 2.2, "later"), (1.4, 2.2, "below"),
     (1.0, 1.4, "loses")],
)  # fmt: skip
def test_a_verdict_needs_the_whole_interval_on_one_side(low, high, expected):
    lines = {
        "break_even": 2.45,
        "break_even_low": 2.4,
        "break_even_high": 2.5,
        "year_low": 1.5,
        "year_high": 1.7,
    }
    assert paid_returns.verdict({"low": low, "high": high, **lines}) == expected


def test_nothing_is_said_where_a_line_is_unknown():
    names = ("break_even", "break_even_low", "break_even_high", "year_low", "year_high")
    row = {"low": 0.1, "high": 0.2, **dict.fromkeys(names, math.nan)}
    assert paid_returns.verdict(row) == "unknown"


def test_spend_that_begins_after_the_period_is_told(traffic_shop_store):
    with pytest.raises(MissingTable, match="short"):
        paid_days.paid_days(traffic_shop_store, MARCH.last_year().previous())
