"""Whole runs on public data, as a user starts them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


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
    environment = {**os.environ, "STORE_REPORT_CACHE": str(folder / "cache")}
    command = [sys.executable, "run_all.py", "--data", str(data), "--store", "known",
               "--output", str(folder / "reports"),
               *(("--period", period) if named else ())]  # fmt: skip
    ended = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=900, check=False
    )
    said = ended.stdout + ended.stderr
    return Published(ended.returncode, said, folder / "reports" / "known" / period)


@pytest.fixture(scope="session")
def online_retail(tmp_path_factory, shared_data) -> Published:
    """Online Retail II, November 2011."""
    folder = tmp_path_factory.mktemp("online_retail")
    return published(folder, shared_data / "online_retail_II", "2011-11")


@pytest.fixture(scope="session")
def cdnow(tmp_path_factory, shared_data) -> Published:
    """The sample of CDNOW as it was known at the end of September 1997."""
    folder = tmp_path_factory.mktemp("cdnow")
    return published(folder, shared_data / "cdnow" / "CDNOW_sample.parquet", "1997-09")


@pytest.fixture(scope="session")
def complete_journey(tmp_path_factory, shared_data) -> Published:
    """Complete Journey, December 2017."""
    folder = tmp_path_factory.mktemp("complete_journey")
    return published(folder, shared_data / "complete_journey", "2017-12")


@pytest.fixture(scope="session")
def hillstrom(tmp_path_factory, shared_data) -> Published:
    """The Hillstrom e-mail test in its default period."""
    folder = tmp_path_factory.mktemp("hillstrom")
    return published(folder, shared_data / "hillstrom", "2008-02", named=False)
