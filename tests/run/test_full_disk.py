"""A real disk that is full at one point or another of a whole run."""

from __future__ import annotations

import os
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from helpers.run import gate

FREE_KB = (0, 8, 24, 40)


@pytest.fixture
def small_disk(tmp_path: Path):
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(disk)]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("full disk: this user may not mount a small disk")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


@pytest.mark.slow
def test_the_last_good_site_stands_byte_for_byte(shop, small_disk):
    shop = replace(shop, disk=small_disk)
    shop.chapter("10_traffic", "x = 1")
    shop.chapter("90_evaluation", "x = 1")
    assert shop.run().returncode == 0
    before = shop.bytes_published()
    for free_kb in FREE_KB:
        filler = small_disk / "filler"
        room = os.statvfs(small_disk)
        filler.write_bytes(b"x" * max(0, room.f_bavail * room.f_frsize - free_kb * 1024))
        done = shop.run("--force")
        filler.unlink()
        assert done.returncode == 1, (free_kb, done.stderr)
        assert "nothing was published" in done.stderr
        assert "Traceback" not in done.stderr
        assert shop.bytes_published() == before
        gate.check_manifest(shop.published)
    assert shop.run("--force").returncode == 0
    assert shop.bytes_published() != before
