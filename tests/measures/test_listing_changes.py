"""What a changed title did, on weeks of clicks written by hand."""

from __future__ import annotations

from datetime import date

import pytest

from helpers.measures import listing_changes
from helpers.plan.periods import Period
from tests import search_shop
from tests.search_shop import a_term
from tests.stores import a_store

PERIOD = Period(date(2024, 3, 1), date(2024, 3, 31))
PRODUCTS = [f"P{i}" for i in range(1, 13)]


def clicks(product: str, day: str, week: int) -> int:
    """100 a week with a ripple; P1 doubles, P2 halves, P3 stays, P4 rises before its change."""
    level = 200 + 10 * ((week * 7 + int(product[1:]) * 3) % 5)
    if product == "P1" and day >= "2024-01-01":
        level *= 2
    if product == "P2" and day >= "2024-01-01":
        level //= 2
    if product == "P4":
        level *= 3 if day >= "2023-12-04" else 1
    return level


def terms() -> list[dict]:
    found = []
    for week, day in enumerate(search_shop.weeks("2023-10-30", 21)):
        for product in PRODUCTS:
            n = clicks(product, day, week)
            found.append(a_term(day, f"term {product}", 10 * n, n, n // 10, product_id=product))
        found.append(a_term(day, "shared", 3000, 300 if day < "2024-01-01" else 270,
                            product_id="P9"))  # fmt: skip
        found.append(a_term(day, "shared", 300, 30, product_id="P1"))
        found.append(a_term(day, "elenne", 900, 900, product_id="P1", is_brand=True))
    return found


def pages() -> list[dict]:
    def page(product: str, day: str, title: str | None, version: str, **more) -> dict:
        return {"product_id": product, "valid_from": day, "title": title, "page_version": version,
                "title_zh": None, **more}  # fmt: skip

    found = [page(p, "2023-01-01", f"Linen | {p}", "a", title_zh="亚麻") for p in PRODUCTS]
    found += [page(p, "2023-12-01", f"Linen | {p}", "a", title_zh="亚麻", rating=4.5)
              for p in PRODUCTS]  # fmt: skip
    found += [
        page("P1", "2024-01-01", "Washed Linen | P1", "a", title_zh="水洗亚麻"),
        page("P2", "2024-01-01", "Linen | P2", "b"),
        page("P3", "2024-01-01", "Flax | P3", "b"),
        page("P4", "2024-01-01", "Soft Linen | P4", "a"),
        page("P5", "2024-03-10", "Soft Linen | P5", "a"),
        page("P6", "2024-04-10", "Soft Linen | P6", "a"),
    ]
    return found


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    tables = {**search_shop.LIGHT, "search_terms": terms(), "listings": pages()}
    with a_store(tmp_path_factory.mktemp("pages"), "2024-03", **tables) as store:
        yield listing_changes.listing_changes(store, PERIOD).set_index("product_id")


def test_a_title_that_doubled_the_clicks_of_its_terms_is_better(found):
    row = found.loc["P1"]
    assert row["outcome"] == "better"
    assert row["low"] < 430 / 230 - 1 < row["high"]
    assert row["effect"] == pytest.approx(2 * 220 / 220 - 1, abs=0.2)
    assert (row["changed"], row["added"], row["added_zh"]) == ("title", "Washed", "水洗")


def test_a_product_that_shares_a_term_is_no_comparison(found):
    assert found.loc["P1", "controls"] == 7
    assert found.loc["P2", "controls"] == 8


def test_a_page_that_halved_them_is_worse_and_costs_what_is_missing(found):
    row = found.loc["P2"]
    assert (row["outcome"], row["changed"]) == ("worse", "page")
    assert row["effect"] == pytest.approx(-0.5, abs=0.05)
    assert row["clicks_month"] == pytest.approx(-110 / 7 * 30.4, rel=0.15)
    assert row["worth_low"] < row["worth"] < row["worth_high"] < 0


def test_a_change_without_effect_is_not_enough_evidence(found):
    row = found.loc["P3"]
    assert (row["outcome"], row["changed"]) == ("not_enough", "both")
    assert row["low"] < 0 < row["high"]


def test_what_moved_before_the_change_is_no_effect_of_it(found):
    assert found.loc["P4", "outcome"] == "trend_before"


def test_young_changes_wait_and_later_ones_are_not_known(found):
    assert found.loc["P5", "outcome"] == "too_early"
    assert "P6" not in found.index
