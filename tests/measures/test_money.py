"""Refunds still to come where development can't be told."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from helpers.measures.money import daily_money, refund_development
from helpers.plan.periods import month_of
from tests.stores import a_store, an_order

LAST = date(2024, 12, 31)


def test_a_shop_that_refunds_late_is_projected_at_its_usual_share(tmp_path):
    # One order of 100 a day for 364 days; each fifth is refunded in full, 60 days after payment.
    days = [LAST - timedelta(days=back) for back in range(364)]
    orders = [an_order(f"o{day}", f"c{day}", f"{day} 10:00", 100) for day in days]
    late = [day for day in days[::5] if day + timedelta(days=60) <= LAST]
    refunds = [
        {"return_id": f"r{day}", "order_id": f"o{day}", "line_id": "1", "product_id": "P1",
         "type": "refund_only", "stage": "after_shipment", "quantity": 1, "amount": 100,
         "applied_at": f"{day + timedelta(days=59)} 10:00",
         "settled_at": f"{day + timedelta(days=60)} 10:00"}
        for day in late
    ]  # fmt: skip
    with a_store(tmp_path, orders=orders, returns=refunds) as store:
        found = refund_development(store)
        december = daily_money(store, month_of(LAST))
    assert not found.is_told
    assert (found.to_come >= 0).all()
    assert found.to_come[:2].sum() == pytest.approx(0.2 * 2 * 28 * 100, rel=0.15)
    assert december["refunds_to_come"].sum() == pytest.approx(0.2 * 31 * 100, rel=0.2)
