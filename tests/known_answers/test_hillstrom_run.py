"""A published report of the Hillstrom e-mail test, whose file has neither days nor customers."""

from __future__ import annotations

import json

import pytest

pytestmark = pytest.mark.slow


def test_the_default_period_publishes_every_chapter_in_both_languages(hillstrom):
    assert hillstrom.code == 0, hillstrom.said
    assert len(list(hillstrom.folder.glob("[0-9]*.html"))) == 5
    assert len(list((hillstrom.folder / "zh").glob("[0-9]*.html"))) == 5
    assert "Traceback" not in hillstrom.said


def test_the_page_says_that_the_days_are_nominal(hillstrom):
    quality = json.loads((hillstrom.folder / "quality.json").read_text(encoding="utf-8"))
    assert [note["key"] for note in quality["notes"]] == ["nominal_days"]
    assert "2008-02-15" in (hillstrom.folder / "index.html").read_text(encoding="utf-8")


def test_all_customers_and_their_features_are_there(hillstrom):
    quality = json.loads((hillstrom.folder / "quality.json").read_text(encoding="utf-8"))
    assert quality["rows"]["experiment_units"] == 64_000
    assert quality["rows"]["experiment_features"] == 512_000
    assert not [one for one in quality["verdicts"] if one["status"] != "pass"]
