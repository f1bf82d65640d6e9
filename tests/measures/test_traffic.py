"""Metrics of traffic, on the shop of `traffic_shop.py` and on a generated one."""

from __future__ import annotations

from datetime import date

import duckdb
import pandas as pd
import pytest

from helpers.measures import (
    channels,
    conversion_worth,
    traffic,
    traffic_actions,
    traffic_months,
)
from helpers.plan.periods import month_of
from helpers.store import sample
from helpers.store.errors import MissingTable
from helpers.store.open import opened
from tests.traffic_shop import MARCH, NEW_IN_MARCH, SPEND_IN_MARCH, one


def test_blended_cost_is_all_spend_but_care_over_all_new_customers(traffic_shop_store):
    row = one(traffic.cac_blended, traffic_shop_store)
    assert (row["numerator"], row["denominator"]) == (SPEND_IN_MARCH, NEW_IN_MARCH)
    assert row["value"] == pytest.approx(13820 / 115)
    assert row["low"] < row["value"] < row["high"]
    assert row["n"] == 31


def test_paid_cost_leaves_out_a_channel_that_has_only_an_agency(traffic_shop_store):
    row = one(traffic.cac_paid, traffic_shop_store)
    assert (row["numerator"], row["denominator"]) == (13510, 96)


def test_fake_and_unpaid_orders_make_no_new_customer(traffic_shop_store):
    assert one(traffic.new_customers, traffic_shop_store)["value"] == NEW_IN_MARCH


def test_conversion_is_buyers_over_visitors_summed_over_days(traffic_shop_store):
    # Organic: 16 odd days of 4 buyers, 15 even ones of 6. Ads: 6 and 5. Messages: 5 a day.
    row = one(traffic.conversion_rate, traffic_shop_store)
    assert (row["numerator"], row["denominator"]) == (64 + 90 + 96 + 75 + 155, 450 * 31)
    assert row["low"] < row["value"] < row["high"]


def test_conversion_of_sessions_and_carts_have_their_own_parts(traffic_shop_store):
    sessions = one(traffic.conversion_rate_sessions, traffic_shop_store)
    assert (sessions["numerator"], sessions["denominator"]) == (18 * 31, 580 * 31)
    carts = one(traffic.add_to_cart_rate, traffic_shop_store)
    assert (carts["numerator"], carts["denominator"]) == (59 * 31 + 16, 450 * 31)


def test_visitors_and_organic_share_count_each_day(traffic_shop_store):
    assert one(traffic.visitors, traffic_shop_store)["value"] == 450 * 31
    share = one(traffic.organic_share, traffic_shop_store)
    assert (share["numerator"], share["denominator"], share["value"]) == (3100, 13950, 100 / 450)


def test_return_counts_sales_and_spend_of_paid_channels_alone(traffic_shop_store):
    row = one(traffic.return_on_spend, traffic_shop_store)
    assert (row["numerator"], row["denominator"]) == (6400 + 3200 + 3200, 13510)


def test_a_shop_without_live_orders_has_a_live_share_of_nought(traffic_shop_store):
    row = one(traffic.live_sales_share, traffic_shop_store)
    assert (row["numerator"], row["value"]) == (0, 0)
    assert row["denominator"] == 6400 + 3200 + 3200 + 1200 + 350 + 300


def test_an_order_is_paid_or_not_once_on_the_day_of_its_first_attempt(traffic_shop_store):
    # o2 and o3 are paid, the open order is not; o1 belongs to February, the fake one to nobody.
    row = one(traffic.payment_success_rate, traffic_shop_store)
    assert (row["numerator"], row["denominator"]) == (2, 3)
    february = traffic.payment_success_rate(traffic_shop_store, MARCH.previous()).iloc[0]
    assert (february["numerator"], february["denominator"]) == (1, 1)


