"""Movement between segments on a shop counted by hand, and what must never be told."""

from __future__ import annotations

import random
from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.measures import segment_flows, segments
from helpers.plan.periods import month_of
from helpers.store.errors import MissingTable
from tests.stores import a_store, an_order


def _orders() -> list[dict]:
    """Fifty customers, ten on each of five days of the first quarter of 2024; then April.

    Fifths of recency are those five days. The first ten (1 January) have bought three times. In
    April 15 new ones come and the first ten return.
    """
    orders = []
    for fifth in range(5):
        day = date(2024, 1, 10) + timedelta(days=10 * fifth)
        for i in range(10):
            orders.append(an_order(f"{fifth}-{i}", f"c{fifth}-{i}", str(day), 10))
    for i in range(10):
        for day in ("2024-01-02", "2024-01-05", "2024-04-20"):
            orders.append(an_order(f"{day}-{i}", f"c0-{i}", day, 10))
    orders += [an_order(f"n{i}", f"n{i}", "2024-04-25", 10) for i in range(15)]
    return orders


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    with a_store(tmp_path_factory.mktemp("flows"), "2024-04", orders=_orders()) as found:
        yield found


def test_an_earlier_day_is_scored_by_the_customers_of_that_day(store):
    march = segments.segments(store, month_of(date(2024, 3, 1))).set_index("segment")
    # Fifths: 10 customers each. Lowest: three purchase days and all money equal to the top fifth.
    assert march["customers"].to_dict() == {
        "one_time_recent": 20, "one_time_cooling": 10, "big_spenders_at_risk": 10,
        "one_time_lost": 10,
    }  # fmt: skip
    april = segments.segments(store, store.period).set_index("segment")
    assert april["customers"].sum() == 65
    assert april.loc["champions", "customers"] == 10


def test_customers_move_from_where_they_stood_to_where_they_stand(store):
    frame = segment_flows.segment_flows(store, store.period).set_index(["before", "segment"])
    # The first ten return from at risk to champions; 15 are new and recent.
    assert frame.loc[("big_spenders_at_risk", "champions"), "customers"] == 10
    assert frame.loc[("big_spenders_at_risk", "champions"), "share"] == 1
    assert frame.loc[("new", "one_time_recent"), "customers"] == 15
    assert frame.loc[("one_time_lost", "one_time_lost"), "customers"] == 10
    assert frame["customers"].sum() == 65
    assert frame.loc[("new", "one_time_recent"), "moved"]


def test_moves_are_the_changes_largest_first(store):
    frame = segment_flows.segment_moves(store, store.period)
    assert frame[["before", "segment", "customers"]].to_numpy().tolist()[0] == [
        "new", "one_time_recent", 15,
    ]  # fmt: skip
    assert frame["customers"].ge(10).all()
    assert (frame["before"] != frame["segment"]).all()


def test_the_net_flow_counts_both_ways(store):
    row = segment_flows.net_flow(store, store.period).iloc[0]
    assert (row["lost"], row["regained"], row["net"]) == (0, 10, -10)
    assert row["action"] == "gaining"
    assert np.isnan(row["net_value"])


def test_without_a_previous_period_nothing_is_said(store):
    with pytest.raises(MissingTable, match="short"):
        segment_flows.segment_flows(store, month_of(date(2024, 1, 1)))


def test_the_order_of_rows_changes_no_movement(store, tmp_path):
    orders = random.Random(3).sample(_orders(), len(_orders()))
    accounts = [{"customer_id": f"a{i}", "registered_at": "2024-01-01"} for i in range(30)]
    with a_store(tmp_path, "2024-04", orders=orders, customers=accounts) as other:
        found = segment_flows.segment_flows(other, other.period)
    assert found.equals(segment_flows.segment_flows(store, store.period))


tables = st.integers(2, 8).flatmap(
    lambda rows: st.lists(
        st.lists(st.one_of(st.just(0), st.integers(0, 40), st.integers(100, 900)),
                 min_size=7, max_size=7),
        min_size=rows, max_size=rows,
    )
)  # fmt: skip


@given(tables)
def test_no_count_of_one_to_nine_is_shown_or_told_by_a_sum(counts):
    table = np.array(counts, dtype=float)
    hidden = segment_flows.protected(table)
    shown = table[~hidden]
    assert not ((shown > 0) & (shown < 10)).any()
    for lines, blanks in ((table, hidden), (table.T, hidden.T)):
        for line, gone in zip(lines, blanks, strict=True):
            if gone.any() and not gone.all():
                assert gone.sum() > 1
                assert line[gone].sum() >= 10


def test_a_table_without_small_counts_stays_whole():
    assert not segment_flows.protected(np.array([[10.0, 0], [25, 300]])).any()
