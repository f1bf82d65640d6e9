"""Tables: units in the header, small groups hidden, names in the language, all rows kept."""

import re

import pandas as pd
import pytest

from helpers.report import tables
from helpers.report.voice import Voice
from tests.report.shop import report, segments

ENGLISH, CHINESE = (Voice("20_demo", language, "CNY") for language in ("en", "zh"))
TWO_SUMS = tables.Layout({"segment": "value", "net_sales": "money", "paid_sales": "money"})
LAYOUT = tables.Layout({"segment": "value", "customers": "customers", "net_sales": "money"})


FIGURE = re.compile(r'<span class="sr-c" data-fact="([^"]+)" data-field="([^"]+)">(.*?)</span>')


def cells(html):
    html = FIGURE.sub(r"\3", html)
    body = re.search(r"<tbody>(.*?)</tbody>", html, re.DOTALL)[1]
    rows = re.findall(r"<tr>(.*?)</tr>", body, re.DOTALL)
    return [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL) for row in rows]


def test_figures_share_the_scale_that_stands_in_the_header():
    html = tables.table_html(ENGLISH, "segments", segments(None, None), LAYOUT)
    assert '<th scope="col" class="sr-num">Net sales <span class="sr-unit">¥m</span>' in html
    assert [row[2] for row in cells(html)] == ["12.3", "9.9", "4.6", "0.0"]
    chinese = tables.table_html(CHINESE, "segments", segments(None, None), LAYOUT)
    assert '净销售额 <span class="sr-unit">万元</span>' in chinese


def test_columns_of_money_in_one_table_share_their_unit():
    frame = segments(None, None).assign(net_sales=[485_000.0, 2_060.0, 90.0, 0.0])
    frame["paid_sales"] = [-2_060.0, 312.0, 0.0, 45.0]
    english = tables.table_html(ENGLISH, "segments", frame, TWO_SUMS)
    assert english.count('<span class="sr-unit">¥k</span>') == 2
    assert [row[2] for row in cells(english)] == ["−2.1", "0.3", "0.0", "0.0"]
    chinese = tables.table_html(CHINESE, "segments", frame, TWO_SUMS)
    assert '<span class="sr-unit">万元</span>' in chinese
    assert [row[2] for row in cells(chinese)] == ["−2,060", "312", "0", "45"]


def test_groups_below_ten_are_hidden_on_the_page_and_in_the_record():
    html = tables.table_html(ENGLISH, "segments", segments(None, None), LAYOUT)
    assert cells(html)[3][1] == "&lt;10"
    record = tables.table_record([ENGLISH, CHINESE], "segments", segments(None, None), LAYOUT)
    assert [row[1] for row in record["rows"]] == [4210.0, 12870.0, 9033.0, "<10"]


def test_only_the_top_rows_are_on_the_page_and_all_in_the_record():
    layout = tables.Layout({"segment": "value"}, top=2)
    html = tables.table_html(ENGLISH, "segments", segments(None, None), layout)
    record = tables.table_record([ENGLISH, CHINESE], "segments", segments(None, None), layout)
    assert cells(html) == [["Champions"], ["Loyal"]]
    assert len(record["rows"]) == 4
    assert record["rows"][0] == [{"en": "Champions", "zh": "冠军客户"}]


def test_an_interval_stands_small_beside_its_value_and_in_columns_of_the_record():
    layout = tables.Layout({"segment": "value", "rate": "ratio"}, {"rate": ("low", "high")})
    html = tables.table_html(ENGLISH, "segments", segments(None, None), layout)
    assert cells(html)[0][1] == '71.0 <span class="sr-range">69.0–73.0</span>'
    assert cells(html)[3][1] == "—"
    record = tables.table_record([ENGLISH, CHINESE], "segments", segments(None, None), layout)
    assert [column["name"] for column in record["columns"]] == ["segment", "rate", "low", "high"]
    assert record["columns"][2]["header"]["zh"] == "复购率 （95%下限）"
    assert record["rows"][3] == [{"en": "Lost", "zh": "已流失"}, None, None, None]


def test_a_name_with_a_chinese_twin_is_shown_in_the_language():
    frame = pd.DataFrame({"segment": ["Teapot", "Cup"], "segment_zh": ["茶壶", None]})
    layout = tables.Layout({"segment": "text"})
    assert cells(tables.table_html(CHINESE, "segments", frame, layout)) == [["茶壶"], ["Cup"]]
    assert cells(tables.table_html(ENGLISH, "segments", frame, layout)) == [["Teapot"], ["Cup"]]


def test_a_change_carries_its_sign():
    layout = tables.Layout({"segment": "value", "change": "+pp"})
    html = tables.table_html(ENGLISH, "segments", segments(None, None), layout)
    assert [row[1] for row in cells(html)] == ["+1.20", "−0.40", "−3.10", "—"]


def test_a_status_is_a_shape_and_a_word():
    layout = tables.Layout({"segment": "value", "status": "status"})
    rows = cells(tables.table_html(ENGLISH, "segments", segments(None, None), layout))
    assert "▲" in rows[0][1]
    assert "On target" in rows[0][1]
    assert "▼" in rows[2][1]


def test_a_total_is_ruled_off_below_the_rows():
    layout = tables.Layout(LAYOUT.columns, total={"customers": 26_120, "net_sales": 26.8e6})
    html = tables.table_html(ENGLISH, "segments", segments(None, None), layout)
    assert "<tfoot><tr><td></td>" in html
    assert "26,120" in html.split("<tfoot>")[1]


def test_every_figure_says_where_it_stands_in_the_record_the_same_in_both_languages():
    layout = tables.Layout(
        {"segment": "value", "net_sales": "money", "rate": "ratio"},
        {"rate": ("low", "high")},
        total={"net_sales": 26.8e6},
    )
    frame = segments(None, None)
    record = tables.table_record([ENGLISH, CHINESE], "segments", frame, layout)
    places = [column["name"] for column in record["columns"]]
    english, chinese = (
        FIGURE.findall(tables.table_html(voice, "segments", frame, layout))
        for voice in (ENGLISH, CHINESE)
    )
    assert [found[:2] for found in english] == [found[:2] for found in chinese]
    for fact, field, shown in english:
        row = fact.removeprefix("20_demo/segments:")
        kept = (
            record["total"]
            if row == "total"
            else dict(zip(places, record["rows"][int(row)], strict=True))
        )
        divisor, decimals = {"net_sales": (1e6, 1)}.get(field, (0.01, 1))
        assert float(shown) == pytest.approx(kept[field] / divisor, abs=0.51 * 10**-decimals)


def test_names_from_outside_are_escaped():
    frame = pd.DataFrame({"segment": ["<img src=x onerror=alert(1)>"]})
    html = tables.table_html(ENGLISH, "segments", frame, tables.Layout({"segment": "text"}))
    assert "<img" not in html
    assert "&lt;img src=x" in html


def test_an_unknown_unit_is_refused_before_anything_is_drawn():
    with pytest.raises(ValueError, match="must be one of"):
        tables.Layout({"segment": "furlongs"})


def test_a_column_without_a_header_names_where_to_add_it():
    with pytest.raises(KeyError, match=r"text/en/demo\.toml"):
        report().table("segments", report().measure(segments), {"worth": "money"})
