"""What a figure states can be looked up: labels, marks and the published rows say the same."""

import re
import xml.etree.ElementTree as ElementTree

import pandas as pd
import pytest

from helpers.report import charts, figures, sheet
from helpers.report.charts.figure import NARROW_PX, WIDE_PX, Canvas
from helpers.report.text.template import given_html, time_html
from helpers.report.voice import Voice
from tests.report import shop

ENGLISH, CHINESE = (Voice("20_demo", language, "CNY") for language in ("en", "zh"))


def stated(svg):
    """Text, fact and fields of every label and mark of a drawing, in order."""
    return [
        ("".join(element.itertext()).strip(), element.get("data-fact"), element.get("data-field"))
        for element in ElementTree.fromstring(svg).iter()
        if element.get("data-fact")
    ]


def bars(voice=ENGLISH, width=WIDE_PX, **options):
    frame = shop.channels(None, None)
    canvas = Canvas("figure", voice, width, "20_demo/channels")
    return charts.bars(
        canvas, frame, label="channel", value="cost", unit="money", low="low", high="high", n="n",
        **options,
    )  # fmt: skip


def test_a_label_and_a_mark_state_fields_of_their_row():
    found = stated(bars().svg)
    assert ("¥182", "20_demo/channels:0", "cost") in found
    hover = ("Feed ads: ¥182 (¥160 – ¥205), n = 1,200", "20_demo/channels:0", "cost low high n")
    assert hover in found


def test_a_target_is_a_number_of_its_figure():
    drawn = bars(target=80.0)
    assert ("Target ¥80", "20_demo/channels", "target") in stated(drawn.svg)
    assert (drawn.sheet.target, drawn.sheet.target_unit) == (80.0, "money")


@pytest.mark.parametrize("width", [WIDE_PX, NARROW_PX])
def test_both_languages_state_the_same_in_the_same_order(width):
    english, chinese = (stated(bars(voice, width).svg) for voice in (ENGLISH, CHINESE))
    assert [one[1:] for one in english] == [one[1:] for one in chinese]


def test_ticks_of_an_axis_are_told_apart_from_numbers():
    frame = shop.monthly(shop.FakeStore(), None)
    canvas = Canvas("figure", ENGLISH, fact="20_demo/monthly")
    drawn = charts.trend(canvas, frame, x="month", y="rate", unit="ratio")
    assert len(re.findall(r'<g class="sr-axis">', drawn.svg)) > 4
    last = len(frame) - 1
    assert stated(drawn.svg)[0][1:] == (f"20_demo/monthly:{last}", "rate")


def test_what_a_row_of_a_grid_rests_on_is_stated_beside_its_name():
    frame = shop.cohorts(None, None)
    canvas = Canvas("figure", ENGLISH, fact="20_demo/cohorts")
    drawn = charts.heatmap(
        canvas, frame, rows="cohort", columns="age", value="share", unit="ratio", n="buyers"
    )
    assert ("Dec 2024 (900)", "20_demo/cohorts:0", "buyers") in stated(drawn.svg)


def test_a_chart_of_few_customers_hides_them_in_its_marks_and_in_what_is_published():
    months = shop.months(2)
    frame = pd.DataFrame(
        {"month": [*months, *months], "kind": ["new", "new", "back", "back"],
         "customers": [7.0, 40.0, 500.0, 600.0]}
    )  # fmt: skip
    drawn = charts.stacked(
        Canvas("figure", ENGLISH, fact="20_demo/mix"), frame, x="month", series="kind",
        value="customers", unit="count", share=False,
    )  # fmt: skip
    assert "new Oct 2025: <10" in [text for text, _, _ in stated(drawn.svg)]
    assert drawn.sheet.as_json([ENGLISH])["columns"]["customers"] == [500.0, 600.0, "<10", 40.0]


def test_a_number_along_an_axis_keeps_its_decimals():
    assert [sheet.place(value) for value in (12, 1200.0, 0.25, 12345.5)] == [
        "12", "1,200", "0.25", "12,345.5",
    ]  # fmt: skip


def test_a_week_that_begins_with_a_month_is_still_a_day():
    assert sheet.place_unit(list(pd.to_datetime(["2025-11-24", "2025-12-01"]))) == "date"
    assert sheet.place_unit(list(shop.months(3))) == "month"


def test_a_number_of_a_catalogue_is_marked_as_given_and_stays_escaped():
    assert given_html("it's 90 days & 1,000 more") == (
        'it&#x27;s <span class="sr-given">90</span> days &amp; '
        '<span class="sr-given">1,000</span> more'
    )


def test_a_month_carries_its_date():
    day = pd.Timestamp("2025-11-01")
    assert time_html("Nov 2025", day, "month") == '<time datetime="2025-11">Nov 2025</time>'


def test_the_rows_on_the_page_are_numbers_of_the_table(found, record):
    html = found["segments"].html["en"]
    assert 'data-fact="20_demo/segments.rows" data-field="all">4</span>' in html
    assert record["figures"]["20_demo/segments.rows"] == {
        "shown": {"value": 3, "unit": "integer"},
        "all": {"value": 4, "unit": "integer"},
    }
    assert figures.shown_rows((3, 4)) == {"shown": 3, "all": 4}
