"""Search terms, the brand among them, and customers won by search; counted by hand."""

from __future__ import annotations

import pytest

from helpers.measures import listing_changes, search_terms
from helpers.store.errors import MissingTable
from tests import search_shop
from tests.stores import a_store
from tests.traffic_shop import MARCH, NEW_IN_MARCH, one


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    rows = search_shop.march(2023, linen=10) + search_shop.march()
    tables = {**search_shop.TABLES, "search_terms": rows}
    with a_store(tmp_path_factory.mktemp("search"), "2024-03", **tables) as found:
        yield found


def test_customers_of_search_are_a_share_of_the_new_ones(shop):
    row = one(search_terms.organic_customer_share, shop)
    assert (row["numerator"], row["denominator"]) == (12, NEW_IN_MARCH)
    assert row["low"] < row["value"] < row["high"]


def test_rates_are_clicks_and_buyers_of_all_terms(shop):
    clicks = 31 * (20 + 20 + 10 + 5)
    assert one(search_terms.search_click_rate, shop)["value"] == pytest.approx(clicks / (31 * 590))
    buyers = one(search_terms.search_conversion, shop)
    assert (buyers["numerator"], buyers["denominator"]) == (31 * 3 + 6 + 9, clicks)
    assert one(search_terms.brand_search_share, shop)["value"] == pytest.approx(20 / 55)


def test_the_brand_stands_apart_from_goods(shop):
    found = search_terms.search_intents(shop, MARCH).set_index("intent")
    assert list(found.index) == ["brand", "generic", "all"]
    assert found.loc["generic", "click_share"] == pytest.approx(35 / 55)
    assert found.loc["generic", "position"] == pytest.approx((450 * 2 + 100 * 4) / 550)
    assert found.loc["generic", "growth"] == pytest.approx(35 / 25 - 1)
    assert found.loc["brand", "growth"] == 0
    assert found.loc["all", "buyers"] == 31 * 3 + 15


def test_terms_come_by_clicks_and_few_buyers_stay_hidden_with_no_rest_to_tell_them(shop):
    found = search_terms.search_terms(shop, MARCH)
    assert list(found["term"]) == ["elenne", "linen", "silk", "wool"]
    assert found["clicks"].tolist() == [620, 620, 310, 155]
    assert found["buyers"].tolist()[:2] == [62, 31]
    assert found["buyers"].isna().tolist() == [False, False, True, True]
    assert found["conversion"].isna().tolist() == [False, False, True, True]


def test_one_small_term_takes_the_next_with_it():
    import pandas as pd

    frame = pd.DataFrame({"buyers": [40.0, 12, 30, 4], "conversion": 0.1})
    found = search_terms.hide_with_complement(frame, ("buyers", "conversion"))
    assert found["buyers"].isna().tolist() == [False, True, False, True]
    total = pd.DataFrame({"buyers": [4.0, 40, 44]})
    assert (
        search_terms.hide_with_complement(total, ("buyers",), total=True)["buyers"].isna().sum()
        == 2
    )


def test_months_say_visitors_and_new_customers_where_known(shop):
    found = search_terms.organic_months(shop, MARCH)
    last = found[found["month"] == "2024-03-01"].set_index("share_of")["value"]
    assert last["new_customers"] == pytest.approx(12 / NEW_IN_MARCH)
    assert last["visitors"] == pytest.approx(100 / 450)


def test_search_says_what_it_lacks(shop):
    with pytest.raises(MissingTable) as lack:
        search_terms.search_terms(shop, MARCH.previous())
    assert lack.value.why == "short"


def test_a_source_of_weeks_without_marks_of_the_brand(tmp_path):
    rows = [search_shop.a_term(day, "linen", 100, 10 + i % 3, 1)
            for i, day in enumerate(search_shop.weeks("2024-03-04", 4))]  # fmt: skip
    rows = [{k: v for k, v in row.items() if k != "is_brand"} for row in rows]
    pages = [{"product_id": "P1", "valid_from": "2023-01-01", "rating": 4.5}]
    tables = {**search_shop.LIGHT, "search_terms": rows, "listings": pages}
    with a_store(tmp_path, "2024-03", **tables) as weekly:
        row = one(search_terms.search_click_rate, weekly)
        assert (row["n"], row["numerator"], row["denominator"]) == (4, 43, 400)
        assert set(search_terms.search_terms(weekly, MARCH)["intent"]) == {"unknown"}
        with pytest.raises(MissingTable):
            search_terms.search_intents(weekly, MARCH)
        with pytest.raises(MissingTable, match="listings"):
            listing_changes.listing_changes(weekly, MARCH)
