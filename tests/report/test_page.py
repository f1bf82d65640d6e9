"""Pages are whole HTML documents that need nothing else and hold nothing that could run."""

import re
from calendar import monthrange
from datetime import date
from pathlib import Path

import nbformat.v4 as v4
import pytest

from helpers.plan import metrics
from helpers.report import downloads, exporter, fonts, front, page, paper, site
from helpers.report.voice import Voice
from tests.report import shop


@pytest.fixture(scope="module")
def notebook(made, found, tmp_path_factory):
    path = tmp_path_factory.mktemp("executed") / "20_demo.ipynb"
    return Path(shop.executed_notebook(made, found, path))


@pytest.fixture(scope="module")
def pages(notebook, record):
    """The chapter and the front page in both languages."""
    found = {}
    for language, prefix in (("en", ""), ("zh", "../")):
        context = shop.context(dict(record), language=language, prefix=prefix)
        found["chapter", language] = page.render_chapter(notebook, language, context)
        found["index", language] = page.render_index(language, context)
    return found


def words(html):
    body = html.split("</head>")[1]
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", body))


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("kind", ["chapter", "index"])
def test_the_policy_is_the_first_in_the_head_and_nothing_reaches_outside(pages, kind, language):
    html = re.sub(r"base64,[^)]+", "", pages[kind, language])
    first = re.search(r"<head>\s*<meta ([^>]+)>", html)[1]
    assert first.startswith('http-equiv="Content-Security-Policy"')
    assert "default-src 'none'" in first
    assert "<script" not in html
    assert not re.findall(r"(?:https?:)?//[a-z]", html)
    assert not re.search(r"\son[a-z]+=", html)


@pytest.mark.parametrize(("language", "code"), [("en", "en"), ("zh", "zh-Hans")])
def test_a_page_names_its_language(pages, language, code):
    assert f'<html lang="{code}">' in pages["chapter", language]


def test_markdown_of_the_other_language_is_left_out(pages):
    assert "Do buyers come back?" in words(pages["chapter", "en"])
    assert "买家会回来吗" not in words(pages["chapter", "en"])
    assert "买家会回来吗" in words(pages["chapter", "zh"])


def test_the_verdict_stands_before_everything_else_of_the_chapter(pages):
    html = pages["chapter", "en"]
    assert html.index('class="sr-verdict"') < html.index("Net of refunds")
    assert html.index('class="sr-verdict"') < html.index('class="sr-cards"')


def test_sections_have_the_same_anchors_in_both_languages(pages):
    anchors = [
        re.findall(r'<section class="sr-section" id="([^"]+)"', pages["chapter", language])
        for language in ("en", "zh")
    ]
    assert anchors[0] == anchors[1]
    assert "do-buyers-come-back" in anchors[0]


@pytest.mark.parametrize("kind", ["chapter", "index"])
def test_every_link_to_a_definition_finds_one(pages, kind):
    for language in ("en", "zh"):
        html = pages[kind, language]
        linked = set(re.findall(r'href="#(metric-[^"]+)"', html))
        assert linked
        assert linked <= set(re.findall(r'id="(metric-[^"]+)"', html))


def test_a_definition_says_what_the_contract_says(pages):
    entry = metrics.metric("repurchase_rate")
    text = words(pages["chapter", "zh"])
    assert entry.numerator["zh"] in text
    assert entry.window["zh"] in text


def test_the_foot_says_where_the_numbers_come_from(pages):
    text = words(pages["chapter", "en"])
    assert "Data through 30 Nov 2025" in text
    assert "360,445 rows" in text
    assert "Run 20251201T080000Z-1a2b" in text
    assert "Version 0123456789ab" in text
    assert "1 passed, 1 warned, 0 failed" in text
    assert "3 rows set aside" in text


def test_code_cells_are_not_shown(pages):
    assert "report.show()" not in pages["chapter", "en"]


def test_downloads_lead_to_the_tables_from_both_folders(pages):
    assert 'href="tables/20_demo-segments.csv"' in pages["chapter", "en"]
    assert 'href="../tables/20_demo-segments.csv"' in pages["chapter", "zh"]
    assert 'href="../tables.xlsx"' in pages["chapter", "zh"]


def test_each_language_leads_to_the_other(pages):
    assert 'href="zh/20_demo.html"' in pages["chapter", "en"]
    assert 'href="../20_demo.html"' in pages["chapter", "zh"]
    assert 'href="zh/index.html"' in pages["index", "en"]


