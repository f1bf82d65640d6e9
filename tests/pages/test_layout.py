"""Pages in a real browser: nothing overflows, nothing is asked for, nothing is cut."""

import re
from itertools import pairwise

import pytest

PAGES = ("20_demo.html", "index.html", "zh/20_demo.html", "zh/index.html", "40_supply_chain.html")
WIDTHS = (1280, 390)


@pytest.fixture(scope="module")
def opened(browser, site):
    """Open a page at a width; complaints of the browser and addresses asked for are kept."""
    shown = []

    def open_page(name, width):
        tab = browser.new_page(viewport={"width": width, "height": 844})
        tab.complaints, tab.asked = [], []
        tab.on("console", lambda message: tab.complaints.append(message.text))
        tab.on("pageerror", lambda error: tab.complaints.append(str(error)))
        tab.on("request", lambda request: tab.asked.append(request.url))
        tab.goto((site / name).as_uri())
        shown.append(tab)
        return tab

    open_page.address = lambda name: (site / name).as_uri()
    yield open_page
    for tab in shown:
        tab.close()


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", PAGES)
def test_a_page_fits_its_window_and_asks_for_nothing(opened, name, width):
    tab = opened(name, width)
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    assert [url for url in tab.asked if not url.startswith(("file:", "data:"))] == []
    assert tab.complaints == []


@pytest.mark.parametrize("name", ["20_demo.html", "zh/20_demo.html"])
def test_a_phone_gets_the_narrow_figures_and_a_desk_the_wide_ones(opened, name):
    for width, wide, narrow in ((1280, True, False), (390, False, True)):
        tab = opened(name, width)
        assert tab.locator("figure .sr-wide").first.is_visible() is wide
        assert tab.locator("figure .sr-narrow").first.is_visible() is narrow


def test_the_front_page_shows_all_three_goals_on_the_first_screen(opened):
    tab = opened("index.html", 1280)
    bottoms = tab.evaluate(
        "[...document.querySelectorAll('.sr-cards')][0].getBoundingClientRect().bottom"
    )
    assert bottoms <= 844


@pytest.mark.parametrize("name", ["20_demo.html", "zh/20_demo.html"])
@pytest.mark.parametrize("width", WIDTHS)
def test_the_verdict_is_on_the_first_screen(opened, name, width):
    box = opened(name, width).locator(".sr-verdict").bounding_box()
    assert box["y"] + box["height"] <= 844


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", ["20_demo.html", "zh/20_demo.html"])
def test_figures_use_the_embedded_font_and_their_text_stays_inside(opened, name, width):
    tab = opened(name, width)
    assert tab.evaluate("document.fonts.check(\"12px 'Report Sans'\", '复')")
    outside = tab.evaluate(
        """() => [...document.querySelectorAll('svg.sr-svg')].flatMap(svg => {
            const frame = svg.getBoundingClientRect();
            if (!frame.width) return [];
            return [...svg.querySelectorAll('text')].filter(text => {
                const box = text.getBoundingClientRect();
                const room = box.height / 3;
                return box.left < frame.left - 2 || box.right > frame.right + 2
                    || box.top < frame.top - room || box.bottom > frame.bottom + room;
            }).map(text => svg.id + ': ' + text.textContent);
        })"""
    )
    assert outside == []


@pytest.mark.parametrize("width", WIDTHS)
def test_labels_of_a_figure_do_not_cover_one_another(opened, width):
    tab = opened("20_demo.html", width)
    covered = tab.evaluate(
        """() => [...document.querySelectorAll('svg.sr-svg')].flatMap(svg => {
            const boxes = [...svg.querySelectorAll('text')]
                .map(text => [text.textContent, text.getBoundingClientRect()])
                .filter(([, box]) => box.width > 0);
            const found = [];
            boxes.forEach(([name, a], i) => boxes.slice(i + 1).forEach(([other, b]) => {
                const wide = Math.min(a.right, b.right) - Math.max(a.left, b.left);
                const high = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
                const part = high / Math.min(a.height, b.height);
                if (wide > 2 && part > 0.5) found.push(`${svg.id}: ${name} / ${other}`);
            }));
            return found;
        })"""
    )
    assert covered == []


@pytest.mark.parametrize("width", WIDTHS)
def test_text_of_a_figure_can_be_read(opened, width):
    tab = opened("20_demo.html", width)
    smallest = tab.evaluate(
        """() => Math.min(...[...document.querySelectorAll('svg.sr-svg')].flatMap(svg => {
            const scale = svg.getBoundingClientRect().width / svg.viewBox.baseVal.width;
            if (!scale) return [];
            return [...svg.querySelectorAll('text')]
                .map(text => parseFloat(getComputedStyle(text).fontSize) * scale);
        }))"""
    )
    assert smallest >= 8.5


