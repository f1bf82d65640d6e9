"""What customers are worth and what is at stake, on a sample shop whose truth is known."""

from __future__ import annotations

import pytest

from helpers.measures import customer_value, segments, win_back
from helpers.store.open import opened
from helpers.store.sample import PLAIN, generate


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """4,000 customers who buy by BG/NBD and gamma-gamma and do nothing else."""
    folder = tmp_path_factory.mktemp("plain") / "shop"
    truth = generate(folder, seed=7, customers=4_000, mechanisms=PLAIN)
    with opened(folder, cache=folder.parent / "cache") as store:
        yield store, truth, folder


def test_a_new_customer_is_worth_more_over_a_longer_time(shop):
    store, _, _ = shop
    frame = customer_value.value_by_horizon(store, store.period)
    assert frame["value"].is_monotonic_increasing
    assert (frame["low"] < frame["value"]).all()
    assert (frame["value"] < frame["high"]).all()


def test_the_value_of_a_new_customer_covers_a_first_order_and_expected_repeats(shop):
    store, truth, _ = shop
    frame = customer_value.value_by_horizon(store, store.period).set_index("months")
    share = customer_value.contribution_share(store, store.period) or 1.0
    p, q, v = (truth.parameter("gamma_gamma", name) for name in ("p", "q", "v"))
    mean = p * v / (q - 1)  # Fader and Hardie (2013), eq. 2
    # 409 of 1,000 return within a year (closed form in the truth); none returns less than once.
    least = mean * (1 + 0.409 / 1.1) * share
    assert frame.loc[12, "value"] > 0.9 * least
    assert frame.loc[12, "value"] < 2.5 * mean * share


def test_segments_hold_all_customers_and_all_their_sales(shop):
    store, _, _ = shop
    frame = segments.segments(store, store.period)
    people = store.to_frame(store.mart("customer_summary"))
    assert frame["customers"].sum() == len(people)
    assert frame["net_sales"].sum() == pytest.approx(people["net_sales"].sum())


def test_what_is_expected_of_the_segments_is_what_the_model_expects_of_all(shop):
    store, _, _ = shop
    frame = win_back.segment_values(store, store.period)
    people = store.to_frame(store.mart("customer_summary"))
    expected = customer_value.fit(store).purchases.expected_purchases(
        customer_value.WEEKS_PER_YEAR,
        people["frequency"],
        people["recency_days"] / 7,
        people["age_days"] / 7,
    )
    total = (frame["expected_purchases"] * frame["customers"]).sum()
    assert total == pytest.approx(expected.sum(), rel=1e-9)


def test_the_list_to_win_back_names_nobody(shop):
    store, _, _ = shop
    frame = win_back.customers_to_win_back(store, store.period)
    people = set(store.to_frame(store.mart("customer_summary"))["customer_id"])
    assert len(frame)
    assert not set(frame["customer"]) & people
    assert frame["value_at_stake"].is_monotonic_decreasing
    assert frame["probability_alive"].between(0, 1).all()
    assert (frame["purchase_days"] >= 2).all()


def test_a_fit_is_computed_once(shop, monkeypatch):
    store, _, _ = shop
    first = customer_value.model_parameters(store, store.period)
    monkeypatch.setattr("helpers.models.bg_nbd.fit", lambda *_: pytest.fail("fitted again"))
    again = customer_value.model_parameters(store, store.period)
    assert again.equals(first)
