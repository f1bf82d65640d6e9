"""Stand-ins for the data and the pages, so that a test of the run tests the run.

Python imports this at its start where the folder is on PYTHONPATH; only the two children of the
run that prepare data and render pages get the stand-ins, the former unless REAL_DATA is set.
"""

import os
import sys

POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:; "
    "base-uri 'none'; form-action 'none'"
)


def page(body):
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        f"<title>t</title></head><body>{body}</body></html>"
    )


def stand_in_for_pages():
    import json
    import types
    import zipfile

    import helpers.report

    pages = types.ModuleType("helpers.report.page")
    downloads = types.ModuleType("helpers.report.downloads")

    def chapter(notebook, language, context):
        name = context["chapter"]
        executed = json.loads(notebook.read_text())["metadata"]["papermill"]["end_time"]
        if "unrenderable" in name:
            raise RuntimeError("no page for you")
        if "leaky" in name:
            return page(os.environ["LEAKED"])
        return page(f"{name} {language} executed {executed} stale since {context['stale_since']}")

    def index(language, context):
        links = "".join(f'<a href="{p["file"]}">{p["status"]}</a>' for p in context["pages"])
        return page(f"{links} left out {context['left_out']} records {sorted(context['records'])}")

    pages.render_chapter = chapter
    pages.render_notice = lambda name, language, context: page(f"no version of {name}")
    pages.render_index = index
    pages.render_site_index = lambda entries, languages: page(
        "".join(f'<a href="{e["address"]}">{e["status"]}</a>' for e in entries)
    )
    downloads.write_csv = lambda table, path: path.write_text("a\n1\n")
    downloads.write_workbook = lambda tables, path, **_: zipfile.ZipFile(path, "w").close()
    helpers.report.page, helpers.report.downloads = pages, downloads
    sys.modules |= {"helpers.report.page": pages, "helpers.report.downloads": downloads}


def stand_in_for_data():
    from datetime import date
    from pathlib import Path

    from helpers.store import open as opening
    from helpers.store.errors import BadInput

    def prepare(data, *, name=None, period="", cache=None, today=None):
        where = opening.resolve_data(data)
        content = "" if str(where).startswith("env:") else Path(where, "orders.csv").read_text()
        if "bad" in content:
            raise BadInput("orders.csv: column 'paid_at' is missing; add it and run again")
        if "crash" in content:
            raise RuntimeError(f"crash while reading {os.environ.get('SHOP_DATABASE')}")
        first_day, last_day = date(2011, 1, 1), date(2011, 12, 9)
        try:
            chosen = opening.parse_period(period, first_day, last_day, today=today)
        except ValueError as error:
            raise BadInput(str(error)) from error
        slug = opening.store_name(where, name)
        folders = [cache / slug / part for part in ("tables", "marts")]
        for folder in folders:
            folder.mkdir(parents=True, exist_ok=True)
        (folders[0] / "quality.json").write_text('{"verdicts": []}')
        return opening.Prepared(
            name=slug,
            title={"en": "Shop"},
            currency="GBP",
            time_zone="Europe/London",
            source="stand-in",
            targets={},
            tables=folders[0],
            marts=folders[1],
            fingerprint=f"data {content}",
            period=chosen,
            as_of=min(chosen.end, last_day),
            first_day=first_day,
            last_day=last_day,
        )

    opening.prepare = prepare


if "helpers.run.pages" in sys.orig_argv:
    stand_in_for_pages()
if "helpers.run.preparation" in sys.orig_argv and "REAL_DATA" not in os.environ:
    stand_in_for_data()
