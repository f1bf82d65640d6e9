"""The front page: what is left out, what stands beside a figure, what happened, what comes next."""

import re
from dataclasses import replace
from datetime import date

import pytest

from helpers.plan import metrics
from helpers.plan.targets import Target
from helpers.report import beside, front
from helpers.report.findings import Finding
from helpers.report.text.template import to_text
from helpers.report.voice import Voice
from tests.report import shop

ENGLISH, CHINESE = (Voice("90_evaluation", language, "CNY") for language in ("en", "zh"))
BARE = Finding("return_on_spend", "multiple", shop.NOVEMBER, value=1.75, low=1.34, high=2.16, n=30)


def words(html):
    return re.sub(r"<[^>]+>", " ", html).replace("\N{NO-BREAK SPACE}", " ")


def said(finding, voice=ENGLISH):
    return words(beside.beside_html(finding.as_fact("10_traffic"), voice))


def test_a_figure_without_anything_beside_it_has_no_line():
    assert said(BARE) == ""


@pytest.mark.parametrize(
    ("line", "english", "chinese"),
    [
        (2.58, "it loses money", "亏损"),
        (1.2, "it pays", "有钱赚"),
        (2.0, "not enough evidence", "尚难判断"),
    ],
)
def test_break_even_is_told_only_where_the_interval_leaves_no_doubt(line, english, chinese):
    finding = replace(BARE, break_even=line)
    assert english in said(finding)
    assert chinese in said(finding, CHINESE)


def test_a_share_of_spend_below_its_break_even_pays():
    share = Finding("marketing_share", "ratio", shop.NOVEMBER, value=0.24, break_even=0.34)
    assert "Below break-even" in said(share)
    assert "it pays" in said(share)


def test_money_still_provisional_is_told_without_what_is_projected():
    sales = Finding("net_sales", "money", shop.NOVEMBER, value=864e3, observed=916e3,
                    provisional=True)  # fmt: skip
    assert "As booked so far: ¥916k" in " ".join(said(sales).split())
    assert said(replace(sales, provisional=False)) == ""


def test_the_plan_tells_from_where_to_where_and_by_when():
    row = Target("conversion_rate", "min", 0.04, 0.025, "", date(2025, 12, 31), "plan 1.3")
    goal = Finding("conversion_rate", "ratio", shop.NOVEMBER, value=0.026, target_row=row,
                   peers_average=0.03, peers_best=0.042)  # fmt: skip
    assert "from 2.5 % to 4 % by 31 Dec 2025" in " ".join(said(goal).split())
    assert "Similar shops" in said(goal)
    assert "同行平均" in said(goal, CHINESE)
    assert "同行优秀" in said(goal, CHINESE)


def test_every_number_beside_a_figure_is_marked_with_its_fact():
    finding = replace(BARE, break_even=2.58)
    html = beside.beside_html(finding.as_fact("10_traffic"), ENGLISH)
    assert 'data-fact="return_on_spend" data-field="break_even"' in html


@pytest.mark.parametrize("name", [*front.GOALS, *front.FIGURES])
def test_every_card_of_the_front_page_is_in_the_contract(name):
    assert name in metrics.load()


def test_cards_that_the_store_cannot_tell_are_left_out_and_twelve_are_the_most():
    def fact(name, value):
        entry = metrics.metric(name)
        return Finding(name, entry.unit, shop.NOVEMBER, value=value).as_fact("90_evaluation")

    known = [fact(name, 1.0) for name in (*front.GOALS, *front.FIGURES)]
    known[4] = fact(front.FIGURES[1], None)
    goals, figures = front.cards({"90_evaluation": {"cards": known}}, ENGLISH)
    assert goals.count("sr-card-name") == 3
    assert figures.count("sr-card-name") == front.MOST_CARDS - 3
    assert metrics.metric(front.FIGURES[1]).name["en"] not in figures


def test_what_a_chapter_lets_stand_there_is_shown_but_no_notice(made):
    made.on_front(made.sentence("one_number", n=3))
    made.on_front(made.table("segments", made.measure(shop.no_spend), {"segment": "text"}))
    records = {"20_demo": dict(made.record().record)}
    html = front.shown(records, "20_demo", "one_number", "en")
    assert "3 orders were paid" in " ".join(words(html).split())
    assert front.shown(records, "20_demo", "segments", "en") == ""
    assert front.shown(records, "90_evaluation", "one_number", "en") == ""


def test_money_on_the_shops_own_data_comes_first_and_a_months_counts_for_a_year():
    def action(key, worth, **more):
        said = {"en": key}
        return {"chapter": "20_demo", "key": key, "rank": 1, "worth": worth, "text": said,
                "html": said, **more}  # fmt: skip

    own = [action("once", 100.0), action("monthly", 20.0, per_year=12)]
    records = {"20_demo": {"actions": [action("claimed", 900.0, claim=True), *own]}}
    listed = [{"chapter": "20_demo", "file": "20_demo.html"}]
    found = front.decisions(records, listed, Voice("20_demo", "en", "CNY"))
    assert [one["text"] for one in found] == ["monthly", "once"]
    assert "a month" in found[0]["worth"]
    assert "a month" not in found[1]["worth"]


def test_the_next_event_is_told_with_its_days_and_only_where_it_is_near():
    text = re.sub(r"<[^>]+>", "", front.next_event("2024-12-20", ENGLISH))
    assert "New Year goods festival" in text
    assert "12 days" in text.replace("\N{NO-BREAK SPACE}", " ")
    assert "年货节" in front.next_event("2024-12-20", CHINESE)
    assert front.next_event("2035-11-30", ENGLISH) == ""


def test_a_store_abroad_is_told_of_events_that_it_has():
    abroad = Voice("90_evaluation", "en", "GBP")
    assert front.next_event("2011-11-30", abroad) == ""
    assert "Black Friday" in front.next_event("2024-11-20", abroad)


def test_a_template_can_state_what_stands_beside_a_finding():
    finding = replace(BARE, peers_average=1.9)
    pieces = ENGLISH.fill("{x.peers_average}", {"x": finding}, "k")
    assert to_text(pieces).startswith("1.9")
    assert pieces[0].field == "peers_average"
