"""One font for figures and Chinese: only the glyphs used, as data, under its licence."""

import base64
import io
import re

from fontTools.ttLib import TTFont

from helpers.report import fonts


def embedded(rule):
    data = re.search(r"base64,([^)]+)\)", rule)[1]
    return TTFont(io.BytesIO(base64.b64decode(data)))


def test_a_page_carries_the_glyphs_that_it_uses_and_no_more():
    font = embedded(fonts.font_face(["复购率 28.4%", "¥45.7万"]))
    assert set("复购率28.4%¥57万") <= {chr(code) for code in font.getBestCmap()}
    assert ord("龙") not in font.getBestCmap()


def test_the_same_letters_give_the_same_bytes():
    fonts._subset.cache_clear()
    first = fonts.font_face(["复购"])
    fonts._subset.cache_clear()
    assert fonts.font_face(["购复"]) == first


def test_the_licence_travels_with_the_font():
    rule = fonts.font_face(["a"])
    assert "SIL Open Font License" in rule
    names = embedded(rule)["name"]
    assert "SIL Open Font License" in names.getDebugName(13)


def test_what_the_font_lacks_is_named():
    assert fonts.uncovered("复购 ok") == set()
    assert fonts.uncovered("a\U0001f600") == {"\U0001f600"}
