"""Publication: a reader sees the old pages or the new ones, whole, whenever the run is ended.

`<output>/<store>/<period>` is a link to a release, a folder that is never changed once it stands
under `<output>/.releases/<store>/<period>/`. Where links can't be made, the folder itself is put
there.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from helpers.run import files, gate
from helpers.run.places import Places

KEPT_RELEASES = 3
_STAGING = ".staging-"


@contextmanager
def staging(places: Places, run: str) -> Iterator[Path]:
    """A folder to lay a release out in; it is gone afterwards, and so are those of killed runs."""
    places.releases.mkdir(parents=True, exist_ok=True)
    for left in places.releases.glob(f"{_STAGING}*"):
        shutil.rmtree(left, ignore_errors=True)
    folder = places.releases / f"{_STAGING}{run}"
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def publish(
    staged: Path,
    places: Places,
    *,
    store: str,
    period: str,
    run: str,
    pages: Iterable[str],
    site_index: str,
    secrets: Iterable[str] = (),
) -> Path:
    """Publish a staged release, by one switch, and then the list of all that is published.

    Args:
        staged: The folder with all that is to be published, on the output's file system.
        places: The run's folders.
        store: Name of the store.
        period: Label of the period.
        run: Id of the run.
        pages: Names of the pages that must be there.
        site_index: The list as it will be, as HTML.
        secrets: Texts that must stand in no published byte.

    Returns:
        The published folder.

    Raises:
        NotFit: The release did not pass the gate; what was published stands.
        OSError: It could not be written; what was published stands.
    """
    files.write_json(staged / gate.MANIFEST, gate.manifest(staged))
    files.bring_to_disk(staged)
    gate.check_folder(staged, pages, secrets)
    release = places.releases / store / period / run
    release.parent.mkdir(parents=True, exist_ok=True)
    staged.rename(release)
    files.sync_folder(release.parent)
    target = places.output / store / period
    try:
        with files.written_beside(places.output / "index.html", site_index):
            switch(target, release)
    except OSError:
        if release.resolve() != target.resolve():
            shutil.rmtree(release, ignore_errors=True)
        raise
    _prune(release)
    return target


def switch(published: Path, release: Path) -> None:
    """Let the published name mean this release.

    Raises:
        OSError: It could not be; the published name means what it meant.
    """
    published.parent.mkdir(parents=True, exist_ok=True)
    waiting = _stand_in(published, release)
    replaced = release.with_name(f"{release.name}.replaced")
    in_one_step = waiting.is_symlink() and (published.is_symlink() or not published.exists())
    if not in_one_step and published.exists():
        published.rename(replaced)
    try:
        waiting.replace(published)
    except OSError:
        if replaced.exists():
            replaced.rename(published)
        raise
    with suppress(OSError):
        files.sync_folder(published.parent)


def _stand_in(published: Path, release: Path) -> Path:
    """A link to the release, or a copy of it where links can't be made, ready to be renamed."""
    waiting = published.with_name(f".{published.name}.next")
    _remove(waiting)
    try:
        waiting.symlink_to(os.path.relpath(release, published.parent), target_is_directory=True)
    except (OSError, NotImplementedError):
        shutil.copytree(release, waiting)
        files.bring_to_disk(waiting)
    return waiting


def mend(places: Places) -> None:
    """Bring back what a run that was killed between two renames has taken away.

    That can happen only where links can't be made.
    """
    for replaced in places.releases.glob("*/*/*.replaced"):
        published = places.output / replaced.parent.parent.name / replaced.parent.name
        if not published.exists():
            _remove(published)
            replaced.rename(published)


def _remove(path: Path) -> None:
    if path.is_symlink() or path.is_file():
        path.unlink()
    elif path.exists():
        shutil.rmtree(path)


def _prune(release: Path) -> None:
    """Keep this release and the ones before it that were published last."""
    with suppress(OSError):
        found = sorted(path for path in release.parent.iterdir() if path != release)
        for old in found[: -(KEPT_RELEASES - 1)]:
            shutil.rmtree(old, ignore_errors=True)


def published(output: Path) -> list[dict[str, Any]]:
    """What stands published, newest period first: each release's `run.json` and its address."""
    found = []
    for path in sorted(output.glob("*/*/run.json"), reverse=True):
        facts = files.read_json(path)
        store, period = path.parent.parent.name, path.parent.name
        if facts and not store.startswith(".") and not period.startswith("."):
            found.append({**facts, "address": f"{store}/{period}/index.html"})
    return found
