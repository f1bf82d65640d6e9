"""Rendering the pages and downloads of a release, in a child: from records and executed notebooks.

A chapter whose page can't be made gets a notice in its place; the others are not touched by it.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from helpers.run import child, files, gate, processes

FAILED = "failed"


def page_names(chapters: list[str], languages: list[str]) -> list[str]:
    """The pages of a release: the index and one a chapter, in each language's folder."""
    names = ["index.html", *(f"{chapter}.html" for chapter in chapters)]
    return [_prefix(languages, language) + name for language in languages for name in names]


def _prefix(languages: list[str], language: str) -> str:
    return "" if language == languages[0] else f"{language}/"


@dataclass
class _Release:
    """A release in the making."""

    request: dict[str, Any]
    report: Any
    emit: child.Emit
    faults: dict[str, str] = field(default_factory=dict)

    @property
    def languages(self) -> list[str]:
        return list(self.request["context"]["languages"])

    @property
    def shown(self) -> list[dict[str, Any]]:
        return list(self.request["context"]["pages"])

    def write_chapters(self) -> None:
        """One page a chapter and language; a notice where there is none to show."""
        for done, page in enumerate(self.shown, start=1):
            try:
                self._write_chapter(page)
            except Exception:
                traceback.print_exc()
                self.faults[page["chapter"]] = "its page could not be made"
                page["status"] = FAILED
                self._write_chapter(page)
            self.emit({"done": done, "of": len(self.shown)})

    def _write_chapter(self, page: dict[str, Any]) -> None:
        chapter = page["chapter"]

        def render(language: str, context: dict[str, Any]) -> str:
            if page["status"] == FAILED:
                return str(self.report.render_notice(chapter, language, context))
            notebook = Path(self.request["notebooks"][chapter])
            return str(self.report.render_chapter(notebook, language, context))

        self._write(page["file"], render, chapter=chapter, stale_since=page["stale_since"])

    def write_index(self) -> None:
        """The front page in each language."""
        self._write("index.html", self.report.render_index, records=self.records())

    def records(self) -> dict[str, Any]:
        """The records of the chapters whose findings are this run's."""
        records = self.request["records"].items()
        return {name: files.read_json(Path(path)) for name, path in records
                if name not in self.faults}  # fmt: skip

    def _write(
        self, name: str, render: Callable[[str, dict[str, Any]], str], **more: object
    ) -> None:
        for language in self.languages:
            prefix = _prefix(self.languages, language)
            back = "../" if prefix else ""
            context = {**self.request["context"], **more, "language": language, "prefix": back}
            text = render(language, context)
            gate.check_page(text)
            path = Path(self.request["target"]) / f"{prefix}{name}"
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")

    def write_site_index(self) -> None:
        """The list of all that is published, with this release as it will be; beside the release
        until it stands.
        """
        entry = self.request["entry"]
        status = "incomplete" if self.faults or entry["status"] != "complete" else "complete"
        entries = [{**entry, "status": status}, *self.request["entries"]]
        text = self.report.render_site_index(entries, self.languages)
        gate.check_page(text)
        Path(self.request["site_index"]).write_text(text, encoding="utf-8")


def _write_downloads(release: _Release) -> None:
    """Every table of the pages as a CSV file, and all of them in one workbook."""
    from helpers.report import downloads

    folder = Path(release.request["target"])
    (folder / "tables").mkdir(exist_ok=True)
    tables = [
        {**table, "chapter": chapter}
        for chapter, record in release.records().items()
        for table in record.get("tables", [])
    ]
    for table in tables:
        downloads.write_csv(table, folder / "tables" / f"{table['chapter']}-{table['name']}.csv")
    context = release.request["context"]
    downloads.write_workbook(
        tables, folder / "tables.xlsx",
        period=context["period"]["label"], as_of=context["prepared"]["as_of"],
    )  # fmt: skip


def work(request: child.Event, emit: child.Emit) -> dict[str, Any]:
    """Render a release into its folder.

    Args:
        request: `target` (folder), `context` (for the pages), `notebooks` and `records` (paths by
            chapter), `entry` and `entries` (of the list of all that is published), `site_index`.
        emit: Told how many chapters are done.

    Returns:
        `faults` (reason by chapter whose page could not be made) and `peak_memory_mb`.
    """
    from helpers.report import page

    release = _Release(request, page, emit)
    release.write_chapters()
    _write_downloads(release)
    release.write_index()
    release.write_site_index()
    return {"faults": release.faults, "peak_memory_mb": processes.peak_memory_mb()}


if __name__ == "__main__":
    child.serve(work)
