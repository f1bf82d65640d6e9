"""Whole runs on public data, as a user starts them."""

from __future__ import annotations

import pytest

from tests.runs import Published, published


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
