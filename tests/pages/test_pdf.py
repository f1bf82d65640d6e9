"""Pages as PDF files, printed by a real browser."""

import os
import re
import subprocess

from helpers.run import pdf


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
