"""docs/extend.md is carried out in a copy of the project, and its page is read."""

import importlib.util
import json
import os
import re
import subprocess
import sys

import pytest

LANGUAGES = {"en": "", "zh": "zh/", "de": "de/"}
# Receipts 1001 to 1012 have their 48 hours end in October; 1003, 1005, 1010 (Fridays) and 1011 (a
# Monday) are late. 1013 and 1014 are due in November, 1015 is no row.
DUE, LATE = 12, 4


def in_copy(folder, *command):
    environment = {**os.environ, "PYTHONPATH": str(folder), "STORE_REPORT_CACHE": str(folder / "c")}
    return subprocess.run(
        [sys.executable, *command], cwd=folder, env=environment, capture_output=True, text=True,
        check=False, timeout=120,
    )  # fmt: skip


@pytest.fixture(scope="module")
def tool(project_root):
    """The script that carries the example out."""
    path = project_root / "tools" / "worked_example.py"
    spec = importlib.util.spec_from_file_location("worked_example", path)
    found = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = found
    spec.loader.exec_module(found)
    return found


@pytest.fixture(scope="module")
def copy(tool, tmp_path_factory):
    """A copy of the project with the example in it."""
    folder = tmp_path_factory.mktemp("example") / "copy"
    tool.carry_out(folder)
    return folder


@pytest.fixture(scope="module")
def published(tool, copy):
    """What the command of the document publishes."""
    told = re.search(r"^python (run_all\.py .+)$", tool.DOCUMENT.read_text(), re.MULTILINE)
    done = in_copy(copy, *told[1].split())
    assert done.returncode == 0, done.stderr
    return copy / "reports" / "corner_shop" / "2026-10"


def pages(published):
    return {
        language: (published / folder / "50_dispatch.html").read_text(encoding="utf-8")
        for language, folder in LANGUAGES.items()
    }


def text_of(html):
    return re.sub(r"<[^>]+>", "", html).replace("\N{NO-BREAK SPACE}", " ")


def test_the_metric_is_what_a_hand_counts(published):
    (fact,) = json.loads((published / "facts.json").read_text())
    assert fact["id"] == "shipped_within_48_hours"
    assert (fact["numerator"], fact["denominator"]) == (DUE - LATE, DUE)
    assert fact["value"] == pytest.approx(8 / 12)
    assert (fact["target"], fact["status"]) == (0.95, "missed")


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ["Dispatch", "Shipped within 48 hours", "66.7 %", "Off target", "3 of 4"]),
        ("zh", ["发货", "48小时发货率", "66.7%", "未达标", "4单中3单"]),
        (
            "de",
            ["Versand", "Versand in 48 Stunden", "66,7 %", "Ziel verfehlt", "3 von 4", "30,1–95,4"],
        ),
    ],
)
def test_the_chapters_page_says_so_in(language, words, published):
    shown = text_of(pages(published)[language])
    assert [word for word in words if word not in shown] == []


def test_the_sections_table_and_action_are_there_in_every_language(published):
    for html in pages(published).values():
        assert 'id="weekdays"' in html
        assert 'id="block-by_weekday"' in html
        assert 'id="block-pack"' in html
        assert "#metric-shipped_within_48_hours" in html


def test_the_source_accounts_for_every_row_and_cent(published):
    quality = json.loads((published / "quality.json").read_text())
    lines = quality["tables"]["order_lines"]
    assert (lines["rows_in"], lines["accepted"], lines["quarantined"]) == (16, 15, 1)
    assert lines["reasons"] == {"quantity is no whole number": 1}
    bridge = {step["key"]: step["money"] for step in quality["bridge"]}
    assert (bridge["raw_total"], bridge["net_sales"]) == ("390.00", "371.50")


def test_the_examples_files_pass_the_projects_own_checks(tool, copy):
    checks = ["measures/test_dispatch.py", "report/test_catalogues.py", "plan/test_metrics.py",
              "plan/test_targets.py", "project/test_notebooks.py"]  # fmt: skip
    checks = [f"tests/{name}" for name in checks]
    chosen = ["-k", "dispatch or shipped or further or target"]
    done = in_copy(copy, "-m", "pytest", "-q", "-p", "no:cacheprovider", *checks, *chosen)
    assert done.returncode == 0, done.stdout
    written = [block.file for block in tool.blocks(tool.DOCUMENT.read_text(encoding="utf-8"))]
    code = [name for name in written if name.endswith(".py")]
    for command in (["check"], ["format", "--check"]):
        done = in_copy(copy, "-m", "ruff", *command, *code)
        assert done.returncode == 0, done.stdout


def test_a_block_that_changes_what_is_not_there_is_refused(tool, tmp_path):
    (tmp_path / "a.py").write_text("x = 1\n")
    with pytest.raises(ValueError, match=r"a\.py: 'y = 1\\n' must stand in it once"):
        tool.write(tool.Block("diff", "a.py", False, "-y = 1\n+y = 2\n"), tmp_path)