def test_the_front_page_has_the_three_goals_first(pages):
    text = pages["index", "en"]
    names = ("cac_blended", "repurchase_rate", "conversion_rate", "net_margin", "net_sales")
    order = [text.index(f">{metrics.metric(name).name['en']}</a>") for name in names]
    assert order == sorted(order)


def test_the_front_page_ranks_decisions_by_money_and_names_what_failed(pages):
    text = words(pages["index", "en"])
    assert text.index("worth ¥1.45m") < text.index("worth ¥900")
    assert "Supply chain: not available in this run" in text
    assert "Not part of this run: Traffic and acquisition" in text
    assert "Customers over their life" in text


def test_the_bridge_is_exact_to_the_cent_and_leaves_out_steps_of_nothing(pages):
    text = words(pages["index", "zh"])
    assert "19,287,232.57" in text
    assert "−401,234.10" in text
    assert "邮费" not in text


def test_a_note_is_said_in_the_language(pages):
    assert "235,151</span>行" in pages["index", "zh"]


def test_every_letter_of_a_chinese_page_has_a_glyph_in_the_embedded_font(pages):
    for kind in ("chapter", "index"):
        assert not fonts.uncovered(words(pages[kind, "zh"]))


def test_a_page_stays_far_below_two_megabytes(pages):
    assert max(len(html.encode()) for html in pages.values()) < 1_000_000


def test_an_old_version_says_so_and_offers_no_downloads_of_this_run(notebook, record):
    context = shop.context(dict(record), stale_since="2025-11-01T06:00:00+00:00")
    html = page.render_chapter(notebook, "en", context)
    assert "its last good version of 1 Nov 2025 06:00 UTC" in words(html)
    assert "tables/20_demo" not in html


def test_a_period_that_is_not_over_is_marked(notebook, record):
    context = shop.context(dict(record))
    context["prepared"] = {**context["prepared"], "as_of": "2025-11-20"}
    html = page.render_chapter(notebook, "en", context)
    assert "days after 20 Nov 2025 are missing" in words(html)


def test_a_chapter_that_failed_has_a_plain_notice(record):
    html = page.render_notice("40_supply_chain", "zh", shop.context(dict(record), prefix="../"))
    assert "本章这次未能生成" in words(html)
    assert "供应链" in words(html)


def release(store, label, published, status="complete"):
    year, month = map(int, label.split("-"))
    end = f"{label}-{monthrange(year, month)[1]}"
    return {
        "store": store, "title": {"en": store.title(), "zh": store}, "languages": ["en", "zh"],
        "period": {"label": label, "start": f"{label}-01", "end": end},
        "published_at": f"{published}T08:00:00+00:00", "status": status,
        "address": f"{store}/{label}/index.html", "verdict": {"en": f"Verdict on {label}."},
    }  # fmt: skip


def test_the_list_of_all_reports_is_by_store_with_the_newest_release_and_period_first():
    entries = [
        release("old", "2025-08", "2025-10-01", "incomplete"),
        release("new", "2025-09", "2025-12-01"),
        release("new", "2025-10", "2025-11-02"),
    ]
    english = site.part(entries, Voice("", "en", "CNY"), date(2025, 12, 3))
    assert [store["title"] for store in english["stores"]] == ["New", "Old"]
    found = english["stores"][0]["releases"]
    assert [one["period"] for one in found] == ["Oct 2025", "Sep 2025"]
    assert (
        found[0]["published"] == "Published 2 Nov 2025, 31\N{NO-BREAK SPACE}days before this list"
    )
    assert found[1]["published"] == "Published 1 Dec 2025, 2\N{NO-BREAK SPACE}days before this list"
    assert english["stores"][1]["releases"][0]["status"] == "incomplete"


def test_the_list_of_all_reports_leads_to_each_language_and_to_its_own_parts():
    html = page.render_site_index([release("shop", "2025-11", "2025-12-01")], ["en", "zh"])
    assert 'href="shop/2025-11/index.html"' in html
    assert 'href="shop/2025-11/zh/index.html"' in html
    assert 'href="#zh-Hans"' in html
    assert 'id="zh-Hans"' in html
    assert "Verdict on 2025-11." in words(html)
    assert "尚未发布" in page.render_site_index([], ["zh"])


@pytest.mark.parametrize("text", ['a"b', "x</style><p>", "line\nbreak", "back\\slash", "url(x)"])
def test_a_title_in_a_style_stays_a_string(text):
    written = paper.css_string(text)
    assert re.fullmatch(r'"(?:[0-9A-Za-z\u2e80-\u9fff]|\\[0-9a-f]+ )*"', written)
    read = re.sub(r"\\([0-9a-f]+) ", lambda found: chr(int(found[1], 16)), written[1:-1])
    assert read == text.replace("\n", "")


