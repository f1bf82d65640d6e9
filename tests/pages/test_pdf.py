"""Pages as PDF files, printed by a real browser."""

import os
import re
import shutil
import subprocess

import pytest

from helpers.plan import metrics
from helpers.run import pdf

MOST_SHEETS = 27
LARGEST_GAP = 1 / 3


@pytest.fixture(scope="module")
def printed(published_sample, chromium, tmp_path_factory):
    """The two longest chapters of a real run as PDF files, by name."""
    folder = tmp_path_factory.mktemp("printed")
    (folder / "zh").mkdir()
    for name in ("run.json", "10_traffic.html", "20_lifecycle.html", "zh/10_traffic.html"):
        shutil.copy(published_sample / name, folder / name)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(pdf.BROWSER, chromium)
        return {path.name: path for path in pdf.print_release(folder, folder / "pdf")}


def told_by(*command):
    """What a program of poppler says."""
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def sheets(path):
    """The words of each sheet."""
    return told_by("pdftotext", "-layout", path, "-").rstrip("\f\n").split("\f")


def gaps(path, folder):
    """The blank part at the foot of each sheet, of the height between its margins."""
    subprocess.run(["pdftoppm", "-r", "20", "-gray", path, folder / "sheet"], check=True)
    found = []
    for image in sorted(folder.glob("sheet*.pgm")):
        size = re.match(rb"P5\s+(\d+)\s+(\d+)\s+255\s", image.read_bytes())
        wide, high = int(size[1]), int(size[2])
        dots = image.read_bytes()[size.end() :]
        lines = [min(dots[y * wide : (y + 1) * wide]) < 215 for y in range(high)]
        top, foot = round(high * 17 / 297), round(high * 281 / 297)
        last = max((y for y in range(top, foot) if lines[y]), default=top)
        found.append((foot - last) / (foot - top))
    return found


@pytest.mark.slow
def test_a_long_chapter_is_printed_on_few_sheets_without_large_gaps(printed, tmp_path):
    for name, path in printed.items():
        folder = tmp_path / name
        folder.mkdir()
        found = gaps(path, folder)
        assert len(found) <= MOST_SHEETS, name
        assert max(found[:-1]) <= LARGEST_GAP, name


@pytest.mark.slow
def test_every_sheet_says_what_it_belongs_to_and_its_number(printed):
    found = sheets(printed["10_traffic.pdf"])
    assert "Sample shop" in found[0]
    for number, sheet in enumerate(found, start=1):
        assert re.search(rf"\b{number} / {len(found)}\b", sheet)
        if number > 1:
            assert re.match(r"\s*Sample shop . Dec 2024 +Traffic and acquisition", sheet)


@pytest.mark.slow
def test_links_are_notes_and_folded_blocks_are_named_on_paper(printed):
    words = " ".join("\n".join(sheets(printed["10_traffic.pdf"])).split())
    assert re.search(r"10_traffic-\w+\.csv", words)
    assert "More on screen and in the workbook: " in words
    first = metrics.metric("cac_blended").name["en"]
    assert re.search(rf"\b1 {re.escape(first)}", words)
    assert "更多内容见网页与工作簿：" in "".join(sheets(printed["zh-10_traffic.pdf"]))


@pytest.mark.slow
def test_every_font_of_a_printed_page_is_in_the_file(printed):
    for path in printed.values():
        fonts = [line.split() for line in told_by("pdffonts", path).splitlines()[2:]]
        assert fonts
        assert {(line[-5], line[-3]) for line in fonts} == {("yes", "yes")}


def test_every_page_of_a_report_is_printed_with_its_words_and_page_numbers(
    site, chromium, tmp_path, monkeypatch
):
    monkeypatch.setenv(pdf.BROWSER, chromium)
    (site / "run.json").write_text("{}")
    written = pdf.print_release(site, tmp_path / "pdf")
    assert {path.name for path in written} == {
        f"{prefix}{name}.pdf"
        for prefix in ("", "zh-")
        for name in ("20_demo", "40_supply_chain", "index")
    }
    text = subprocess.run(
        ["pdftotext", "-layout", tmp_path / "pdf" / "zh-20_demo.pdf", "-"],
        capture_output=True, text=True, check=True, env=os.environ,
    ).stdout  # fmt: skip
    assert "买家会回来吗" in text
    assert re.search(r"\b1 ?/ ?\d+\b", text)


def test_a_folder_without_a_report_is_refused(tmp_path, capsys):
    assert pdf.main([str(tmp_path)]) == 2
    assert "holds no published report" in capsys.readouterr().err


def test_a_machine_without_a_browser_is_told_what_to_install(site, tmp_path, monkeypatch, capsys):
    (site / "run.json").write_text("{}")
    monkeypatch.setenv(pdf.BROWSER, "no-such-browser")
    assert pdf.main([str(site), "--to", str(tmp_path)]) == 2
    assert "install one" in capsys.readouterr().err
