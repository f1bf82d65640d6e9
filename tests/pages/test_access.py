"""Accessibility, judged by axe-core in a real browser."""

from pathlib import Path

import axe_playwright_python
import pytest

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
PAGES = ("20_demo.html", "index.html", "zh/20_demo.html", "zh/index.html", "40_supply_chain.html")


@pytest.mark.parametrize("width", [1280, 390])
def test_axe_finds_nothing(browser, site, width):
    with browser.new_context(viewport={"width": width, "height": 844}) as context:
        tab = context.new_page()
        for name in PAGES:
            tab.goto((site / name).as_uri())
            tab.evaluate(AXE)
            found = tab.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
            assert [(name, one["id"], one["nodes"][0]["html"]) for one in found] == []
