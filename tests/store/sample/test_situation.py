"""The plan's situation, counted from the tables by SQL of our own."""

from datetime import date

import pytest

LAST_YEAR = "BETWEEN DATE '2024-01-02' AND DATE '2024-12-31'"
FIRST_YEAR = "BETWEEN DATE '2021-01-01' AND DATE '2021-12-31'"
PURCHASE_DAYS = """
SELECT avg((days >= 2)::INT) FROM (
    SELECT customer_id, count(DISTINCT day) AS days FROM sales WHERE day {year} AND order_id NOT IN
        (SELECT order_id FROM returns WHERE stage = 'before_shipment') GROUP BY customer_id)
"""
NEW_CUSTOMERS = """
(SELECT count(*) FROM (SELECT min(day) AS first FROM sales GROUP BY customer_id)
 WHERE first {year})
"""


def test_28_per_cent_of_the_buyers_buy_again_within_the_year(full):
    rate = full.value(PURCHASE_DAYS.format(year=LAST_YEAR))
    assert rate == pytest.approx(0.28, abs=0.02)
    assert rate == pytest.approx(full.truth.metric("repurchase_rate"), abs=0.02)


def test_two_and_a_half_per_cent_of_the_visitors_buy(full):
    rate = full.value(
        f"SELECT sum(buyers) / sum(visitors) FROM traffic_daily WHERE day {LAST_YEAR}"
    )
    assert rate == pytest.approx(0.025, abs=0.0015)


def test_15_per_cent_of_the_visitors_come_by_organic_search(full):
    share = full.value(
        "SELECT sum(visitors) FILTER (channel = 'organic_search') / sum(visitors)"
        f" FROM traffic_daily WHERE day {LAST_YEAR}"
    )
    assert share == pytest.approx(0.15, abs=0.01)


def test_5_per_cent_of_the_sales_come_by_live_streaming(full):
    share = full.value(
        f"SELECT sum(paid) FILTER (channel = 'live') / sum(paid) FROM sales WHERE day {LAST_YEAR}"
    )
    assert share == pytest.approx(0.05, abs=0.01)


def test_88_per_cent_of_the_orders_with_an_attempt_are_paid(full):
    rate = full.value(
        "SELECT count(paid_at) / count(*) FROM orders WHERE kind = 'sale' AND order_id IN"
        " (SELECT order_id FROM payments) AND created_at::DATE NOT BETWEEN DATE '2024-05-15'"
        " AND DATE '2024-05-16'"
    )
    assert rate == pytest.approx(0.88, abs=0.008)


@pytest.mark.parametrize(("year", "cac_cny"), [(FIRST_YEAR, 57), (LAST_YEAR, 120)])
def test_a_new_customer_costs_120_and_cost_less_than_60(full, year, cac_cny):
    """Budgets of a year lie within 5 % of the plan, and 1,700 new customers vary by 2 %."""
    cost = full.value(
        f"SELECT sum(spend)::DOUBLE / {NEW_CUSTOMERS.format(year=year)} FROM ad_spend"
        f" WHERE kind <> 'care' AND day {year}"
    )
    assert cost == pytest.approx(cac_cny, rel=0.08)


def test_the_shop_earns_little(full):
    """Net margin of what was paid in the last year, without the months that still change."""
    year = "BETWEEN DATE '2023-10-01' AND DATE '2024-09-30'"
    sales, goods = full.rows(
        "SELECT sum(merchant_receivable)::DOUBLE, sum(quantity * unit_cost)::DOUBLE FROM"
        " order_lines l JOIN sales USING (order_id) ASOF JOIN price_history h ON l.product_id ="
        f" h.product_id AND day >= valid_from WHERE day {year}"
    )[0]
    refunds, back = full.rows(
        "SELECT sum(r.amount)::DOUBLE, sum(r.quantity * unit_cost) FILTER (is_resaleable)::DOUBLE"
        " FROM returns r JOIN sales USING (order_id) ASOF JOIN price_history h ON r.product_id ="
        f" h.product_id AND day >= valid_from WHERE day {year}"
    )[0]
    platform = full.value(
        "SELECT sum(commission + affiliate_commission + return_insurance + instalment_fee +"
        f" penalty)::DOUBLE FROM settlements JOIN sales USING (order_id) WHERE day {year}"
    )
    parcels = full.value(
        "SELECT sum(freight_cost + packaging_cost)::DOUBLE FROM shipments"
        f" WHERE shipped_at::DATE {year}"
    )
    spend = full.value(f"SELECT sum(spend)::DOUBLE FROM ad_spend WHERE day {year}")
    overheads = full.value(f"SELECT sum(amount)::DOUBLE FROM costs WHERE month {year}")
    net_sales = sales - refunds
    cost_of_goods = goods - back
    profit = net_sales - cost_of_goods - platform - parcels - spend - overheads
    assert 0.5 < 1 - cost_of_goods / net_sales < 0.65
    assert 0.0 < profit / net_sales < 0.1


