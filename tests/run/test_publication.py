"""A reader sees the old pages or the new ones, whole: at every kill, at every full disk."""

from __future__ import annotations

import errno
import os
import random
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from helpers.run import gate, publication
from helpers.run.places import Places
from helpers.store.fingerprints import PROJECT

KILLS = 20
PAGES = ("index.html", "10_traffic.html", "zh/index.html")
FILE_OPERATIONS = ("open", "fsync", "mkdir", "rename", "replace", "symlink", "scandir")

PUBLISHER = """
import sys
from pathlib import Path
sys.path[:0] = [sys.argv[1], sys.argv[2]]
from test_publication import places_in, publish_version
places = places_in(Path(sys.argv[3]))
print("ready", flush=True)
for number in range(10_000):
    publish_version(places, f"{sys.argv[4]}-{number:05}")
    print("published", flush=True)
"""


def places_in(folder: Path) -> Places:
    return Places(folder / "reports", folder / "cache", folder / "notebooks")


def page(version: str) -> str:
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{gate.POLICY}">'
        f"<title>t</title></head><body>{version} {'x' * 20_000} {version}</body></html>"
    )


def publish_version(places: Places, version: str) -> Path:
    with publication.staging(places, version) as staged:
        for name in PAGES:
            (staged / name).parent.mkdir(exist_ok=True)
            (staged / name).write_text(page(version))
        return publication.publish(
            staged, places, store="shop", period="2011-11", run=version, pages=PAGES,
            site_index=page(version),
        )  # fmt: skip


def version_of(text: str) -> str:
    """The version of a page, which must be whole."""
    gate.check_page(text)
    body = text.partition("<body>")[2].removesuffix("</body></html>").split()
    assert body[0] == body[-1]
    return body[0]


def versions_published(published: Path) -> set[str]:
    """All versions in the published folder, which must be whole."""
    release = published.resolve()
    gate.check_manifest(release)
    return {version_of((release / name).read_text()) for name in PAGES}


def test_a_later_version_takes_the_place_of_the_former_and_a_few_are_kept(tmp_path):
    places = places_in(tmp_path)
    for version in ("a", "b", "c", "d", "e"):
        published = publish_version(places, version)
        assert versions_published(published) == {version}
    kept = sorted(path.name for path in (places.releases / "shop" / "2011-11").iterdir())
    assert kept == ["c", "d", "e"]
    assert not list(places.releases.glob(".staging*"))


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="the system has no SIGKILL")
@pytest.mark.slow
def test_no_bad_page_is_seen_when_publishing_is_killed_again_and_again(tmp_path):
    places = places_in(tmp_path)
    published = publish_version(places, "0-first")
    seen: set[str] = set()
    faults: list[str] = []
    over = threading.Event()

    def look() -> None:
        while not over.is_set():
            for name in PAGES:
                try:
                    seen.add(version_of((published / name).read_text()))
                except Exception as error:
                    faults.append(f"{name}: {error!r}")
            over.wait(0.002)

    reader = threading.Thread(target=look)
    reader.start()
    try:
        chance = random.Random(7)
        for kill in range(1, KILLS + 1):
            folders = [str(PROJECT), str(Path(__file__).parent), str(tmp_path), f"{kill:03}"]
            with subprocess.Popen([sys.executable, "-c", PUBLISHER, *folders],
                                  stdout=subprocess.PIPE) as publisher:  # fmt: skip
                assert publisher.stdout is not None
                for _ in range(chance.randint(1, 3)):
                    publisher.stdout.readline()
                over.wait(chance.uniform(0.0, 0.04))
                publisher.kill()
            version_of((places.output / "index.html").read_text())
            assert len(versions_published(published)) == 1
    finally:
        over.set()
        reader.join()
    assert faults == []
    assert len(seen) > 1
    publish_version(places, "999-last")
    assert not list(places.releases.glob(".staging*"))
    assert len(list((places.releases / "shop" / "2011-11").iterdir())) == publication.KEPT_RELEASES


def test_a_full_disk_at_any_operation_leaves_the_last_good_pages_or_the_new_ones(
    tmp_path, monkeypatch
):
    places = places_in(tmp_path)
    published = publish_version(places, "0000-good")
    left, outcomes = [0], []

    def failing(operation):
        def call(*arguments, **named):
            left[0] -= 1
            if left[0] == 0:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return operation(*arguments, **named)

        return call

    for name in FILE_OPERATIONS:
        monkeypatch.setattr(os, name, failing(getattr(os, name)))
    for point in range(1, 200):
        before = versions_published(published)
        version = f"{point:04}-new"
        left[0] = point
        try:
            publish_version(places, version)
            outcomes.append("published")
        except OSError:
            outcomes.append("failed")
        was_reached, left[0] = left[0] <= 0, 0
        now = versions_published(published)
        assert now == {version} if outcomes[-1] == "published" else now in (before, {version})
        if not was_reached:
            break
    assert outcomes.count("failed") > 20
    assert outcomes[-1] == "published"


@pytest.mark.parametrize("fault", ["absent page", "changed file", "script", "dead link", "secret"])
def test_what_is_not_fit_is_not_published(tmp_path, fault):
    places = places_in(tmp_path)
    publish_version(places, "good")
    body = {"script": "<script>alert(1)</script>", "dead link": '<a href="no.html">x</a>',
            "secret": "the pass&amp;word"}.get(fault, "fine")  # fmt: skip
    with publication.staging(places, "bad") as staged:
        (staged / "index.html").write_text(page(body))
        pages = ("index.html", "absent.html") if fault == "absent page" else ("index.html",)
        if fault == "changed file":
            (staged / "facts.json").write_text("[1, 2")
        with pytest.raises((gate.NotFit, ValueError)):
            publication.publish(staged, places, store="shop", period="2011-11", run="bad",
                                pages=pages, site_index="", secrets=["pass&word"])  # fmt: skip
    assert versions_published(places.output / "shop" / "2011-11") == {"good"}
    assert not list(places.releases.glob(".staging*"))


class TestWithoutLinks:
    """Where links can't be made, the folder itself is put in place."""

    @pytest.fixture(autouse=True)
    def _no_links(self, monkeypatch):
        def refuse(*_arguments, **_named):
            raise OSError(errno.EPERM, "links can't be made here")

        monkeypatch.setattr(os, "symlink", refuse)

    def test_the_folder_is_renamed_into_place(self, tmp_path):
        places = places_in(tmp_path)
        for version in ("a", "b", "c"):
            published = publish_version(places, version)
            assert not published.is_symlink()
            assert versions_published(published) == {version}

    def test_what_a_kill_between_two_renames_took_away_is_brought_back(self, tmp_path):
        places = places_in(tmp_path)
        published = publish_version(places, "a")
        published.rename(places.releases / "shop" / "2011-11" / "b.replaced")
        publication.mend(places)
        assert versions_published(published) == {"a"}

    def test_links_take_over_once_they_can_be_made(self, tmp_path, monkeypatch):
        places = places_in(tmp_path)
        publish_version(places, "a")
        monkeypatch.undo()
        published = publish_version(places, "b")
        assert published.is_symlink()
        assert versions_published(published) == {"b"}
