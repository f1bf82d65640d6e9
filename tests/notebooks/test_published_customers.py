"""A published report of a small shop names no customer and counts no group of fewer than ten."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from helpers.store.sample import generate

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parents[2]
CUSTOMER = re.compile(rb"\bC\d{7}\b")
COUNTS = ("customers", "buyers", "returned", "members", "inviters", "referred", "n")


@pytest.fixture(scope="module")
def published(tmp_path_factory) -> tuple[Path, dict]:
    """The release and the record of the lifecycle chapter of a shop of 2,500 customers."""
    folder = tmp_path_factory.mktemp("small")
    generate(folder / "shop", customers=2_500)
    environment = {**os.environ, "STORE_REPORT_CACHE": str(folder / "cache")}
    command = [sys.executable, "run_all.py", "--data", str(folder / "shop"), "--store", "small",
               "--chapters", "20_lifecycle", "--output", str(folder / "reports")]  # fmt: skip
    ended = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=600, check=False
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    (record,) = (folder / "cache" / "runs").rglob("20_lifecycle.json")
    (release,) = (folder / "reports" / "small").iterdir()
    return release.resolve(), json.loads(record.read_text(encoding="utf-8"))


def test_no_customer_id_is_in_any_published_byte(published):
    files = [path for path in published[0].rglob("*") if path.is_file()]
    assert len(files) > 20
    assert [path.name for path in files if CUSTOMER.search(path.read_bytes())] == []


def test_no_fact_counts_one_to_nine_customers(published):
    facts = [fact for fact in published[1]["facts"] if fact["unit"] == "count"]
    small = [fact["id"] for fact in facts if fact["value"] and 0 < fact["value"] < 10]
    assert small == []


def test_no_table_counts_one_to_nine_customers(published):
    small = []
    for table in published[1]["tables"]:
        for place, column in enumerate(table["columns"]):
            if column["unit"] == "customers" or column["name"] in COUNTS:
                found = [row[place] for row in table["rows"]]
                small += [(table["name"], column["name"], value) for value in found
                          if isinstance(value, float) and 0 < value < 10]  # fmt: skip
    assert published[1]["tables"]
    assert small == []
