"""Data from outside can't run, lead away or ask for anything, wherever it reaches a page."""

import json
from pathlib import Path

import pandas as pd

from helpers.report import page
from tests.report import shop


def payloads(address):
    return [
        f"<script>fetch('{address}/script');document.title='run'</script>",
        f"\"'><img src={address}/img onerror=\"document.title='run'\">",
        f"<svg onload=\"document.title='run'\"><use href='{address}/use'/></svg>",
        f"</style></title><meta http-equiv=refresh content='0;url={address}/refresh'>",
        f"<link rel=stylesheet href={address}/css><style>@import '{address}/css'</style>",
        f"[x](javascript:document.title='run') ![x]({address}/md) <base href={address}>",
    ]


def poisoned_site(folder, texts):
    """A chapter and a front page in which every text from outside is a payload."""
    payload = " ".join(texts)
    made = shop.report(source=payload)
    size = len(texts)
    frame = pd.DataFrame(
        {"channel": texts, "cost": [1.0] * size, "segment": texts, "customers": [100] * size,
         "net_sales": [10.0] * size, "worth": [10.0] * size, "month": shop.months(size)}
    )  # fmt: skip
    answer = made.measure(lambda store, period: frame)
    blocks = {
        "mix": made.stacked(
            "mix", answer, x="month", series="channel", value="cost",
            values={"channel": payload, "share": 0.5},
        ),
        "many": made.trend("many", answer, x="month", y="cost", series="channel", unit="money"),
        "segments": made.table(
            "segments", answer, {"segment": "text", "net_sales": "money"}, values={"worth": 1.0}
        ),
        "contact": made.actions(
            "contact", answer, count="customers", worth="net_sales", top=size
        ),
        "channels": made.bars(
            "channels", answer, label="channel", value="cost", unit="money",
            values={"channel": payload, "cost": 1.0},
        ),
    }  # fmt: skip
    notebook = Path(shop.executed_notebook(made, blocks, folder / "20_demo.ipynb"))
    _add_foreign(notebook, payload)
    record = json.loads(json.dumps(dict(made.record().record)))
    context = shop.context(record, title={"en": payload, "zh": payload})
    context |= {"run": payload, "commit": payload[:40]}
    context["prepared"] = {**context["prepared"], "source": payload, "time_zone": payload}
    context["quality"] = shop.QUALITY | {
        "rows": {payload: 1},
        "verdicts": [dict.fromkeys(("table", "check", "found", "rule"), payload)
                     | {"status": "warn"}],
        "notes": [{"key": "none", "text": payload, "values": {}}],
        "failed": [payload],
    }  # fmt: skip
    written = []
    for name, html in (
        ("20_demo.html", page.render_chapter(notebook, "en", context)),
        ("index.html", page.render_index("en", context)),
    ):
        (folder / name).write_text(html, encoding="utf-8")
        written.append(folder / name)
    return written


def _add_foreign(path, payload):
    import nbformat
    import nbformat.v4 as v4

    notebook = nbformat.read(path, 4)
    outputs = [
        v4.new_output("display_data", data={kind: payload})
        for kind in ("text/html", "text/markdown", "text/plain", "image/svg+xml")
    ]
    notebook.cells.append(v4.new_code_cell("x", outputs=outputs))
    notebook.cells.append(v4.new_markdown_cell(payload))
    nbformat.write(notebook, path)


def test_no_text_from_outside_runs_leads_away_or_asks_for_anything(browser, outside, tmp_path):
    address, seen = outside
    seen.clear()
    for path in poisoned_site(tmp_path, payloads(address)):
        tab = browser.new_page()
        asked, complaints = [], []
        tab.on("request", lambda request, to=asked: to.append(request.url))
        tab.on("pageerror", lambda error, to=complaints: to.append(str(error)))
        tab.goto(path.as_uri())
        tab.wait_for_timeout(100)
        assert tab.url == path.as_uri()
        assert tab.title() != "run"
        assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
        assert tab.locator("script, iframe, object, embed, base, link").count() == 0
        assert tab.locator("meta[http-equiv=refresh i]").count() == 0
        assert complaints == []
        assert "onerror=" in tab.locator("main").inner_text()
        tab.close()
    assert seen == []


def test_the_policy_stops_what_would_get_past_the_escaping(browser, outside, site, tmp_path):
    """A script and an image pasted into a finished page: the head's policy blocks both."""
    address, seen = outside
    seen.clear()
    html = (site / "index.html").read_text(encoding="utf-8")
    bad = f"<script>document.title='run'</script><img src={address}/img></body>"
    path = tmp_path / "index.html"
    path.write_text(html.replace("</body>", bad), encoding="utf-8")
    tab = browser.new_page()
    tab.goto(path.as_uri())
    assert tab.title() != "run"
    assert seen == []
    tab.close()
