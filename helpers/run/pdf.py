"""The pages of a published report as PDF files, printed by the Chromium of this machine.

`python -m helpers.run.pdf reports/sample/2024-12 [--to FOLDER]`
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from helpers.store.errors import BadInput
from helpers.store.fingerprints import PROJECT

BROWSER = "STORE_REPORT_BROWSER"
SECONDS = 120
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome",
          "msedge", "microsoft-edge")  # fmt: skip
_SWITCHES = ("--headless", "--disable-gpu", "--no-first-run", "--disable-background-networking",
             "--disable-component-update", "--disable-sync", "--no-pdf-header-footer")  # fmt: skip


def print_release(published: Path, to: Path) -> list[Path]:
    """Print every page of a published report, all languages.

    Args:
        published: `<output>/<store>/<period>`.
        to: Folder to write into; `zh/20_lifecycle.html` becomes `zh-20_lifecycle.pdf`.

    Returns:
        The files written, in the order of the pages.

    Raises:
        BadInput: There is no published report, or no Chromium on this machine.
        OSError: A page could not be printed.
    """
    if not (published / "run.json").is_file():
        raise BadInput(
            f"{published}: holds no published report; give <output>/<store>/<period>, such as "
            "reports/sample/2024-12"
        )
    browser = _browser()
    to.mkdir(parents=True, exist_ok=True)
    found = []
    with tempfile.TemporaryDirectory(prefix="store-report-pdf-") as profile:
        for page in sorted(published.resolve().rglob("*.html")):
            name = "-".join(page.relative_to(published.resolve()).with_suffix(".pdf").parts)
            _print(browser, page, to / name, Path(profile))
            found.append(to / name)
    return found


def _browser() -> str:
    names = (os.environ[BROWSER],) if os.environ.get(BROWSER) else _NAMES
    for name in names:
        if path := shutil.which(name):
            return path
    raise BadInput(
        f"no Chromium, Chrome or Edge found ({', '.join(names)}); install one, or put its path "
        f"into {BROWSER}"
    )


def _print(browser: str, page: Path, to: Path, profile: Path) -> None:
    waiting = to.with_suffix(".part")
    is_root = hasattr(os, "geteuid") and os.geteuid() == 0
    switches = (*_SWITCHES, "--no-sandbox") if is_root else _SWITCHES
    places = (f"--user-data-dir={profile}", f"--print-to-pdf={waiting}", page.as_uri())
    try:
        subprocess.run(
            [browser, *switches, *places], capture_output=True, timeout=SECONDS, check=True
        )
        if waiting.read_bytes()[:5] != b"%PDF-":
            raise OSError(f"{page.name}: the browser wrote no PDF")
        waiting.replace(to)
    except (subprocess.SubprocessError, FileNotFoundError) as error:
        raise OSError(f"{page.name} could not be printed: {type(error).__name__}") from error
    finally:
        waiting.unlink(missing_ok=True)


def main(argv: Sequence[str] | None = None) -> int:
    """Print one report; 0 when all pages are printed, 2 for bad input, 1 for a fault."""
    parser = argparse.ArgumentParser(prog="helpers.run.pdf", description=__doc__.split("\n")[0])
    parser.add_argument(
        "published", nargs="?", type=Path,
        help="<output>/<store>/<period>; the sample's latest when not given",
    )  # fmt: skip
    parser.add_argument(
        "--to", type=Path,
        help="folder to write into; <output>/pdf/<store>-<period> when not given",
    )  # fmt: skip
    given = parser.parse_args(argv)
    try:
        published = given.published or _latest_sample()
        parent = published.absolute().parent
        to = given.to or parent.parent / "pdf" / f"{parent.name}-{published.name}"
        for path in print_release(published, to):
            print(path)
    except (BadInput, OSError) as error:
        print(f"pdf: {error}", file=sys.stderr)
        return 2 if isinstance(error, BadInput) else 1
    return 0


def _latest_sample() -> Path:
    periods = sorted((PROJECT / "reports" / "sample").glob("*/run.json"))
    if not periods:
        raise BadInput("reports/sample holds no report; run make report first")
    return periods[-1].parent


if __name__ == "__main__":
    sys.exit(main())
