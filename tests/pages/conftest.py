import http.server
import json
import threading
from functools import partial
from pathlib import Path

import pytest

from helpers.report import downloads, page, text
from helpers.report.record import published_numbers
from tests.report import shop

TEXTS = Path(__file__).parents[1] / "report" / "texts"
SWITCHES = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip


@pytest.fixture(scope="session", autouse=True)
def _demo_texts():
    text.folders.append(TEXTS)
    yield
    text.folders.remove(TEXTS)


@pytest.fixture(scope="session")
def browser(chromium):
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        started = play.chromium.launch(executable_path=chromium, args=SWITCHES)
        yield started
        started.close()


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """A published folder of the made-up shop: front page and a chapter in both languages."""
    folder = tmp_path_factory.mktemp("site")
    made = shop.report()
    notebook = shop.executed_notebook(made, shop.chapter_blocks(made), folder / "20_demo.ipynb")
    record = json.loads(json.dumps(dict(made.record().record)))
    release = folder / "demo" / "2025-11"
    (release / "zh").mkdir(parents=True)
    (release / "tables").mkdir()
    for language, part, prefix in (("en", release, ""), ("zh", release / "zh", "../")):
        context = shop.context(record, language=language, prefix=prefix)
        write = partial(_write, part)
        write("20_demo.html", page.render_chapter(Path(notebook), language, context))
        write("40_supply_chain.html", page.render_notice("40_supply_chain", language, context))
        write("index.html", page.render_index(language, context))
    for table in record["tables"]:
        downloads.write_csv(table, release / "tables" / f"20_demo-{table['name']}.csv")
    tables = [{**table, "chapter": "20_demo"} for table in record["tables"]]
    downloads.write_workbook(tables, release / "tables.xlsx", period="2025-11", as_of="2025-11-30")
    _write(release, "facts.json", json.dumps(record["facts"]))
    _write(release, "numbers.json", json.dumps(published_numbers([record])))
    _write(release, "quality.json", json.dumps(context["quality"]))
    return release


def _write(folder, name, content):
    (folder / name).write_text(content, encoding="utf-8")


@pytest.fixture(scope="session")
def outside():
    """A server that pages might be lured to; it notes every request."""
    seen = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            seen.append(self.path)
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", seen
    server.shutdown()
