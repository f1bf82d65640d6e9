"""Whole runs of the suite as a user starts them, each made once for all tests of a session."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from helpers.run import locks

ROOT = Path(__file__).resolve().parents[1]
SECONDS = 900


@dataclass(frozen=True)
class Published:
    """What a run left behind."""

    code: int
    said: str
    folder: Path

    @property
    def facts(self) -> dict[str, dict]:
        """Findings of the whole store by id."""
        found = json.loads((self.folder / "facts.json").read_text(encoding="utf-8"))
        found = found["facts"] if isinstance(found, dict) else found
        return {fact["id"]: fact for fact in found if not fact["scope"]}


def published(folder: Path, data: Path, period: str, *, named: bool = True) -> Published:
    """Run the suite on some data into a folder of its own.

    Args:
        folder: Where cache and reports go.
        data: File or folder.
        period: The period reported.
        named: Whether to ask for it; else it must be the default.
    """
    arguments = ["--data", str(data), "--store", "known", "--output", str(folder / "reports"),
                 *(("--period", period) if named else ())]  # fmt: skip
    code, said = _run(arguments, STORE_REPORT_CACHE=str(folder / "cache"))
    return Published(code, said, folder / "reports" / "known" / period)


def published_sample() -> Published:
    """The sample shop's report where `make report` puts it: nothing is done where it stands."""
    code, said = _run([])
    told = [line for line in said.splitlines() if line.endswith("index.html")]
    return Published(code, said, (ROOT / told[-1]).parent if told else ROOT)


def _run(arguments: list[str], **changes: str) -> tuple[int, str]:
    ended = subprocess.run(
        [sys.executable, "run_all.py", *arguments], cwd=ROOT, env={**os.environ, **changes},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=SECONDS, check=False,
    )  # fmt: skip
    return ended.returncode, ended.stdout


def once(base: Path, name: str, make: Callable[[Path], Published]) -> Published:
    """A run that the first test process makes and the others wait for.

    Args:
        base: Temporary folder of this process; pytest-xdist gives each its own in one parent.
        name: The run's name.
        make: Runs it; is given a folder of its own.
    """
    shared = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "runs" / name
    note = shared / "published.json"
    until = time.monotonic() + SECONDS
    while True:
        try:
            with locks.held(shared):
                if not note.exists():
                    run = make(shared)
                    kept = {"code": run.code, "said": run.said, "folder": str(run.folder)}
                    note.write_text(json.dumps(kept), encoding="utf-8")
                found = json.loads(note.read_text(encoding="utf-8"))
                return Published(found["code"], found["said"], Path(found["folder"]))
        except locks.LockHeld:
            if time.monotonic() > until:
                raise
            time.sleep(0.5)
