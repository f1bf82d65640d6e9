"""Contribution of recent purchases, with what they still lose taken off."""

from __future__ import annotations

from datetime import date, timedelta

import pandas as pd
import pytest

from helpers.measures.contribution import contribution_share, known_contributions, valued_purchases
from helpers.store.errors import MissingTable
from helpers.store.open import opened
from tests.stores import a_store, an_order

PRICES = [{"product_id": "P1", "valid_from": "2020-01-01", "unit_cost": 60}]


def orders(count: int, product: str = "P1") -> list[dict]:
    start = date(2024, 11, 1)
    return [
        an_order(f"{product}{i}", f"{product}{i}", str(start + timedelta(days=i % 50)), 100,
                 _product=product)
        for i in range(count)
    ]  # fmt: skip


def test_recent_purchases_are_worth_what_they_turn_out_to_be(value_shop):
    """June 2024 as known at its end, with and without what is to come, against the end of 2024."""
    final, _, folder = value_shop
    with opened(folder, period="2024-06", cache=folder.parent / "cache-june") as june:
        known = june.to_frame(known_contributions(june))
        known = known[known["day"] >= "2024-06-10"]
    later = final.to_frame(final.mart("purchase_days"))
    truth = known[["customer_id", "day"]].merge(later, on=["customer_id", "day"])["contribution"]
    booked, expected = known["contribution"].sum(), known["value"].sum()
    assert booked > 1.03 * truth.sum()
    assert expected == pytest.approx(truth.sum(), rel=0.06)
    assert abs(expected - truth.sum()) < abs(booked - truth.sum()) / 2


def test_a_shop_without_refunds_and_fees_contributes_what_is_booked(tmp_path):
    with a_store(tmp_path, orders=orders(20), price_history=PRICES) as store:
        frame = store.to_frame(known_contributions(store))
        assert (frame["value"] == 40).all()
        assert contribution_share(store, store.period) == pytest.approx(0.4)


def test_purchases_of_unknown_cost_go_at_the_share_of_the_known_ones(tmp_path):
    rows = orders(40) + orders(1, "P2")
    with a_store(tmp_path, orders=rows, price_history=PRICES) as store:
        frame = store.to_frame(valued_purchases(store, store.period))
        assert frame["value"].sum() == pytest.approx(41 * 40)


def test_a_shop_that_knows_the_cost_of_half_its_sales_has_no_contribution(tmp_path):
    rows = orders(20) + orders(20, "P2")
    with a_store(tmp_path, orders=rows, price_history=PRICES) as store:
        assert contribution_share(store, store.period) is None
        with pytest.raises(MissingTable, match="price_history"):
            valued_purchases(store, store.period)


def test_days_are_kept_as_they_are(value_shop):
    store, _, _ = value_shop
    frame = store.to_frame(known_contributions(store))
    assert len(frame) == len(store.to_frame(store.mart("purchase_days")))
    old = frame[frame["day"] < pd.Timestamp(store.as_of) - pd.Timedelta(days=250)]
    assert old["value"].equals(old["contribution"])
