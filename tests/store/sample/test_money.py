"""Money: what was listed, given away, paid and owed adds up to the cent."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.store.sample.columns import allocate

GIVEN_AWAY = "merchant_discount + shop_coupon + platform_subsidy"


def test_the_list_price_is_what_was_given_away_and_what_was_paid(full):
    wrong = f"{GIVEN_AWAY} + buyer_paid <> list_price * quantity"
    assert full.value(f"SELECT count(*) FROM order_lines WHERE {wrong}") == 0


def test_the_shop_is_owed_what_the_buyer_paid_and_the_subsidy(full):
    wrong = "merchant_receivable <> buyer_paid + platform_subsidy"
    assert full.value(f"SELECT count(*) FROM order_lines WHERE {wrong}") == 0


def test_the_list_price_is_the_one_of_the_price_history(full):
    query = (
        "SELECT count(*), count(*) FILTER (l.list_price = h.list_price) FROM order_lines l"
        " JOIN sales USING (order_id) ASOF JOIN price_history h"
        " ON l.product_id = h.product_id AND day >= h.valid_from"
    )
    lines, agreeing = full.rows(query)[0]
    assert lines == agreeing > 20_000


def test_successful_payments_add_up_to_the_order_with_its_postage(full):
    query = (
        "SELECT count(*) FROM (SELECT order_id, sum(amount) AS came FROM payments WHERE succeeded"
        " GROUP BY ALL) p RIGHT JOIN (SELECT order_id, sum(buyer_paid) + any_value("
        "shipping_charged) AS due FROM orders JOIN order_lines USING (order_id) WHERE paid_at IS"
        " NOT NULL AND kind = 'sale' GROUP BY ALL) o USING (order_id) WHERE came IS DISTINCT FROM"
        " due"
    )
    assert full.value(query) == 0


def test_nothing_is_paid_for_exchanges_samples_and_gifts(full):
    kinds = full.rows(
        "SELECT kind, sum(buyer_paid), sum(list_price), count(p.order_id) FROM orders o"
        " JOIN order_lines USING (order_id) LEFT JOIN payments p USING (order_id)"
        " WHERE kind <> 'sale' GROUP BY kind"
    )
    assert {kind for kind, *_ in kinds} == {"exchange", "sample", "gift"}
    for _, paid, listed, payments in kinds:
        assert (paid, payments) == (0, 0)
        assert listed > 0


def test_a_pre_sale_has_a_deposit_before_its_balance_day(full):
    rows = full.rows(
        "SELECT count(*), min(paid_at - deposit_paid_at) > INTERVAL 1 HOUR, bool_and("
        "deposit_amount < paid), count(DISTINCT month(paid_at)) FROM sales"
        " WHERE deposit_paid_at IS NOT NULL"
    )
    ((count, earlier, part, months),) = rows
    assert count > 50
    assert (earlier, part, months) == (True, True, 2)


def test_discounts_are_sensible(full):
    usual, event = (
        full.value(f"SELECT 1 - sum(paid) / sum(listed) FROM sales WHERE {where}")
        for where in ("month(paid_at) = 9", "month(paid_at) = 11 AND day(paid_at) IN (10, 11)")
    )
    assert 0.08 < usual < 0.25
    assert usual + 0.08 < event < 0.5
    least, most = full.rows(
        "SELECT quantile_cont(1 - paid / listed, [0.001, 0.995]) FROM sales"
    )[0][0]  # fmt: skip
    assert least > 0
    assert most < 0.7


def test_the_platform_keeps_about_five_per_cent(full):
    commission = full.value(
        "SELECT sum(commission)::DOUBLE / (SELECT sum(paid) FROM sales) FROM settlements"
    )
    assert commission == pytest.approx(0.047, abs=0.007)


@given(
    st.lists(
        st.tuples(st.integers(1, 10**7), st.lists(st.integers(100, 10**6), min_size=1, max_size=6)),
        min_size=1,
        max_size=20,
    )
)
def test_allocated_cents_add_up_and_lie_within_a_cent_of_their_share(orders):
    totals = np.array([total for total, _ in orders])
    weights = np.concatenate([np.array(lines) for _, lines in orders])
    group = np.repeat(np.arange(len(orders)), [len(lines) for _, lines in orders])
    shares = allocate(totals, weights, group)
    assert np.array_equal(np.bincount(group, weights=shares), totals)
    exact = totals[group] * weights / np.bincount(group, weights=weights)[group]
    assert np.abs(shares - exact).max() <= 1