def test_orders_are_worth_230_and_hold_about_two_lines(full):
    assert full.value("SELECT avg(paid) FROM sales") == pytest.approx(230, rel=0.03)
    lines = full.value(
        "SELECT count(*) / count(DISTINCT order_id) FROM order_lines JOIN sales USING (order_id)"
    )
    assert lines == pytest.approx(1.9, abs=0.2)


def test_refunds_differ_by_category_and_apparel_comes_back_most(full):
    shares = dict(
        full.rows(
            "SELECT category, sum(coalesce(r.amount, 0))::DOUBLE / sum(buyer_paid)::DOUBLE"
            " FROM order_lines l JOIN sales USING (order_id) JOIN products p USING (product_id)"
            " LEFT JOIN returns r USING (order_id, line_id) WHERE day < DATE '2024-10-01'"
            " GROUP BY category"
        )
    )
    assert max(shares, key=shares.__getitem__) in {"Women's Apparel", "Men's Apparel"}
    assert min(shares.values()) > 0.05
    assert max(shares.values()) < 0.22


def test_the_refunds_of_the_last_month_are_still_coming_in(full):
    shares = [
        share for (share,) in full.rows(
            "SELECT sum(coalesce(r.amount, 0)) / sum(paid) FROM sales LEFT JOIN (SELECT order_id,"
            " sum(amount)::DOUBLE AS amount FROM returns GROUP BY 1) r USING (order_id)"
            " WHERE year(day) = 2024 GROUP BY month(day) ORDER BY month(day)"
        )
    ]  # fmt: skip
    assert shares[-1] < 0.75 * sum(shares[3:9]) / 6


def test_few_products_bring_most_of_the_sales(full):
    top = full.value(
        "SELECT sum(paid) FILTER (place <= n * 0.2) / sum(paid) FROM (SELECT sum(buyer_paid) AS"
        " paid, row_number() OVER (ORDER BY sum(buyer_paid) DESC) AS place, count(*) OVER () AS n"
        " FROM order_lines JOIN sales USING (order_id) GROUP BY product_id)"
    )
    assert 0.55 < top < 0.88


def test_the_shop_grows(full):
    years = [
        n for (n,) in full.rows("SELECT count(*) FROM sales GROUP BY year(day) ORDER BY year(day)")
    ]
    assert years == sorted(years)


def test_fake_orders_are_few(full):
    share = full.value("SELECT avg(is_fake::INT) FROM orders WHERE paid_at IS NOT NULL")
    assert 0.003 < share < 0.012


def test_the_broken_payment_step_shows_on_its_two_days(full):
    (incident,) = (
        one for one in full.truth.sections["incidents"] if one["kind"] == "broken_payment"
    )
    first, last = (date.fromisoformat(incident[end]) for end in ("starts_on", "ends_on"))
    rate = full.value(
        "SELECT count(paid_at) / count(*) FROM orders WHERE kind = 'sale' AND order_id IN (SELECT"
        f" order_id FROM payments) AND created_at::DATE BETWEEN DATE '{first}' AND DATE '{last}'"
    )
    assert (last - first).days == 1
    assert rate == pytest.approx(incident["effect"], abs=0.2)


def test_traffic_counts_the_buyers_of_the_orders(full):
    wrong = full.value(
        "SELECT count(*) FROM traffic_daily t FULL JOIN (SELECT paid_at::DATE AS day, channel,"
        " count(DISTINCT customer_id) AS n FROM orders WHERE kind = 'sale' AND paid_at IS NOT NULL"
        " GROUP BY ALL) o USING (day, channel) WHERE t.buyers <> coalesce(o.n, 0)"
        " OR t.buyers IS NULL"
    )
    assert wrong == 0
    odd = "cart_visitors < buyers OR cart_visitors > visitors OR sessions < visitors"
    assert full.value(f"SELECT count(*) FROM traffic_daily WHERE {odd}") == 0


def test_surveys_are_asked_after_each_quarter(full):
    months = {row[0] for row in full.rows("SELECT DISTINCT month(answered_at) FROM surveys")}
    assert months == {1, 4, 7, 10}
    twice = full.value(
        "SELECT max(n) FROM (SELECT count(*) AS n FROM surveys"
        " GROUP BY customer_id, date_trunc('quarter', answered_at))"
    )
    assert twice == 1
