"""A run that is ended leaves no process and no half page, whatever its chapter is doing."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from helpers.run import kernel, processes

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="the system has no /proc"),
]

CHILD = "import subprocess; subprocess.Popen(['sleep', '602'], start_new_session=True)"
TOUCH = "from pathlib import Path; Path(run, 'busy').touch()"
HOLDS_PYTHON = "import ctypes; ctypes.PyDLL(None).sleep(600)"
SLEEPS = "import time; time.sleep(600)"


def wait_for(pattern: str, folder: Path, process: subprocess.Popen) -> Path:
    for _ in range(600):
        if found := list(folder.glob(pattern)):
            return found[0]
        assert process.poll() is None, process.communicate()
        time.sleep(0.1)
    raise AssertionError(f"{pattern} did not appear")


def processes_left(run: str) -> list[int]:
    for _ in range(100):
        if not (found := list(processes.marked(run))):
            return []
        time.sleep(0.1)
    return found


@pytest.mark.parametrize(
    ("number", "exit_code", "doing"),
    [
        (signal.SIGTERM, 143, HOLDS_PYTHON),
        (signal.SIGHUP, 129, SLEEPS),
        (signal.SIGINT, 130, SLEEPS),
    ],
)
def test_no_process_is_left_after_a_signal(shop, number, exit_code, doing):
    shop.chapter("10_busy", CHILD, TOUCH, doing)
    runner = shop.start()
    run = wait_for("runs/*/busy", shop.cache, runner).parent.name
    assert list(processes.marked(run))
    runner.send_signal(number)
    assert runner.wait(timeout=10) == exit_code
    assert processes_left(run) == []
    assert not shop.published.exists()
    assert not list(shop.output.glob(".releases/*"))


def test_the_run_after_a_killed_one_works_and_clears_what_was_left(shop):
    shop.chapter("10_busy", CHILD, TOUCH, HOLDS_PYTHON)
    runner = shop.start()
    left = wait_for("runs/*/busy", shop.cache, runner).parent
    sockets = Path((left / "sockets").read_text())
    assert sockets.stat().st_mode & 0o077 == 0
    assert len(os.fsencode(next(sockets.glob("*/socket-5")))) < kernel.LONGEST_SOCKET_BYTES
    runner.kill()
    runner.wait()
    assert processes_left(left.name) == []
    shop.chapter("10_busy", "x = 1")
    done = shop.run()
    assert done.returncode == 0, done.stderr
    assert not sockets.exists()
    assert not (left / "temporary").exists()


def test_a_chapter_whose_worker_is_killed_fails_and_the_next_one_runs(shop):
    shop.chapter("10_killed", "import os, signal; os.kill(os.getppid(), signal.SIGKILL)", SLEEPS)
    shop.chapter("20_good", "x = 1")
    done = shop.run()
    assert done.returncode == 1, done.stderr
    assert shop.statuses() == {"10_killed": "failed", "20_good": "executed"}
    assert processes_left(shop.run_json()["run"]) == []


def test_the_time_of_a_run_is_bounded(shop):
    shop.chapter("10_good", "x = 1")
    shop.chapter("20_hangs", SLEEPS)
    shop.chapter("30_never_begun", "x = 1")
    done = shop.run(STORE_REPORT_RUN_SECONDS="12")
    assert done.returncode == 1
    assert "the time of the run was over" in done.stdout + done.stderr
