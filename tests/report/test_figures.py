"""Figures are inline SVG: text as text, ids of their own, nothing that reaches beyond them."""

import re
import xml.etree.ElementTree as ElementTree

import pytest

from helpers.report import charts, fonts
from helpers.report.charts import axis, figure
from helpers.report.charts.heatmap import luminance
from helpers.report.voice import Voice
from tests.report import shop

KINDS = ("monthly", "channels", "cohorts", "bridge", "mix", "fit", "many")


def drawings(html):
    return re.findall(r"<svg class=\"sr-svg\".*?</svg>", html, re.DOTALL)


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("key", KINDS)
def test_a_figure_is_well_formed_and_keeps_to_its_own_ids(found, key, language):
    for svg in drawings(found[key].html[language]):
        root = ElementTree.fromstring(svg)
        own = root.attrib["id"]
        ids = [e.attrib["id"] for e in root.iter() if "id" in e.attrib]
        assert len(ids) == len(set(ids))
        assert all(one.startswith(own) for one in ids)
        used = re.findall(r"url\(#([^)]+)\)", svg) + re.findall(r'href="#([^"]+)"', svg)
        assert set(used) <= set(ids)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_no_two_figures_of_a_page_share_an_id(found, language):
    html = "".join(block.html[language] for block in found.values())
    ids = re.findall(r'\sid="([^"]+)"', html)
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("key", KINDS)
def test_no_global_style_and_no_fixed_font_is_left(found, key):
    for svg in drawings(found[key].html["en"]):
        assert "<style" not in svg
        assert "font-family" not in svg
        assert "<metadata" not in svg


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("key", KINDS)
def test_every_letter_of_a_figure_has_a_glyph_in_the_font_that_the_page_embeds(
    found, key, language
):
    for svg in drawings(found[key].html[language]):
        texts = "".join(ElementTree.fromstring(svg).itertext())
        assert texts.strip()
        assert not fonts.uncovered(texts)


def test_chinese_labels_are_text_and_not_paths(found):
    (wide, _) = drawings(found["channels"].html["zh"])
    assert "抖音信息流" in wide


def test_marks_tell_their_value_on_hover(found):
    (wide, _) = drawings(found["channels"].html["en"])
    titles = [e.text for e in ElementTree.fromstring(wide).iter("title")]
    assert titles[0] == "Feed ads: ¥182 (¥160 – ¥205), n = 1,200"
    assert titles[3].endswith("n = <10")


def test_hover_marks_lie_on_the_bars(found):
    """The end of the longest bar is where its hover box ends."""
    (wide, _) = drawings(found["bridge"].html["en"])
    root = ElementTree.fromstring(wide)
    boxes = [e for e in root.iter("rect") if e.find("title") is not None]
    width = float(root.attrib["viewBox"].split()[2])
    assert len(boxes) == 6
    assert all(0 <= float(box.attrib["x"]) < width for box in boxes)
    total, last = boxes[0], boxes[-1]
    assert float(total.attrib["width"]) / float(last.attrib["width"]) == pytest.approx(
        61.2 / 15.7, rel=0.01
    )


def test_the_same_frame_gives_the_same_figure(found):
    assert shop.monthly_trend(shop.report()).html == found["monthly"].html


def test_a_figure_says_its_takeaway_to_those_who_cannot_see_it(found):
    for svg in drawings(found["channels"].html["en"]):
        assert ElementTree.fromstring(svg).attrib["aria-label"] == (
            "Feed ads pays ¥182 for a new customer"
        )


def test_immature_cohorts_are_blank(found):
    (wide, _) = drawings(found["cohorts"].html["en"])
    titles = [e.text for e in ElementTree.fromstring(wide).iter("title")]
    assert len(titles) == 78
    assert not any("nan" in title for title in titles)


def test_more_than_four_lines_become_small_multiples(found):
    (wide, _) = drawings(found["many"].html["en"])
    assert len(re.findall(r'id="[^"]*-axes_\d+"', wide)) == 8


def test_a_chart_with_dollars_is_not_read_as_a_formula():
    voice = Voice("20_demo", "en", "USD")
    canvas = figure.Canvas("dollars", voice)
    frame = shop.channels(None, None)
    svg = charts.bars(canvas, frame, label="channel", value="cost", unit="money").svg
    assert "$182" in svg


def test_names_from_outside_stay_text():
    frame = shop.channels(None, None).assign(channel=["<script>", "a&b", '"q"', "\x0bx$y$"])
    canvas = figure.Canvas("names", Voice("20_demo", "en", "CNY"))
    svg = charts.bars(canvas, frame, label="channel", value="cost", unit="money").svg
    texts = [e.text for e in ElementTree.fromstring(svg).iter("text")]
    assert {"<script>", "a&b", '"q"', "x$y$"} <= set(texts)
    assert "<script" not in svg


def test_labels_that_would_meet_are_pushed_apart_around_their_middle():
    assert axis.spread([1.0, 1.0, 5.0], 2.0) == [0.0, 2.0, 5.0]
    assert axis.spread([0.0, 3.0], 2.0) == [0.0, 3.0]


def test_white_on_black_is_twenty_one_to_one():
    """WCAG 2.2: contrast = (L1 + 0.05) / (L2 + 0.05), at most 21."""
    white, black = luminance((1, 1, 1)), luminance((0, 0, 0))
    assert (white + 0.05) / (black + 0.05) == pytest.approx(21)


@pytest.mark.parametrize("colour", [*figure.SERIES_TEXT, figure.INK, figure.SOFT, "#737373"])
def test_text_colours_reach_the_contrast_of_wcag_aa(colour):
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    assert 1.05 / (luminance(parts) + 0.05) >= 4.5


def test_a_unit_that_no_axis_can_have_is_refused():
    canvas = figure.Canvas("x", Voice("20_demo", "en", "CNY"))
    with pytest.raises(ValueError, match="must be one of"):
        charts.bars(canvas, shop.channels(None, None), label="channel", value="cost", unit="text")
