"""Everything that can go wrong inside a chapter, in one run; most rows are measured accidents.

`shared/design/reliability.md` has the table of what papermill alone makes of them.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from helpers.run import processes

SECRET = "hunter2-is-the-password"
ADDRESS = f"postgres://shop:{SECRET}@db.example/shop"

BROKEN = {
    "11_kernel_killed": ["import os, signal; os.kill(os.getpid(), signal.SIGKILL)"],
    "12_left_by_exit": ["import sys; sys.exit(0)", "x = 1"],
    "14_raises": [f"raise RuntimeError('can not connect to {ADDRESS}')"],
    "15_hangs": ["import time; time.sleep(600)"],
    "16_holds_the_lock_of_python": ["import ctypes; ctypes.PyDLL(None).sleep(600)"],
}
GOOD = {
    "10_good": ["import os; assert os.getcwd().endswith('notebooks')"],
    "17_leaves_a_child": [
        "import subprocess; subprocess.Popen(['sleep', '601'], start_new_session=True)"
    ],
    "18_sees_no_address": [
        "import os; assert 'SHOP_DATABASE' not in os.environ, os.environ",
        "import os; print(os.environ['DB_PASSWORD'], 'is what I saw')",
    ],
    "90_evaluation": [
        "from pathlib import Path",
        "assert Path(run, '10_good.json').exists()",
        "assert not Path(run, '14_raises.json').exists()",
    ],
}


@pytest.fixture(scope="module")
def after(shop_for_module):
    shop = shop_for_module
    for name, cells in {**BROKEN, **GOOD}.items():
        shop.chapter(name, *cells)
    shop.chapter("13_leaves_no_record", "x = 1", record=False)
    shop.chapter("19_unrenderable", "x = 1")
    done = shop.run("--jobs", "2", "--store", "shop", "--data", "env:SHOP_DATABASE",
                    SHOP_DATABASE=ADDRESS, DB_PASSWORD=SECRET,
                    STORE_REPORT_CELL_SECONDS="4")  # fmt: skip
    return shop, done


def test_a_failed_chapter_makes_the_exit_code_1_and_the_others_are_published(after):
    shop, done = after
    assert done.returncode == 1, done.stderr
    wanted = dict.fromkeys([*BROKEN, "13_leaves_no_record", "19_unrenderable"], "failed")
    assert shop.statuses() == wanted | dict.fromkeys(GOOD, "executed")
    for name in GOOD:
        assert f"{name} en executed" in (shop.published / f"{name}.html").read_text()
        assert f"{name} zh executed" in (shop.published / "zh" / f"{name}.html").read_text()


def test_a_failed_chapter_gets_a_notice_and_its_reason_is_said(after):
    shop, done = after
    reasons = {each["chapter"]: each["reason"] for each in shop.run_json()["chapters"]}
    assert reasons["11_kernel_killed"] == "its kernel died"
    assert reasons["12_left_by_exit"] == "code cell 3 raised"
    assert reasons["13_leaves_no_record"].startswith("its last cell left no record")
    assert reasons["14_raises"] == "a cell raised an error"
    assert reasons["15_hangs"] == "a cell took longer than 4 s"
    assert reasons["16_holds_the_lock_of_python"] == "a cell took longer than 4 s"
    assert reasons["19_unrenderable"] == "its page could not be made"
    for name, reason in reasons.items():
        if reason:
            assert f"no version of {name}" in (shop.published / f"{name}.html").read_text()
            assert reason in done.stdout


def test_facts_are_those_of_the_good_chapters(after):
    shop, _ = after
    facts = json.loads((shop.published / "facts.json").read_text())
    assert {fact["id"] for fact in facts} == {f"{name}.fact" for name in GOOD}


def test_no_secret_stands_in_anything_that_was_written(after):
    shop, done = after
    assert SECRET not in done.stdout + done.stderr
    holding = [path for path, content in shop.everything_written().items()
               if SECRET.encode() in content]  # fmt: skip
    assert holding == []
    log = next(shop.cache.glob("runs/*/log.txt")).read_text()
    assert "can not connect to" in log
    assert "Traceback" in log


def test_no_page_has_a_traceback(after):
    shop, _ = after
    pages = [path for path in shop.output.rglob("*") if path.is_file()]
    assert not [path for path in pages if b"Traceback" in path.read_bytes()]


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="the system has no /proc")
def test_no_process_is_left(after):
    shop, _ = after
    run = shop.run_json()["run"]
    assert list(processes.marked(run)) == []
    assert not list(shop.cache.glob("runs/*/sockets"))
    assert not list(shop.cache.glob("runs/*/temporary"))


def test_an_executed_notebook_is_for_its_owner_alone(after):
    shop, _ = after
    notebooks = list(shop.cache.rglob("*.ipynb"))
    assert len(notebooks) > len(GOOD)
    if os.name == "posix":
        assert {path.stat().st_mode & 0o077 for path in notebooks} == {0}


def test_time_and_memory_of_each_chapter_are_noted(after):
    shop, _ = after
    good = next(e for e in shop.run_json()["chapters"] if e["chapter"] == "10_good")
    assert good["seconds"] > 0
    if Path("/proc/self/status").exists():
        assert 20 < good["peak_memory_mb"] < 1_000
