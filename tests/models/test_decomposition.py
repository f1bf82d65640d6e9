"""Exact splits: LMDI-I against its paper's properties, cost pieces by hand and for any input."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from helpers.models.decomposition import (
    PIECES,
    CostParts,
    cost_change,
    draws_of_sums,
    logarithmic_mean,
    product_change,
)

CHANNELS = 4
money = st.floats(0, 1e6, allow_subnormal=False).map(lambda x: round(x, 2))
counts = st.integers(0, 10**6).map(float)
unknown = st.one_of(counts, st.just(np.nan))


def of(kind):
    return arrays(float, CHANNELS, elements=kind)


periods = st.builds(
    CostParts, of(counts).filter(np.any), of(money), of(money), of(unknown), of(unknown),
    of(st.floats(1, 3)),
)  # fmt: skip


def cost(parts: CostParts) -> float:
    return float((parts.media.sum() + parts.other.sum()) / parts.customers.sum())


def total(pieces: dict) -> float:
    return float(sum(one.sum() for one in pieces.values()))


def test_the_logarithmic_mean_is_that_of_ang():
    assert float(logarithmic_mean(1.0, np.e)) == pytest.approx(np.e - 1)
    assert float(logarithmic_mean(7.0, 7.0)) == pytest.approx(7)
    assert float(logarithmic_mean(7.0, 7.0 + 1e-9)) == pytest.approx(7.0)
    assert float(logarithmic_mean(0.0, 5.0)) == 0


def test_two_factors_by_hand():
    """6 = 2 x 3 becomes 20 = 4 x 5: L = 14 / ln(20/6); pieces L ln 2 and L ln(5/3)."""
    weight = 14 / np.log(20 / 6)
    found = product_change([2.0, 3.0], [4.0, 5.0])
    assert found == pytest.approx([weight * np.log(2), weight * np.log(5 / 3)])


def test_a_factor_that_was_zero_carries_the_whole_change():
    assert product_change([0.0, 3.0], [4.0, 5.0]) == pytest.approx([20, 0])
    assert product_change([0.0, 0.0], [4.0, 5.0]) == pytest.approx([10, 10])
    assert product_change([2.0, 3.0], [0.0, 5.0]) == pytest.approx([-6, 0])


@given(*(arrays(float, (3, 4), elements=st.floats(0, 1e3, allow_subnormal=False)),) * 2)
def test_factors_sum_to_the_change_and_turn_their_sign_when_read_backwards(before, after):
    found = product_change(before, after)
    change = after.prod(axis=-1) - before.prod(axis=-1)
    scale = np.abs(found).sum(axis=-1).max() + 1
    assert found.sum(axis=-1) == pytest.approx(change, abs=1e-9 * scale)
    assert product_change(after, before) == pytest.approx(-found, abs=1e-9 * scale)


@given(periods, periods)
def test_the_pieces_of_a_cost_sum_to_its_change_to_the_cent(before, after):
    pieces = cost_change(before, after)
    assert set(pieces) == set(PIECES)
    change = cost(after) - cost(before)
    size = sum(np.abs(one).sum() for one in pieces.values())
    assert total(pieces) == pytest.approx(change, abs=max(0.005, 1e-12 * size))


@given(periods, periods)
def test_a_change_read_backwards_has_the_opposite_pieces(before, after):
    forth, back = cost_change(before, after), cost_change(after, before)
    for name in PIECES:
        assert back[name] == pytest.approx(-forth[name], rel=1e-6, abs=1e-4)


def a_period(**changed) -> CostParts:
    """Two paid channels and one without spend; everything counted."""
    parts = CostParts(
        customers=np.array([100.0, 50.0, 50.0]), media=np.array([10_000.0, 10_000.0, 0.0]),
        other=np.array([1_000.0, 0.0, 1_000.0]),
        impressions=np.array([1e6, 2e6, np.nan]), clicks=np.array([10_000.0, 10_000.0, np.nan]),
        overlap=np.ones(3),
    )  # fmt: skip
    return replace(parts, **changed)


def test_dearer_impressions_alone_are_price_alone():
    after = a_period(media=np.array([12_000.0, 10_000.0, 0.0]))
    pieces = cost_change(a_period(), after)
    assert pieces["impression_price"] == pytest.approx([2_000 / 200, 0, 0])
    assert total(pieces) == pytest.approx(10)


def test_a_channel_that_counts_no_impressions_has_a_price_of_clicks():
    blind = np.array([np.nan, 2e6, np.nan])
    after = a_period(media=np.array([12_000.0, 10_000.0, 0.0]), impressions=blind)
    pieces = cost_change(a_period(impressions=blind), after)
    assert pieces["click_price"] == pytest.approx([10, 0, 0])
    assert pieces["impression_price"] == pytest.approx([0, 0, 0])


def test_free_customers_lower_the_cost_in_their_own_row():
    """50 more come free: cost falls from 110 to 88, and nothing else has changed per channel."""
    after = a_period(customers=np.array([100.0, 50.0, 100.0]))
    pieces = cost_change(a_period(), after)
    assert total(pieces) == pytest.approx(22_000 / 250 - 22_000 / 200)
    assert total({name: pieces[name] for name in ("mix", "other")}) == pytest.approx(-22)
    assert pieces["mix"][2] < 0
    assert pieces["mix"][2] == pytest.approx(-(100 / 250 - 50 / 200) * (100 + 80) / 2)


def test_other_spend_is_a_piece_of_its_own():
    pieces = cost_change(a_period(), a_period(other=np.array([1_000.0, 0.0, 3_000.0])))
    assert pieces["other"] == pytest.approx([0, 0, 10])
    assert total(pieces) == pytest.approx(10)


def test_overlap_is_nothing_where_no_visitor_came_by_two_channels():
    after = a_period(clicks=np.array([12_000.0, 9_000.0, np.nan]))
    assert cost_change(a_period(), after)["overlap"] == pytest.approx([0, 0, 0])


def test_more_overlap_takes_its_part_out_of_conversion():
    """Each visitor of the first channel now counts 1.25 times; the cost itself is as it was."""
    after = a_period(overlap=np.array([1.25, 1.0, 1.0]))
    pieces = cost_change(a_period(), after)
    assert total(pieces) == pytest.approx(0)
    assert pieces["overlap"][0] == pytest.approx(50 * np.log(1.25))
    assert pieces["conversion"][0] == pytest.approx(-50 * np.log(1.25))


def test_a_channel_that_began_to_spend_is_not_split():
    before = a_period(media=np.array([10_000.0, 0.0, 0.0]))
    pieces = cost_change(before, a_period())
    assert pieces["unsplit"] == pytest.approx([0, 50, 0])


def test_draws_vary_as_the_days_do():
    rng = np.random.default_rng(1)
    days = rng.normal(100, 20, (2_000, 1))
    drawn = draws_of_sums([days.sum()], days - days.mean(), 4_000)
    assert drawn.std() == pytest.approx(20 * 2_000**0.5, rel=0.2)
    assert drawn.mean() == pytest.approx(days.sum(), rel=0.001)


def test_a_period_without_customers_has_no_cost():
    with pytest.raises(ValueError, match="customers"):
        cost_change(a_period(), a_period(customers=np.zeros(3)))
