"""Every page of real runs in a real browser: on a desk, on a phone and on paper."""

import base64
import io
import re
from itertools import pairwise

import pytest
from fontTools.ttLib import TTFont

from tests.pages.looking import DESK, HIGH, PAPER, PHONE, SLOW_MS, look_at

pytestmark = pytest.mark.slow
MOST_BYTES = 2_000_000
A4_HIGH = 1000


@pytest.fixture(scope="module", params=["published_sample", "published_retail"])
def looks(request, browser):
    """All pages of a run: front page and chapters, both languages."""
    folder = request.getfixturevalue(request.param)
    paths = sorted(folder.rglob("*.html"))
    assert len(paths) == 12
    return [look_at(browser, path, f"{path.relative_to(folder)}") for path in paths]


def told(looks, tell):
    """What there is to complain of, by page; nothing where all is well."""
    return {look.name: found for look in looks if (found := tell(look))}


def test_nothing_is_wider_than_the_window_or_the_paper(looks):
    def wide(look):
        widths = {DESK: look.at[DESK], PHONE: look.at[PHONE], PAPER: look.paper}
        return [width for width, seen in widths.items() if seen["wide"] > width]

    assert told(looks, wide) == {}


def test_the_embedded_font_has_a_glyph_for_every_sign_of_the_page(looks):
    def missing(look):
        data = re.search(r"data:font/woff2;base64,([^)]+)\)", look.text)[1]
        with TTFont(io.BytesIO(base64.b64decode(data)), lazy=True) as font:
            return sorted(look.letters - {chr(point) for point in font.getBestCmap()})

    assert told(looks, missing) == {}


def test_a_page_asks_for_nothing_and_the_browser_has_nothing_to_say(looks):
    def outside(look):
        return [url for url in look.asked if not url.startswith(("file:", "data:"))]

    assert told(looks, outside) == {}
    assert told(looks, lambda look: look.complaints) == {}


def test_axe_finds_nothing_serious(looks):
    assert told(looks, lambda look: look.findings) == {}
    assert told(looks, lambda look: look.structure["unnamed"]) == {}


def test_a_page_is_small_and_painted_within_a_second(looks):
    assert told(looks, lambda look: len(look.text.encode()) > MOST_BYTES) == {}
    assert told(looks, lambda look: look.paint_ms if look.paint_ms >= SLOW_MS else 0) == {}


@pytest.mark.parametrize("width", [DESK, PHONE])
def test_labels_of_figures_are_whole_apart_and_legible(looks, width):
    for fault in ("cut", "covered", "small"):
        assert told(looks, lambda look, fault=fault: look.at[width][fault]) == {}, fault


def test_headings_go_down_one_step_at_a_time(looks):
    def steps(look):
        levels = look.structure["levels"]
        first = levels[0] == 1 and levels.count(1) == 1
        return [] if first and all(b - a <= 1 for a, b in pairwise(levels)) else levels

    assert told(looks, steps) == {}


@pytest.mark.parametrize("width", [DESK, PHONE])
def test_the_first_screen_shows_the_verdict_and_the_first_card_or_headline(looks, width):
    def below(look):
        seen = look.at[width]
        card = seen["card"] if width == DESK else seen["value"]
        first = min((place for place in (card, seen["headline"]) if place), default=0)
        return [place for place in (seen["verdict"], first) if place and place > HIGH]

    assert told(looks, below) == {}
    assert all(look.at[width]["verdict"] for look in looks if look.is_chapter)


def test_contents_stand_at_the_side_of_a_desk_and_folded_at_the_top_of_a_phone(looks):
    places = {(look.at[width]["at_side"], look.at[width]["at_top"], width)
              for look in looks if look.is_chapter for width in (DESK, PHONE)}  # fmt: skip
    assert places == {(True, False, DESK), (False, True, PHONE)}


def test_every_link_leads_to_something(looks):
    assert told(looks, lambda look: look.structure["lost"]) == {}
    assert told(looks, lambda look: look.lost_files()) == {}


def test_on_paper_nothing_that_belongs_together_is_cut(looks):
    def torn(look):
        return [what for rule, height, what in look.paper["kept"]
                if rule != "avoid" or height > A4_HIGH]  # fmt: skip

    assert told(looks, torn) == {}


def test_on_paper_definitions_are_open_and_what_only_leads_elsewhere_is_left_out(looks):
    assert told(looks, lambda look: look.paper["hidden"]) == {}
    assert told(looks, lambda look: look.paper["contents"]) == {}
