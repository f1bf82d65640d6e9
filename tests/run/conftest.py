from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from helpers.run.verify import RECORD
from helpers.store.fingerprints import PROJECT

STAND_INS = Path(__file__).parent / "stand_ins"
DECLARED = 'data = "sample"\nstore = ""\nperiod = ""\nrun = ""\nlanguages = "en,zh"'


def code(source: str, **metadata: object) -> dict:
    return {
        "cell_type": "code",
        "id": f"c{abs(hash(source)) % 10**10}",
        "metadata": metadata,
        "source": source,
        "outputs": [],
        "execution_count": None,
    }


def recording(chapter: str) -> str:
    record = {
        "schema": 1,
        "chapter": chapter,
        "facts": [{"id": f"{chapter}.fact", "metric": "orders", "value": 1.0}],
        "verdict": {"en": "Fine.", "zh": "好。"},
        "tables": [{"name": "t", "columns": ["a"], "rows": [[1]]}],
    }
    return f"from IPython.display import display\ndisplay({{{RECORD!r}: {record!r}}}, raw=True)"


def chapter(folder: Path, name: str, *cells: str, record: bool = True) -> Path:
    """Write a chapter with these code cells between its parameters and its record."""
    sources = [*cells, *([recording(name)] if record else [])]
    notebook = {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {"kernelspec": {"name": "python3", "display_name": "P", "language": "python"}},
        "cells": [
            {"cell_type": "markdown", "id": "m", "metadata": {}, "source": f"# {name}"},
            code(DECLARED, tags=["parameters"]),
            *(code(f"{source}\n# {place}") for place, source in enumerate(sources)),
        ],
    }
    path = folder / f"{name}.ipynb"
    path.write_text(json.dumps(notebook))
    return path


@dataclass
class Shop:
    """A shop with chapters of its own, and everything that its runs write, in one folder."""

    folder: Path
    disk: Path | None = None

    @property
    def notebooks(self) -> Path:
        return self.folder / "notebooks"

    @property
    def cache(self) -> Path:
        return (self.disk or self.folder) / "cache"

    @property
    def output(self) -> Path:
        return (self.disk or self.folder) / "reports"

    @property
    def published(self) -> Path:
        return self.output / "shop" / "2011-11"

    @property
    def orders(self) -> Path:
        return self.folder / "shop" / "orders.csv"

    def chapter(self, name: str, *cells: str, record: bool = True) -> Path:
        return chapter(self.notebooks, name, *cells, record=record)

    def environment(self, **more: str) -> dict[str, str]:
        return {
            **os.environ,
            "PYTHONPATH": f"{STAND_INS}{os.pathsep}{PROJECT}",
            "STORE_REPORT_CACHE": str(self.cache),
            "STORE_REPORT_NOTEBOOKS": str(self.notebooks),
            **more,
        }

    def command(self, *arguments: str) -> list[str]:
        given = ["--data", str(self.orders.parent), "--output", str(self.output), *arguments]
        return [sys.executable, str(PROJECT / "run_all.py"), *given]

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*arguments),
            env=self.environment(**environment),
            capture_output=True,
            text=True,
            timeout=120,
            cwd=self.folder,
        )

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self.command(*arguments),
            env=self.environment(**environment),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=self.folder,
        )

    def run_json(self) -> dict:
        return json.loads((self.published / "run.json").read_text())

    def statuses(self) -> dict[str, str]:
        return {each["chapter"]: each["status"] for each in self.run_json()["chapters"]}

    def bytes_published(self) -> dict[str, bytes]:
        """Every published file with its content."""
        return {
            path.relative_to(self.published.resolve()).as_posix(): path.read_bytes()
            for path in self.published.resolve().rglob("*")
            if path.is_file()
        } | {"index of the site": (self.output / "index.html").read_bytes()}

    def everything_written(self) -> dict[Path, bytes]:
        """Every file that the runs have left, published or not, but the shop's own."""
        roots = (self.cache, self.output)
        return {p: p.read_bytes() for root in roots for p in root.rglob("*") if p.is_file()}


def _shop(folder: Path) -> Shop:
    found = Shop(folder)
    found.notebooks.mkdir()
    found.orders.parent.mkdir()
    found.orders.write_text("order_id,paid_at\n")
    return found


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return _shop(tmp_path)


@pytest.fixture(scope="module")
def shop_for_module(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    return _shop(tmp_path_factory.mktemp("shop"))
