"""The split of a change of clicks: exact, and right where the cause is known."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.measures import search_changes
from helpers.plan.periods import Period
from helpers.store.errors import MissingTable
from tests import search_shop
from tests.search_shop import a_term
from tests.stores import a_store
from tests.traffic_shop import MARCH

RANKS = {"a": (1, 2), "b": (2, 3), "c": (3, 4), "d": (4, 6), "e": (6, 3), "f": (2, 2)}


def weekly_rows() -> list[dict]:
    """Weeks of a year: click rate .12 / rank exactly; ranks change on 1 January; `f` doubles."""
    found = []
    for day in search_shop.weeks("2023-02-27", 57):
        late = day >= "2024-01-01"
        for term, ranks in RANKS.items():
            rank = ranks[late]
            shown = 1200 * (1 + (term == "f" and late))
            found.append(a_term(day, term, shown, shown * 12 // 100 // rank, position=float(rank)))
        if not late:
            found.append(a_term(day, "old", 1000, 50))
        else:
            found.append(a_term(day, "new", 1000, 70))
    return found


@pytest.fixture(scope="module")
def weekly(tmp_path_factory):
    tables = {**search_shop.LIGHT, "search_terms": weekly_rows()}
    with a_store(tmp_path_factory.mktemp("weeks"), "2024-03", **tables) as found:
        yield found


def test_the_slope_of_clicks_on_rank_is_found(weekly):
    row = search_changes.rank_and_clicks(weekly, MARCH).iloc[0]
    assert row["reading"] == "known"
    assert row["slope"] == pytest.approx(-1, abs=0.01)
    assert row["halved"] == pytest.approx(0.5, abs=0.005)


def test_each_cause_takes_what_it_moved(weekly):
    found = search_changes.search_movers(weekly, MARCH).set_index("term")
    fell = found.loc["a"]
    assert (fell["clicks"], fell["before"], fell["against"]) == (4 * 72, 4 * 144, "last_year")
    assert fell["rank_effect"] == pytest.approx(-4 * 72, abs=2)
    assert fell["demand_effect"] == pytest.approx(0)
    assert (fell["main_effect"], fell["state"]) == ("rank", "down")
    assert found.loc["f", "demand_effect"] == pytest.approx(4 * 72)
    assert found.loc["f", "main_effect"] == "demand"
    assert (found.loc["new", "state"], found.loc["old", "state"]) == ("new", "gone")
    assert found.loc["new", "demand_effect"] == 280
    assert found.loc["a", "is_clear"]


def test_the_pieces_of_every_term_and_of_the_bridge_add_up(weekly):
    found = search_changes.search_movers(weekly, MARCH)
    parts = found[["demand_effect", "rank_effect", "rest_effect"]].sum(axis=1)
    assert parts.tolist() == pytest.approx(found["change"].tolist())
    bridge = search_changes.search_bridge(weekly, MARCH).set_index("search_step")
    assert bridge.loc["now", "value"] == found["clicks"].sum()
    middle = bridge.loc[~bridge["is_total"], "value"].sum()
    assert bridge.loc["before", "value"] + middle == pytest.approx(bridge.loc["now", "value"])
    assert (bridge.loc["new", "value"], bridge.loc["gone", "value"]) == (280, -200)


@settings(max_examples=60)
@given(
    st.tuples(*[st.integers(0, 10**6)] * 4),
    st.tuples(*[st.floats(1, 50)] * 2),
    st.floats(0.5, 2),
)
def test_any_change_splits_without_rest(counts, ranks, scale):
    shown, before, clicks, clicks_before = counts
    parts = search_changes._effects(*counts, ranks=ranks, slope=-0.7, scale=scale)
    change = clicks - clicks_before * scale
    assert sum(parts.values()) == pytest.approx(change, abs=1e-6 * (1 + shown + before))


def test_a_day_that_is_good_for_all_is_no_noise_of_a_term():
    import pandas as pd

    swing = pd.Series([100.0, 500, 200, 900, 50, 400, 300, 800] * 4)
    grid = {"now": 5 * swing, "then": 5 * swing}
    error, _ = search_changes._noise(swing, swing, grid)
    assert error == pytest.approx((2 * swing.sum()) ** 0.5)
    alone, _ = search_changes._noise(swing, swing, {"now": 0 * swing + 900, "then": 5 * swing})
    assert alone > 2 * error


def test_without_a_year_before_the_previous_period_is_compared(weekly):
    january = Period(date(2024, 1, 1), date(2024, 1, 31), "month")
    found = search_changes.search_movers(weekly, january)
    assert set(found["against"]) == {"previous"}
    assert found.set_index("term").loc["a", "before"] == pytest.approx(144 * 5)
    with pytest.raises(MissingTable):
        search_changes.search_movers(weekly, january, against="last_year")
    with pytest.raises(ValueError, match="against"):
        search_changes.search_movers(weekly, MARCH, against="yesterday")