def test_search_traffic_by_another_name_is_asked_for_and_not_taken_as_none(traffic_in_pounds):
    assert one(traffic.visitors, traffic_in_pounds)["value"] == 350 * 31
    with pytest.raises(MissingTable) as refused:
        traffic.organic_share(traffic_in_pounds, MARCH)
    assert (refused.value.table, refused.value.columns) == ("traffic_daily", ("channel",))


def test_history_shorter_than_a_year_makes_new_overstated(traffic_shop_store):
    march = one(traffic.history_before, traffic_shop_store)
    assert march["days"] == (date(2024, 3, 1) - date(2022, 1, 1)).days
    assert (march["overstated"], march["reading"]) == (False, "none")
    december = traffic.history_before(traffic_shop_store, month_of(date(2022, 12, 1))).iloc[0]
    assert (december["overstated"], december["reading"]) == (True, "period")
    later = traffic.history_before(traffic_shop_store, month_of(date(2023, 1, 1))).iloc[0]
    assert (later["reading"], later["sure_from"]) == ("months", pd.Timestamp("2023-01-01"))


def test_a_period_without_spend_or_traffic_is_refused(traffic_shop_store):
    with pytest.raises(MissingTable, match="ad_spend"):
        traffic.cac_blended(traffic_shop_store, MARCH.previous())
    with pytest.raises(MissingTable, match="traffic_daily"):
        traffic.conversion_rate(traffic_shop_store, MARCH.previous())
    with pytest.raises(MissingTable, match="orders"):
        traffic.new_customers(traffic_shop_store, month_of(date(2021, 12, 1)))


@pytest.mark.parametrize(
    ("measure", "table"),
    [
        (traffic.cac_blended, "ad_spend"),
        (traffic.cac_paid, "orders"),
        (traffic.visitors, "traffic_daily"),
        (traffic.conversion_rate, "traffic_daily"),
        (traffic.organic_share, "traffic_daily"),
        (traffic.live_sales_share, "orders"),
        (traffic.return_on_spend, "ad_spend"),
        (traffic.marketing_share, "ad_spend"),
        (traffic.payment_success_rate, "payments"),
        (channels.traffic_by_channel, "traffic_daily"),
        (channels.acquisition_by_channel, "orders"),
        (channels.return_by_channel, "ad_spend"),
        (channels.changes_by_channel, "orders"),
        (traffic_months.visit_months, "traffic_daily"),
        (traffic_months.acquisition_months, "orders"),
        (traffic_actions.cost_against_value, "orders"),
        (traffic_actions.value_by_channel, "price_history"),
        (conversion_worth.conversion_by_channel, "orders"),
        (conversion_worth.conversion_gap, "traffic_daily"),
        (conversion_worth.payment_gap, "payments"),
        (conversion_worth.conversion_actions, "orders"),
        (channels.claims, "ad_spend"),
    ],
)
def test_a_store_with_orders_only_says_what_it_needs(traffic_orders_only, measure, table):
    with pytest.raises(MissingTable) as refused:
        measure(traffic_orders_only, MARCH)
    assert refused.value.table == table


@pytest.fixture(scope="module")
def generated(tmp_path_factory):
    """A small sample shop with everything that goes on in one, and its folder."""
    folder = tmp_path_factory.mktemp("generated") / "shop"
    sample.generate(folder, customers=2_500, months=20)
    with opened(folder, cache=tmp_path_factory.mktemp("cache")) as found:
        yield found, folder


def query(folder, text: str, period) -> tuple:
    """One row of an independent query over the shop's files."""
    files = {path.stem: f"'{path}'" for path in folder.glob("*.parquet")}
    span = f"BETWEEN DATE '{period.start}' AND DATE '{period.end}'"
    return duckdb.sql(text.format(span=span, **files)).fetchone()


