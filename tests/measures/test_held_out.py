"""The forecast against time that it has not seen, on a sample shop whose truth is known."""

from __future__ import annotations

import duckdb
import pytest

from helpers.measures import held_out
from helpers.store.open import opened
from helpers.store.sample import PLAIN, generate


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """4,000 customers who buy by BG/NBD and gamma-gamma and do nothing else."""
    folder = tmp_path_factory.mktemp("plain") / "shop"
    generate(folder, seed=7, customers=4_000, mechanisms=PLAIN)
    with opened(folder, cache=folder.parent / "cache") as store:
        yield store, folder


def test_the_fit_is_judged_on_time_it_has_not_seen(shop):
    store, folder = shop
    frame = held_out.held_out(store, store.period)
    cut = frame["cut"].iloc[0].date()
    # Purchase days after the cut of customers who bought before it, straight from the export.
    actual = duckdb.execute(
        """WITH days AS (SELECT DISTINCT customer_id, paid_at::DATE AS day
                         FROM read_parquet(?) WHERE paid_at IS NOT NULL)
           SELECT count(*) FROM days WHERE day > ? AND customer_id IN
               (SELECT customer_id FROM days WHERE day <= ?)""",
        [str(folder / "orders.parquet"), cut, cut],
    ).fetchone()[0]
    assert frame["actual_total"].iloc[0] == actual
    assert abs(frame["error_share"].iloc[0]) < 0.15
