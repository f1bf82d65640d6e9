"""Titles that lack their terms and reviews that hold products back, counted by hand."""

from __future__ import annotations

import pytest

from helpers.measures import listing_signals, organic_actions
from tests import search_shop
from tests.search_shop import a_term
from tests.stores import a_store
from tests.traffic_shop import MARCH


def rows() -> list[dict]:
    """Click rate .12 / rank where the title holds the term, half of it for P7 and P8."""
    found = []
    for day in search_shop.weeks("2024-02-26", 5):
        for i in range(1, 9):
            rank = 1 + i % 4
            shown = 10_000
            clicks = shown * 12 // 100 // rank // (2 if i > 6 else 1)
            found.append(a_term(day, f"linen quilts {i}", shown, clicks, 20, product_id=f"P{i}",
                                position=float(rank)))  # fmt: skip
        found.append(a_term(day, "second hand", 10_000, 500, 0, product_id="P1"))
    return found


def pages() -> list[dict]:
    found = []
    for i in range(1, 9):
        title = f"Shop Quilt of Linen {i}" if i < 7 else "Shop Cover"
        stars = {2: 4.0}.get(i, 4.8)
        for day, reviews in (("2023-06-01", 100), ("2024-03-05", 200)):
            new = day > "2024"
            rating = 4.5 if i == 3 and new else 4.8 if i == 3 else stars
            count = {3: reviews * 10, 4: 12}.get(i, reviews)
            found.append({"product_id": f"P{i}", "valid_from": day, "title": title,
                          "title_zh": None, "rating": rating, "reviews": count})  # fmt: skip
    return found


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    tables = {**search_shop.LIGHT, "search_terms": rows(), "listings": pages()}
    with a_store(tmp_path_factory.mktemp("signals"), "2024-03", **tables) as found:
        yield found


@pytest.mark.parametrize(
    ("term", "title", "held"),
    [
        ("linen quilts", "Sample shop Quilt, Linen", True),
        ("dresses", "Summer Dress", True),
        ("glass", "Glasses", True),
        ("linen quilt", "Cotton Quilt", False),
        ("men", "Women's shirt", False),
    ],
)
def test_english_terms_stand_in_any_order_and_number(term, title, held):
    assert listing_signals.holds_english(term, title) is held


@pytest.mark.parametrize(
    ("term", "title", "held"),
    [
        ("亚麻四件套", "示例店铺雾蓝亚麻四件套 床品", True),
        ("真皮单肩包", "单肩包女 头层真皮", True),
        ("婚庆四件套", "示例店铺亚麻四件套", False),
        ("亚麻", "亚光麻布", False),
        ("包", "单肩包", True),
    ],
)
def test_chinese_terms_stand_in_pieces_of_two_signs_and_more(term, title, held):
    assert listing_signals.holds_chinese(term, title) is held


def test_titles_without_the_term_lose_half_of_the_clicks(shop):
    found = listing_signals.title_gaps(shop, MARCH)
    assert set(found["product_id"]) == {"P7", "P8"}
    assert found["difference"].tolist() == pytest.approx([-0.5, -0.5], abs=0.01)
    assert found["clicks_month"].tolist() == pytest.approx(found["clicks"].tolist(), rel=0.02)
    assert set(found["advice"]) == {"add"}
    ranks = found.set_index("product_id")["held_ctr"]
    assert ranks["P8"] == pytest.approx(0.12, rel=0.01)


def test_words_of_people_who_never_buy_are_no_gap(shop):
    assert "second hand" not in set(listing_signals.title_gaps(shop, MARCH)["term"])


def test_products_below_the_shop_stand_first_and_few_reviews_are_said(shop):
    found = listing_signals.review_signals(shop, MARCH).set_index("product_id")
    assert found.index[0] == "P2"
    states = found["review_state"]
    assert (states["P2"], states["P4"], states["P5"]) == ("below", "few", "fine")
    assert found.loc["P2", "rating_high"] == pytest.approx(4 + 1.96 * (3 / 200) ** 0.5)


def test_recent_stars_are_what_the_new_reviews_must_have_been(shop):
    found = listing_signals.review_signals(shop, MARCH).set_index("product_id")
    assert found.loc["P3", "recent"] == pytest.approx((4.5 * 2000 - 4.8 * 1000) / 1000)
    assert found.loc["P3", "review_state"] in ("below", "falling")


def test_actions_name_the_product_and_its_money(shop):
    found = organic_actions.organic_actions(shop, MARCH)
    added = found[found["action"] == "add"]
    assert len(added) == 2
    assert (added["worth_low"] <= added["worth"]).all()
    assert (found["action"] == "mend_reviews").any()
    assert found["clicks"].dropna().map(float.is_integer).all()
