"""Make the picture in README.md from a published front page, with an installed Chromium.

`python tools/front_page.py reports/sample/2024-12/index.html`
"""

from __future__ import annotations

import io
import shutil
import sys
from pathlib import Path

PICTURE = Path(__file__).resolve().parents[1] / "docs" / "front_page.png"
WIDTH, HEIGHT = 1280, 1300
COLOURS = 128
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def picture(page: Path) -> bytes:
    """The top of a page as a PNG of few colours."""
    from PIL import Image
    from playwright.sync_api import sync_playwright

    chromium = next(filter(None, map(shutil.which, NAMES)), None)
    if chromium is None:
        sys.exit(f"none of {', '.join(NAMES)} is installed")
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        tab = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
        tab.goto(page.resolve().as_uri())
        taken = tab.screenshot()
        browser.close()
    few = Image.open(io.BytesIO(taken)).convert("RGB").quantize(COLOURS)
    made = io.BytesIO()
    few.save(made, "PNG", optimize=True)
    return made.getvalue()


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python tools/front_page.py reports/sample/2024-12/index.html")
    PICTURE.write_bytes(picture(Path(sys.argv[1])))
    print(f"{PICTURE}: {PICTURE.stat().st_size // 1000} kB")