def test_a_note_is_numbered_once_in_a_section_and_names_tell_their_definition():
    name, figure = (
        '<a href="#metric-orders">Orders</a>',
        '<a class="sr-n" href="#metric-orders">4</a>',
    )
    html = paper.with_notes(
        f"{name}{figure}<h2>Next</h2>{figure}", ["x", "orders"], {"orders": "Paid"}
    )
    assert html == (
        '<a href="#metric-orders" title="Paid" data-note="2">Orders</a>'
        f'{figure}<h2>Next</h2><a class="sr-n" href="#metric-orders" data-note="2">4</a>'
    )


def test_every_table_names_its_sheet_of_the_workbook(pages):
    sheet = downloads.sheet_name("20_demo", "segments")
    assert f"Excel, sheet “{sheet}”" in words(pages["chapter", "en"])
    assert f"Excel，工作表“{sheet}”" in words(pages["chapter", "zh"])


PAYLOADS = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "<svg/onload=alert(1)>",
    "<meta http-equiv=refresh content='0;url=https://example.org'>",
    "[x](javascript:alert(1))",
    "<a href='https://example.org'>x</a>",
    "<style>@import 'https://example.org'</style>",
    "<iframe src=https://example.org></iframe>",
)


@pytest.mark.parametrize("payload", PAYLOADS)
@pytest.mark.parametrize("kind", ["text/html", "text/markdown", "text/plain"])
def test_outputs_that_are_not_ours_are_cleaned(payload, kind):
    output = v4.new_output("display_data", data={kind: payload})
    cells = [v4.new_code_cell("x", outputs=[output]), v4.new_markdown_cell(payload)]
    chapter = exporter.read_chapter(v4.new_notebook(cells=cells), "en")
    html = "".join(str(section.body) for section in chapter.sections)
    assert not re.search(r"<(script|img|svg|meta|style|iframe)", html)
    assert not re.search(r"<[^>]*(javascript:|https:|onerror|onload)", html)


def test_errors_and_prints_of_a_notebook_are_not_published():
    outputs = [
        v4.new_output("error", ename="E", evalue="secret://", traceback=["secret://"]),
        v4.new_output("stream", name="stderr", text="secret://"),
    ]
    cells = [v4.new_code_cell("x", outputs=outputs)]
    chapter = exporter.read_chapter(v4.new_notebook(cells=cells), "en")
    assert "secret" not in "".join(str(section.body) for section in chapter.sections)


def test_one_chapter_alone_does_not_fill_the_list_of_decisions():
    def record(chapter, *worths):
        said = {"en": "Do {}."}
        return {"actions": [{"chapter": chapter, "key": "act", "rank": rank, "worth": worth,
                             "text": {"en": said["en"].format(worth)},
                             "html": {"en": said["en"].format(worth)}}
                            for rank, worth in enumerate(worths, start=1)]}  # fmt: skip

    records = {"20_demo": record("20_demo", 900, 800, 700), "30_demo": record("30_demo", 100, None)}
    listed = [{"chapter": name, "file": f"{name}.html"} for name in records]
    found = front.decisions(records, listed, Voice("20_demo", "en", "CNY"))
    assert [one["text"] for one in found] == ["Do 900.", "Do 800.", "Do 100.", "Do None."]


def test_a_section_that_only_says_what_is_missing_stands_last_and_a_silent_one_not_at_all():
    def cell(html):
        block = {"kind": "figure", "key": "k", "html": {"en": html}}
        return v4.new_code_cell(outputs=[v4.new_output("display_data", {exporter.MIME: block})])

    lack = '<div class="sr-notice" role="note"><p>needs table visits</p></div>'
    cells = [v4.new_markdown_cell("## Visits\n\nWhy visits matter."), cell(lack),
             v4.new_markdown_cell("## Orders\n\nWhy orders matter."), cell(lack),
             cell("<p>12 orders</p>"),
             v4.new_markdown_cell("## Silent\n\nWhy this matters."), cell(""),
             v4.new_markdown_cell("## A word\n\nOf the analyst.")]  # fmt: skip
    for one in cells:
        one.metadata["language"] = "en"
    found = exporter.read_chapter(v4.new_notebook(cells=cells), "en").sections
    assert [section.title for section in found] == ["Orders", "A word", "Visits"]
    assert "Why orders matter" in found[0].body
    assert "Why visits matter" not in found[2].body
    assert "needs table visits" in found[2].body
