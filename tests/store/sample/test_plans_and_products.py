"""Advertised products and budgets of the sample shop."""

import pytest


def test_money_on_products_is_part_of_its_campaign(full):
    over, share = full.rows(
        "SELECT count(*) FILTER (p.spend > a.spend OR p.clicks > a.clicks OR p.shown >"
        " a.impressions OR p.sales > a.attributed_sales), sum(p.spend) / sum(a.spend)::DOUBLE FROM"
        " (SELECT day, campaign, sum(spend) spend, sum(clicks) clicks, sum(impressions) shown,"
        " sum(attributed_sales) sales FROM product_ads GROUP BY ALL) p JOIN ad_spend a"
        " USING (day, campaign)"
    )[0]
    assert over == 0
    assert 0.85 < share < 1


def test_keyword_ads_show_the_products_of_their_terms(full):
    wrong, rows = full.rows(
        "SELECT count(*) FILTER (p.spend <> t.spend OR p.clicks <> t.clicks OR p.spend IS NULL),"
        " count(*) FROM (SELECT day, product_id, sum(spend) spend, sum(clicks) clicks FROM"
        " search_terms WHERE channel = 'onsite_ads' AND NOT is_brand GROUP BY ALL HAVING sum(spend)"
        " > 0) t LEFT JOIN (SELECT * FROM product_ads WHERE campaign = 'keywords_generic') p"
        " USING (day, product_id)"
    )[0]
    assert wrong == 0
    assert rows > 10_000


def test_advertised_products_are_on_sale(full):
    assert full.value("SELECT count(*) FROM product_ads JOIN products USING (product_id)"
                      " WHERE day < launched_on") == 0  # fmt: skip


def test_some_advertised_products_run_out_before_their_supplier_could_deliver(full):
    named = full.truth.sections["product_ads"]["advertised_and_short"]
    assert named
    for product in named:
        days, lead, spent = full.rows(
            "SELECT (SELECT sum(on_hand) FROM stock_levels WHERE product_id = p.product_id AND day"
            " = (SELECT max(day) FROM stock_levels)) / (SELECT sum(quantity) / 56 FROM order_lines"
            " JOIN orders USING (order_id) WHERE product_id = p.product_id AND shipped_at >"
            " DATE '2024-11-05'), lead_time_days, (SELECT sum(spend) FROM product_ads a WHERE"
            " a.product_id = p.product_id AND day > DATE '2024-12-03') FROM products p JOIN"
            f" suppliers USING (supplier_id) WHERE product_id = '{product}'"
        )[0]
        assert days < lead + 3
        assert spent > 0


def test_budgets_are_the_year_before_times_the_planned_growth(full):
    growth = full.truth.sections["budgets"]["marketing_growth_on_year_before"]
    rows = full.rows(
        "SELECT b.channel, amount::DOUBLE, sum(spend)::DOUBLE FROM budgets b LEFT JOIN ad_spend a"
        " ON a.channel = b.channel AND date_trunc('month', day) + INTERVAL 1 YEAR = month"
        " WHERE line = 'marketing' GROUP BY month, b.channel, amount"
    )
    assert len(rows) == 36 * 9
    for channel, amount, spent in rows:
        assert amount % 500 == 0
        assert amount == pytest.approx(max(growth[channel] * spent, 250), abs=251)


def test_a_year_of_budgets_is_missed_by_some_per_cent(full):
    share = full.value(
        "SELECT (SELECT sum(spend) FROM ad_spend WHERE year(day) = 2024)::DOUBLE / sum(amount)"
        " FROM budgets WHERE line = 'marketing' AND year(month) = 2024"
    )
    assert share == pytest.approx(1, abs=0.2)
    assert share != pytest.approx(1, abs=0.001)
