"""Live sessions and posts: their money is that of the days, their orders those of the channel."""

import math
from dataclasses import replace

import pytest

from helpers.store.sample import PLAIN, generate
from tests.store.sample.conftest import open_shop


def test_fees_of_sessions_are_those_of_their_day(full):
    query = (
        "SELECT count(*) FROM (SELECT day, sum(spend) spent FROM ad_spend WHERE campaign = '{}'"
        " GROUP BY 1) FULL JOIN (SELECT started_at::DATE AS day, sum({}) fee FROM live_sessions"
        " GROUP BY 1) USING (day) WHERE coalesce(spent, 0) <> coalesce(fee, 0)"
    )
    assert full.value(query.format("host_slot_fee", "slot_fee")) == 0
    assert full.value(query.format("live_boost", "boost_spend")) == 0


def test_own_staff_costs_no_slot_fee(full):
    rows = full.rows("SELECT host_kind = 'own', min(slot_fee) > 0, max(slot_fee) > 0"
                     " FROM live_sessions GROUP BY 1 ORDER BY 1")  # fmt: skip
    assert rows == [(False, True, True), (True, False, False)]


@pytest.mark.parametrize("kind", ["kol", "koc"])
def test_fees_of_posts_are_those_of_the_booking_on_the_wednesday_before(full, kind):
    wrong, weeks = full.rows(
        "WITH b AS (SELECT day, spend, lead(day, 1, DATE '2100-01-01') OVER (ORDER BY day) AS til"
        f" FROM ad_spend WHERE campaign = '{kind}_seeding' AND spend > 0) SELECT count(*) FILTER"
        " (spend <> fee), count(*) FROM (SELECT b.day, b.spend, sum(fee) fee FROM b JOIN"
        f" content_posts ON creator_kind = '{kind}' AND published_at::DATE >= day AND"
        " published_at::DATE < til GROUP BY ALL)"
    )[0]
    assert wrong == 0
    assert weeks > 200


def test_orders_of_live_and_content_name_an_earlier_session_or_a_recent_post(full):
    named = full.rows(
        "SELECT channel, count(*), count(live_session_id), count(content_post_id) FROM orders"
        " WHERE kind = 'sale' AND NOT is_fake GROUP BY 1"
    )
    for channel, orders, shows, posts in named:
        assert shows == pytest.approx(orders * (channel == "live"), rel=0.02)
        assert posts == pytest.approx(orders * (channel == "content"), rel=0.02)
    assert full.value("SELECT count(*) FROM orders JOIN live_sessions USING (live_session_id)"
                      " WHERE created_at < started_at OR created_at > started_at"
                      " + INTERVAL 11 DAY") == 0  # fmt: skip
    assert full.value("SELECT count(*) FROM orders JOIN content_posts USING (content_post_id)"
                      " WHERE created_at < published_at OR created_at > published_at"
                      " + INTERVAL 28 DAY") == 0  # fmt: skip


def test_hosts_sell_what_their_pull_is_expected_to_bring(full):
    rows = dict(full.rows(
        "SELECT host, count(o.order_id) FROM live_sessions LEFT JOIN sales o USING"
        " (live_session_id) WHERE started_at >= DATE '2024-01-02' GROUP BY 1"
    ))  # fmt: skip
    for host in full.truth.sections["creators"]["hosts"]:
        expected = host["expected_orders_per_session"] * host["sessions_last_year"]
        assert rows[host["host"]] == pytest.approx(expected, abs=4 * math.sqrt(expected) + 3)


def test_more_comes_back_of_what_a_loud_host_sold(full):
    rows = {host: (lines, back) for host, lines, back in full.rows(
        "SELECT host = 'Queen Sasa', count(*), count(r.return_id) FROM sales JOIN live_sessions"
        " USING (live_session_id) JOIN order_lines l USING (order_id) LEFT JOIN returns r ON"
        " l.order_id = r.order_id AND l.line_id = r.line_id AND r.stage = 'after_shipment'"
        " GROUP BY 1"
    )}  # fmt: skip
    shares = {loud: back / lines for loud, (lines, back) in rows.items()}
    error = math.sqrt(sum((1 - shares[loud]) / rows[loud][1] for loud in rows))
    planted = {of["host"]: of["refund_factor"] for of in full.truth.sections["creators"]["hosts"]}
    assert math.log(shares[True] / shares[False]) == pytest.approx(
        math.log(planted["Queen Sasa"] / 1.0), abs=4 * error
    )


def test_one_invited_host_earns_and_one_loses_money(full):
    profit = dict(full.rows(
        "SELECT host, sum(coalesce(left_over, 0)) - sum(slot_fee + boost_spend)::DOUBLE FROM"
        " live_sessions LEFT JOIN (SELECT live_session_id, sum(s.paid * 0.95 - coalesce(back, 0)"
        " - 0.37 * (s.paid - coalesce(back, 0)) - 0.18 * (s.paid - coalesce(back, 0)) - 7)"
        " AS left_over FROM sales s LEFT JOIN (SELECT order_id, sum(amount)::DOUBLE back FROM"
        " returns GROUP BY 1) USING (order_id) GROUP BY 1) USING (live_session_id)"
        " WHERE started_at >= DATE '2024-01-01' GROUP BY 1"
    ))  # fmt: skip
    assert profit["Mia at Home"] > 0 > profit["Queen Sasa"]


def test_hosts_move_slot_fees_inside_the_week_only(tmp_path):
    weekly = []
    for creators in (False, True):
        mechanisms = replace(PLAIN, creators=creators)
        truth = generate(tmp_path / "shop", customers=400, months=4, mechanisms=mechanisms)
        weekly.append(open_shop(tmp_path / "shop", truth).rows(
            "SELECT campaign, date_trunc('week', day), sum(spend) FROM ad_spend GROUP BY ALL"
            " ORDER BY ALL"
        ))  # fmt: skip
    assert weekly[0] == weekly[1]


def test_people_of_the_social_feed_see_its_ads_more_and_more_often(full):
    first, last = (
        full.value(
            "SELECT sum(impressions) / sum(reach) FROM ad_spend WHERE campaign = 'feed_lookalike'"
            f" AND year(day) = {year}"
        )
        for year in (2021, 2024)
    )
    assert first < 2.1
    assert last > 2.7
    assert full.value("SELECT count(*) FROM ad_spend WHERE reach > impressions"
                      " OR engagements > impressions") == 0  # fmt: skip