FIRST_PURCHASES = """
    undone AS (
        SELECT order_id, sum(amount) AS back FROM {returns}
        WHERE settled_at IS NOT NULL AND stage = 'before_shipment' GROUP BY 1),
    paid AS (
        SELECT o.order_id, o.customer_id, o.paid_at::DATE AS day, o.paid_at, o.channel,
            sum(l.buyer_paid) AS money,
            sum(coalesce(l.merchant_receivable, l.buyer_paid + coalesce(l.platform_subsidy, 0)))
                AS receivable
        FROM {orders} o JOIN {order_lines} l USING (order_id)
        WHERE o.kind = 'sale' AND NOT o.is_fake AND o.paid_at IS NOT NULL
            AND l.item_class = 'goods' GROUP BY ALL),
    bought AS (
        SELECT paid.*, min(day) OVER (PARTITION BY customer_id) AS first_day
        FROM paid LEFT JOIN undone USING (order_id) WHERE coalesce(back, 0) < money),
    first AS (
        SELECT customer_id, bought.day, arg_min(channel, (paid_at, order_id)) AS channel,
            sum(affiliate_commission) AS commission,
            sum(receivable) FILTER (settled_at IS NOT NULL) AS settled,
            sum(receivable) FILTER (settled_at IS NULL) AS open
        FROM bought LEFT JOIN {settlements} USING (order_id)
        WHERE bought.day = first_day GROUP BY ALL)
"""


def test_cost_agrees_with_a_query_over_the_shops_own_files(generated):
    store, folder = generated
    spend, customers, booked, to_come = query(
        folder,
        f"""
        WITH {FIRST_PURCHASES},
        rates AS (
            SELECT channel, sum(commission) / sum(settled) AS rate FROM first
            WHERE settled > 0 AND day > DATE '{store.as_of}' - 180 GROUP BY 1)
        SELECT (SELECT sum(spend) FROM {{ad_spend}} WHERE kind <> 'care' AND day {{span}}),
            count(*), sum(commission),
            sum(open * rate) FILTER (day > DATE '{store.as_of}' - 90)
        FROM first LEFT JOIN rates USING (channel) WHERE day {{span}}
        """,
        store.period,
    )
    row = traffic.cac_blended(store, store.period).iloc[0]
    money = float(spend) + float(booked) + to_come
    assert (row["numerator"], row["denominator"]) == (pytest.approx(money), customers)
    assert row["observed"] == pytest.approx((float(spend) + float(booked)) / customers)
    assert booked > 0 < to_come


def test_rates_agree_with_a_query_over_the_shops_own_files(generated):
    store, folder = generated
    buyers, visitors, search = query(
        folder,
        "SELECT sum(buyers), sum(visitors), sum(visitors) FILTER (channel = 'organic_search') "
        "FROM {traffic_daily} WHERE day {span}",
        store.period,
    )
    rate = traffic.conversion_rate(store, store.period).iloc[0]
    assert (rate["numerator"], rate["denominator"]) == (buyers, visitors)
    assert traffic.organic_share(store, store.period)["numerator"].iloc[0] == search
    tried, paid = query(
        folder,
        """
        WITH first AS (SELECT order_id, min(attempted_at)::DATE AS day FROM {payments} GROUP BY 1)
        SELECT count(*), count(paid_at) FROM first JOIN {orders} USING (order_id)
        WHERE kind = 'sale' AND NOT is_fake AND day {span}
        """,
        store.period,
    )
    success = traffic.payment_success_rate(store, store.period).iloc[0]
    assert (success["numerator"], success["denominator"]) == (paid, tried)


def test_channels_add_up_to_the_shop(generated):
    store, _ = generated
    frame = channels.acquisition_by_channel(store, store.period)
    whole = traffic.cac_blended(store, store.period).iloc[0]
    assert frame["spend"].sum() == pytest.approx(whole["numerator"])
    months = traffic_months.customer_months(store, store.period)
    new = traffic.new_customers(store, store.period)["value"].iloc[0]
    assert months[months["kind"] == "new"]["customers"].iloc[-1] == new
