"""The record of a chapter: what it found, as JSON, for the run and for other chapters."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from helpers.report.blocks import RECORD_MIME
from helpers.report.findings import Finding, Missing, number
from helpers.report.languages import LANGUAGES, SPARE
from helpers.report.sheet import TARGET, Sheet
from helpers.report.voice import Voice

if TYPE_CHECKING:
    import pandas as pd

SCHEMA = 1
_REQUIRED = ("schema", "chapter", "store", "period", "facts", "actions", "verdict")


@dataclass
class Notes:
    """What a chapter has stated so far; a key that is stated again replaces what it said."""

    facts: dict[str, dict[str, Any]] = field(default_factory=dict)
    actions: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    tables: dict[str, dict[str, Any]] = field(default_factory=dict)
    cards: dict[str, dict[str, Any]] = field(default_factory=dict)
    figures: dict[str, dict[str, Any]] = field(default_factory=dict)
    sheets: dict[str, dict[str, Any]] = field(default_factory=dict)
    missing: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    verdict: dict[str, str] = field(default_factory=dict)
    front: dict[str, dict[str, Any]] = field(default_factory=dict)

    def add_findings(self, findings: Iterable[Finding], chapter: str) -> None:
        """Take facts; what the store lacks for them is noted too."""
        for finding in findings:
            self.facts[finding.id] = finding.as_fact(chapter)
            if finding.missing:
                self.add_missing(finding.metric, finding.missing)

    def add_figures(self, figures: Mapping[str, dict[str, Any]]) -> None:
        """Take the numbers of sentences: `value` and `unit` by field, by the id of their words."""
        self.figures.update({name: found for name, found in figures.items() if found})

    def add_sheet(self, sheet: Sheet, voices: Sequence[Voice]) -> None:
        """Take what a figure or a table states."""
        self.sheets[sheet.id] = sheet.as_json(voices)
        if sheet.target is not None:
            target = {TARGET: {"value": number(sheet.target), "unit": sheet.target_unit}}
            self.add_figures({sheet.id: target})

    def add_missing(self, key: str, missing: Missing) -> None:
        """Note what the store lacks for a block or a metric."""
        self.missing[key, missing.table] = {"key": key, **missing.as_json()}

    def as_json(self) -> dict[str, Any]:
        """The part of the record that the chapter's calls have filled."""
        return {
            "facts": list(self.facts.values()),
            "actions": [action for actions in self.actions.values() for action in actions],
            "verdict": self.verdict,
            "front": list(self.front.values()),
            "cards": list(self.cards.values()),
            "tables": list(self.tables.values()),
            "figures": self.figures,
            "sheets": self.sheets,
            "missing": list(self.missing.values()),
        }


@dataclass(frozen=True)
class RecordOutput:
    """The last output of a chapter: says that it ran to its end, and what it found."""

    record: Mapping[str, Any]

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        facts, tables = len(self.record["facts"]), len(self.record["tables"])
        return {
            "text/plain": f"{self.record['chapter']}: {facts} facts, {tables} tables",
            RECORD_MIME: dict(self.record),
        }


def write_record(record: Mapping[str, Any], folder: Path) -> Path:
    """Write a record into a run's folder, whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{record['chapter']}.json"
    waiting = path.with_suffix(f".{os.getpid()}")
    waiting.write_text(json.dumps(record, ensure_ascii=False, allow_nan=False), encoding="utf-8")
    waiting.replace(path)
    return path


def published_numbers(records: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """What `numbers.json` holds: every number of the pages that is no fact of the contract.

    Returns:
        `currency`, that of money; `figures`, numbers of sentences by the id of their words:
        `value` and `unit` by field; `sheets`, figures and tables by id: `units` and `columns`,
        whose i-th values are the fields of the fact `id:i`, and `total`, those of `id:total`.
    """
    found: dict[str, Any] = {"schema": SCHEMA, "currency": "", "figures": {}, "sheets": {}}
    for record in records:
        found["currency"] = record.get("provenance", {}).get("currency", "")
        for part in ("figures", "sheets"):
            found[part].update(record.get(part, {}))
    return found


def verdicts_frame(
    records: Mapping[str, Mapping[str, Any]], chapters: Iterable[str]
) -> pd.DataFrame:
    """What the chapters of a run say in one sentence each; one without a record is named, not left.

    Returns:
        One row per chapter in order: `chapter`, `verdict` (English), `verdict_zh` and so on,
        `actions` (how many); all but the first are empty where the run has no record of it.
    """
    import pandas as pd

    rows = []
    names = ["verdict" if one == SPARE else f"verdict_{one}" for one in LANGUAGES]
    for chapter in chapters:
        found = records.get(chapter)
        said = found["verdict"] if found else {}
        count = len(found["actions"]) if found else None
        rows.append((chapter, *(said.get(language) for language in LANGUAGES), count))
    return pd.DataFrame(rows, columns=["chapter", *names, "actions"])


def read_records(folder: Path) -> dict[str, dict[str, Any]]:
    """The records of a run by chapter, in the chapters' order; other files are passed over."""
    found = {}
    for path in sorted(folder.glob("[0-9][0-9]_*.json")):
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        if isinstance(record, dict) and all(name in record for name in _REQUIRED):
            found[str(record["chapter"])] = record
    return found
