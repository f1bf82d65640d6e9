"""Search terms and listings: parts of what the shop's days hold, and what moves them."""

import math
from dataclasses import replace

import pytest

from helpers.store.sample import PLAIN, generate
from tests.store.sample.conftest import Shop, open_shop

CHANGED = {"2024-02-06": 1.35, "2024-04-26": 0.7}


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """A plain shop in which only titles and places move terms."""
    folder, mechanisms = tmp_path_factory.mktemp("searched") / "shop", replace(PLAIN, search=True)
    return open_shop(folder, generate(folder, customers=30_000, months=15, mechanisms=mechanisms))


def test_listed_terms_bring_a_part_of_the_days_visitors_and_buyers(full):
    over, share = full.rows(
        "SELECT count(*) FILTER (s.clicks > t.visitors OR s.buyers > t.buyers OR s.worse > 0),"
        " sum(s.clicks) / sum(t.visitors) FROM (SELECT day, channel, sum(clicks) clicks,"
        " sum(buyers) buyers, count(*) FILTER (buyers > clicks OR clicks > impressions) worse"
        " FROM search_terms GROUP BY ALL) s JOIN traffic_daily t USING (day, channel)"
        " WHERE channel = 'organic_search'"
    )[0]
    assert over == 0
    assert 0.4 < share < 0.65


def test_money_on_terms_is_part_of_its_campaign(full):
    over, share = full.rows(
        "SELECT count(*) FILTER (s.spend > a.spend OR s.clicks > a.clicks OR s.shown >"
        " a.impressions), sum(s.spend) / sum(a.spend)::DOUBLE FROM (SELECT day, if(is_brand,"
        " 'keywords_brand', 'keywords_generic') campaign, sum(spend) spend, sum(clicks) clicks,"
        " sum(impressions) shown FROM search_terms WHERE channel = 'onsite_ads' GROUP BY ALL) s"
        " JOIN ad_spend a USING (day, campaign)"
    )[0]
    assert over == 0
    assert 0.7 < share < 1


@pytest.mark.parametrize("day", CHANGED)
def test_a_new_title_moves_the_clicks_of_its_terms_by_the_planted_factor(searched, day):
    change = next(of for of in searched.truth.sections["listings"]["changes"] if of["day"] == day)
    assert change["factor_on_organic_clicks"] == CHANGED[day]
    terms = ", ".join("'" + term.replace("'", "''") + "'" for term in change["terms"])
    after, before, since, until = searched.rows(
        f"WITH t AS (SELECT day >= DATE '{day}' AS later, sum(clicks) c FROM search_terms WHERE"
        f" channel = 'organic_search' AND NOT is_brand AND term IN ({terms})"
        f" AND abs(day - DATE '{day}' + 0.5) < 70 GROUP BY ALL), v AS (SELECT day >= DATE '{day}'"
        f" AS later, sum(visitors) n FROM traffic_daily WHERE channel = 'organic_search' AND"
        f" abs(day - DATE '{day}' + 0.5) < 70 GROUP BY ALL) SELECT sum(c) FILTER (later),"
        " sum(c) FILTER (NOT later), sum(n) FILTER (later), sum(n) FILTER (NOT later)"
        " FROM t JOIN v USING (later)"
    )[0]
    found = math.log(after / since / (before / until))
    assert found == pytest.approx(math.log(CHANGED[day]), abs=4 * math.sqrt(1 / after + 1 / before))


def test_places_fall_where_it_is_planted_and_only_there(searched):
    rows = searched.rows(
        "SELECT term, avg(position) FILTER (day > DATE '2024-11-30') / avg(position) FILTER"
        " (day < DATE '2024-01-01') FROM search_terms WHERE channel = 'organic_search'"
        " GROUP BY term"
    )
    planted = {
        of["term"]: of["place_factor_last_year"]
        for of in searched.truth.sections["search"]["terms"]
    }
    changed = {
        term for of in searched.truth.sections["listings"]["changes"] for term in of["terms"]
    }
    for term, found in rows:
        if term not in changed:
            assert found == pytest.approx(planted[term], rel=0.07), term


def test_titles_hold_the_terms_of_their_products_but_for_the_planted_gaps(full):
    rows = full.rows(
        "SELECT DISTINCT term, term_zh, lower(title), title_zh FROM search_terms JOIN (SELECT"
        " product_id, arg_max(title, valid_from) title, arg_max(title_zh, valid_from) title_zh"
        " FROM listings GROUP BY 1) USING (product_id)"
    )
    sections = full.truth.sections
    gaps = {of["term"] for of in sections["listings"]["not_in_title"]}
    wasted = {
        of["term"] for of in sections["search"]["terms"] if of["buyers_per_click_relative"] < 0.1
    }
    harmed = {
        term for of in sections["listings"]["changes"] for term in of["terms"]
        if of["factor_on_organic_clicks"] < 1
    }  # fmt: skip
    assert len(gaps) == 4
    for term, term_zh, title, title_zh in rows:
        words_in = all(word in title for word in term.split())
        chinese_in = all(
            part in title_zh for part in term_zh.replace("示例店铺", "示例店铺 ").split()
        )
        if term in gaps:
            assert not words_in
            assert not chinese_in
        elif term not in wasted | harmed:
            assert words_in, term
            assert chinese_in, term


def test_reviews_only_grow_and_a_report_of_them_changes_no_title(full):
    fewer, silent = full.rows(
        "SELECT count(*) FILTER (reviews < r), count(*) FILTER (title = t AND page_version"
        " <> p) FROM (SELECT *, lag(reviews) OVER w r, lag(title) OVER w t,"
        " lag(page_version) OVER w p FROM listings WINDOW w AS (PARTITION BY product_id"
        " ORDER BY valid_from))"
    )[0]
    assert fewer == 0
    pages = [of for of in full.truth.sections["listings"]["changes"] if of["kind"] == "page"]
    assert silent == len(pages)
