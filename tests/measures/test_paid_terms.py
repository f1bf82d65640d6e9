"""Search terms that are paid for, on the shop of `paid_shop`: a buyer of the ads spends 100."""

from __future__ import annotations

import pytest

from helpers.measures import organic_actions, paid_returns, paid_terms
from tests import paid_shop, search_shop
from tests.search_shop import a_term
from tests.stores import a_store
from tests.traffic_shop import MARCH

MONTHS = 90 / (365.25 / 12)


def rows() -> list[dict]:
    """Thirteen weeks; what an ad on a term costs, its clicks and buyers, and the free results."""
    found = []
    paid = {"elenne": (100, 100, 20, 200), "junk": (200, 100, 0, 200), "thin": (50, 50, 4, 400),
            "rare": (1, 1, 0, 100), "few": (300, 100, 0, 300)}  # fmt: skip
    for week, day in enumerate(search_shop.weeks("2024-01-01", 13)):
        for term, (spend, clicks, buyers, shown) in paid.items():
            bought = 1 if term == "few" and week < 2 else buyers
            found.append(a_term(day, term, shown, clicks, bought, channel="onsite_ads", spend=spend,
                                is_brand=term == "elenne"))  # fmt: skip
        found.append(a_term(day, "elenne", 100, 60, 10, is_brand=True, position=1.0))
        found.append(a_term(day, "thin", 100, 10, 1, position=3.0))
        found.append(a_term(day, "next", 2000, 40, 10, position=6.0))
        found.append(a_term(day, "high", 2000, 40, 10, position=2.0))
        found.append(a_term(day, "weak", 2000, 40, 1, position=6.0))
    return found


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    tables = {**paid_shop.TABLES, "search_terms": rows()}
    with a_store(tmp_path_factory.mktemp("terms"), "2024-03", **tables) as found:
        yield found


def test_terms_are_judged_by_what_their_buyers_return(shop):
    found = paid_terms.paid_terms(shop, MARCH).set_index("term")
    assert found.loc["junk", "judgement"] == "exclude"
    assert found.loc["elenne", "judgement"] == "overlap"
    assert found.loc["thin", "judgement"] == "pays"
    assert found.loc["rare", "judgement"] == "cannot_tell"
    weeks = 12
    assert found.loc["elenne", "spend"] == pytest.approx(100 * weeks / MONTHS)
    assert found.loc["elenne", "value"] == pytest.approx(20 * 100 / 100)
    assert found.loc["elenne", "position"] == 1


def test_terms_of_few_buyers_hide_them_and_are_judged_as_ten(shop):
    row = paid_terms.paid_terms(shop, MARCH).set_index("term").loc["few"]
    assert row[["buyers", "conversion", "value", "low", "high"]].isna().all()
    assert row["judgement"] == "exclude"
    line = row["line"]
    assert row["worth"] == pytest.approx(row["spend"] * (1 - 10 * 100 / (300 * 12) / line))


def test_a_pause_is_worth_between_all_buyers_lost_and_none(shop):
    row = paid_terms.paid_terms(shop, MARCH).set_index("term").loc["elenne"]
    assert row["worth_high"] == row["spend"]
    assert row["worth_low"] == pytest.approx(row["spend"] * (1 - row["value"] / row["line"]))


def test_the_next_keyword_sells_for_free_at_a_low_rank_without_a_bid(shop):
    found = paid_terms.next_keywords(shop, MARCH)
    assert list(found["term"]) == ["next"]
    row = found.iloc[0]
    bids = [(200, 100, 200), (50, 50, 400), (1, 1, 100), (300, 100, 300)]
    spend, clicks, shown = (sum(one[i] for one in bids) for i in range(3))
    assert row["cpc"] == pytest.approx(spend / clicks)
    expected = 2000 * 12 / MONTHS * clicks / shown
    assert row["clicks_month"] == pytest.approx(expected)
    lines = paid_returns.break_evens(shop, MARCH).set_index("channel")
    kept = 100 / lines.loc["onsite_ads", "break_even"]
    assert row["worth"] == pytest.approx(expected * (0.25 * kept - spend / clicks))
    assert 0 < row["worth_low"] < row["worth"] < row["worth_high"]


def test_keyword_actions_come_surest_first(shop):
    found = organic_actions.keyword_actions(shop, MARCH)
    assert found["action"].tolist() == ["exclude", "exclude", "bid", "test_pause"]
    assert found["term"].tolist() == ["few", "junk", "next", "elenne"]