def test_a_link_to_a_definition_opens_it_and_leads_to_it(opened):
    tab = opened("20_demo.html", 1280)
    text = tab.locator("#metric-repurchase_rate")
    assert not text.is_visible()
    tab.locator(".sr-verdict a.sr-n").first.click()
    assert tab.url.endswith("#metric-repurchase_rate")
    assert text.is_visible()
    name = tab.locator("details:has(#metric-repurchase_rate) > summary").bounding_box()
    assert 0 <= name["y"] <= 844


def test_a_definition_is_open_when_its_address_is_opened(opened):
    tab = opened("20_demo.html", 390)
    tab.goto("about:blank")
    tab.goto(f"{opened.address('20_demo.html')}#metric-repurchase_rate")
    assert tab.locator("#metric-repurchase_rate").is_visible()
    assert tab.locator(".sr-definition[open]").count() == 1


def test_the_contents_of_a_phone_are_folded_until_they_are_asked_for(opened):
    tab = opened("20_demo.html", 390)
    link = tab.locator(".sr-at-top a").first
    assert not link.is_visible()
    tab.locator(".sr-at-top > summary").click()
    link.click()
    top = tab.evaluate("document.querySelector(location.hash).getBoundingClientRect().top")
    assert 0 <= top <= 100


def test_a_long_page_offers_the_way_back_once_it_is_scrolled(opened):
    tab = opened("20_demo.html", 390)
    shown = "document.querySelector('.sr-up').getBoundingClientRect().top < innerHeight"
    assert not tab.evaluate(shown)
    tab.mouse.wheel(0, 4000)
    tab.wait_for_function("scrollY > 3000")
    assert tab.evaluate(shown)
    tab.locator(".sr-up").click()
    tab.wait_for_function("scrollY === 0")


def test_cards_of_a_row_have_their_parts_at_the_same_height(opened):
    tab = opened("20_demo.html", 1280)
    rows = tab.evaluate(
        """() => [...document.querySelectorAll('.sr-card')].slice(0, 3).map(card =>
            ['.sr-card-value', '.sr-spark', '.sr-card-changes'].map(part =>
                Math.round(card.querySelector(part).getBoundingClientRect().top)))"""
    )
    assert len(rows) == 3
    assert rows[0] == rows[1] == rows[2]


def test_a_card_of_a_phone_takes_the_width_with_its_course_beside_its_value(opened):
    tab = opened("20_demo.html", 390)
    card = tab.locator(".sr-card").first
    box, value, course = (
        one.bounding_box() for one in (card, card.locator(".sr-f").first, card.locator(".sr-spark"))
    )
    assert box["width"] > 340
    assert course["x"] > value["x"] + value["width"]
    assert course["y"] < value["y"] + 2 * value["height"]
    assert box["height"] < 200


def test_the_language_link_leads_to_the_same_chapter(opened):
    tab = opened("20_demo.html", 1280)
    tab.locator(".sr-language a").click()
    assert tab.url.endswith("/zh/20_demo.html")
    assert tab.locator("html").get_attribute("lang") == "zh-Hans"


@pytest.mark.parametrize("name", ["20_demo.html", "zh/20_demo.html"])
def test_headings_go_down_one_step_at_a_time(opened, name):
    tab = opened(name, 1280)
    levels = tab.evaluate("[...document.querySelectorAll('h1,h2,h3')].map(h => +h.tagName[1])")
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(b - a <= 1 for a, b in pairwise(levels))


def test_everything_that_scrolls_can_be_reached_by_keyboard(opened):
    tab = opened("20_demo.html", 390)
    boxes = tab.locator(".sr-scroll")
    assert boxes.count() == tab.locator(".sr-scroll[tabindex='0'][aria-label]").count() > 0


@pytest.mark.parametrize("name", ["20_demo.html", "zh/20_demo.html"])
def test_on_paper_no_figure_and_no_card_is_cut(opened, name):
    """On paper what must stay whole is kept from breaking and fits one A4 page."""
    tab = opened(name, 1280)
    tab.emulate_media(media="print")
    tab.set_viewport_size({"width": 688, "height": 1000})
    kept = tab.evaluate(
        """() => [...document.querySelectorAll('figure, .sr-card, .sr-actions li, .sr-table tr')]
            .map(e => [getComputedStyle(e).breakInside, e.getBoundingClientRect().height])"""
    )
    assert kept
    assert all(rule == "avoid" and height < 950 for rule, height in kept)
    assert not tab.locator(".sr-contents").is_visible()
    assert tab.evaluate("document.documentElement.scrollWidth") <= 688
    pdf = tab.pdf(format="A4", prefer_css_page_size=True)
    assert len(re.findall(rb"/Type\s*/Page\b", pdf)) >= 3
