"""The benchmark beside `lifetimes`, small: what it compares, not how fast."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("lifetimes", reason="lifetimes, a peer library, is not installed")

from benchmarks import customers
from helpers.store import engine


@pytest.fixture(scope="module")
def sides(tmp_path_factory):
    rows = customers.orders(4_000, seed=3)
    folder = tmp_path_factory.mktemp("orders")
    rows.to_parquet(folder / "orders.parquet")
    source = customers.OrderFile(folder / "orders.parquet", engine.fresh_temporary())
    our, people = customers.ours(source)
    source.close()
    return our, customers.theirs(rows), people


def test_both_sides_sum_up_the_same_orders(sides):
    our, their, _ = sides
    assert our.totals == pytest.approx(their.totals)
    assert our.totals[0] == 4_000


def test_the_fit_is_as_likely_as_that_of_lifetimes(sides):
    our, their, people = sides
    likelihoods = [customers.mean_log_likelihood(side.parameters, people) for side in (our, their)]
    assert likelihoods[0] >= likelihoods[1] - customers.LIKELIHOOD_LOSS
    np.testing.assert_allclose(our.parameters, their.parameters, rtol=0.02)


def test_what_is_not_as_promised_is_named(sides):
    our, their, _ = sides
    quick = replace(our, summary=0.5, fit=0.1)
    slow = replace(their, summary=4.0, fit=10.0)
    assert customers.faults(quick, slow, (-7.0, -7.0)) == []
    assert "under 2" in customers.faults(replace(quick, summary=2.0), slow, (-7.0, -7.0))[0]
    assert "fit: 10.0 times" in customers.faults(replace(quick, fit=1.0), slow, (-7.0, -7.0))[0]
    assert "1e-06 lower" in customers.faults(quick, slow, (-7.00001, -7.0))[0]
    other = replace(slow, totals=(1.0, 2.0, 3.0, 4.0))
    assert "summaries differ" in customers.faults(quick, other, (-7.0, -7.0))[0]
