"""Visits: real orders at the end of journeys, rates like those of the days, a planted leak."""

import math

import pytest


def test_an_order_of_a_visit_is_a_paid_sale_of_its_channel_and_person(full):
    orders, wrong = full.rows(
        "SELECT count(*), count(*) FILTER (o.order_id IS NULL OR o.channel <> v.channel OR"
        " o.customer_id <> v.customer_id OR o.created_at <= v.started_at OR o.created_at >"
        " v.started_at + INTERVAL 30 MINUTE OR NOT began_checkout OR NOT added_to_cart)"
        " FROM sessions v LEFT JOIN sales o USING (order_id) WHERE v.order_id IS NOT NULL"
    )[0]
    assert wrong == 0
    assert orders > 200
    assert full.value("SELECT count(order_id) - count(DISTINCT order_id) FROM sessions") == 0


def test_all_orders_of_people_in_the_sample_have_their_visit(full):
    missing = full.value(
        "SELECT count(*) FROM sales WHERE created_at > (SELECT min(started_at) + INTERVAL 1 DAY"
        " FROM sessions) AND customer_id IN (SELECT customer_id FROM sessions) AND order_id NOT IN"
        " (SELECT order_id FROM sessions WHERE order_id IS NOT NULL)"
    )
    assert missing == 0


def test_visits_by_channel_are_the_sampled_share_of_the_days(full):
    share = full.truth.sections["visits"]["share_of_people"]
    for channel, sampled, whole in full.rows(
        "SELECT channel, count(*), (SELECT sum(sessions) FROM traffic_daily t WHERE t.channel ="
        " s.channel AND day >= (SELECT min(started_at)::DATE FROM sessions)) FROM sessions s"
        " GROUP BY 1"
    ):
        expected = share * whole
        assert sampled == pytest.approx(expected, abs=6 * math.sqrt(expected)), channel


def test_earlier_visits_come_from_the_planted_chain(full):
    truth = full.truth.sections["visits"]
    chain = dict(zip(truth["channels"], truth["channel_of_the_visit_before"], strict=True))
    rows = full.rows(
        "SELECT channel, earlier, count(*) FROM (SELECT channel, lag(channel) OVER (PARTITION BY"
        " visitor_id ORDER BY started_at) earlier FROM sessions WHERE customer_id IS NULL)"
        " WHERE earlier IS NOT NULL GROUP BY ALL"
    )
    whole: dict[str, int] = {}
    for channel, _, count in rows:
        whole[channel] = whole.get(channel, 0) + count
    for channel, earlier, count in rows:
        chance = chain[channel][truth["channels"].index(earlier)]
        error = math.sqrt(whole[channel] * chance * (1 - chance))
        assert count == pytest.approx(whole[channel] * chance, abs=4.5 * error + 1)


def test_first_visits_are_expected_where_social_and_content_begin_journeys(full):
    truth = full.truth.sections["visits"]
    shares = {
        name: dict(zip(truth["channels"], of, strict=True))
        for name, of in truth["expected_share_of_orders"].items()
    }
    for of in shares.values():
        assert sum(of.values()) == pytest.approx(1, abs=1e-4)
    ends = dict(full.rows("SELECT channel, count(*) FROM sessions WHERE order_id IS NOT NULL"
                          " GROUP BY 1"))  # fmt: skip
    for channel, share in shares["last"].items():
        assert ends.get(channel, 0) / sum(ends.values()) == pytest.approx(share, abs=1e-5)
    for channel in ("content", "social_ads"):
        assert shares["first"][channel] > shares["linear"][channel] > shares["last"][channel]
    assert shares["first"]["direct"] < shares["last"]["direct"]


def test_checkouts_break_where_the_leak_is(full):
    leak = full.truth.sections["visits"]["leak"]
    where = f"device = '{leak['device']}' AND channel = '{leak['channel']}'"
    for is_leak, begun, done in full.rows(
        f"SELECT {where}, count(*), count(order_id) FROM sessions WHERE began_checkout GROUP BY 1"
    ):
        planted = leak["checkouts_completed"] if is_leak else leak["elsewhere"]
        error = math.sqrt(planted * (1 - planted) / begun)
        assert done / begun == pytest.approx(planted, abs=4 * error)


def test_a_person_uses_one_device_and_a_bounce_has_one_page(full):
    assert full.value("SELECT max(n) FROM (SELECT count(DISTINCT device) n FROM sessions"
                      " GROUP BY visitor_id)") == 1  # fmt: skip
    assert full.value("SELECT count(*) FROM sessions WHERE is_bounce AND (page_views > 1 OR"
                      " added_to_cart) OR began_checkout AND NOT added_to_cart") == 0  # fmt: skip
