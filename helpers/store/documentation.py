"""Writes `data/README.md` from the declarations: `python -m helpers.store.documentation`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from helpers.store.columns import Column, Table
from helpers.store.ingest.exports import EXPORTS
from helpers.store.ingest.sources import SOURCES
from helpers.store.schema import REQUIRED_TABLES, TABLES
from helpers.store.settings import FILE_NAME, KEYS

README = Path(__file__).resolve().parents[2] / "data" / "README.md"

_INTRODUCTION = """\
# Data

Generated from `helpers/store/schema.py` and the sources in `helpers/store/ingest/`; change those
and run `python -m helpers.store.documentation`.

`python run_all.py --data PATH` reads a file, a folder, or with `env:NAME` the database whose
address stands in the environment variable NAME. Exports can stand anywhere; `data/<store>/` is a
good place and is not committed. What is worked out from them is kept in `data/.cache/`. The
plan's own figures, for people to edit, are in `data/plan/`.
"""

_OWN_DATA = """\
## Bring your own data

Rename your columns to those of the tables below and save each table as Parquet or CSV in one
folder. {required} are required; every other table is optional, and a section that needs one you
do not have says so.

CSV is read as it is declared here, nothing is guessed: UTF-8 (a byte order mark is fine) or the
`encoding` of `{settings}`; commas; fields with a comma or quote in double quotes, quotes
doubled; one row a line; a first line of column names; days as `2026-03-04`, times as `2026-03-04
15:30:00` in the shop's local time; decimal points, no thousands marks, no currency signs; `true`
or `false`; an empty field where nothing is known. Times in Parquet that carry a zone are
converted to the shop's.

A missing required column, another encoding, or a file that is no table stops the run with a
message. A single row that breaks a rule goes to quarantine with its line number and the reason;
the run goes on, and rows and money are accounted for on the quality page: rows in = accepted +
quarantined + delivered twice. Of rows alike in everything the first is kept; where rows with one
key differ, all of them are set aside. An optional table with more than 5 % of its rows in
quarantine (and at least 20) is withheld; a required one with more than half stops the run.

## {settings}

Beside the data, all keys optional: {keys}.

```toml
currency = "CNY"              # ISO 4217, of all money in the data
time_zone = "Asia/Shanghai"   # IANA name, of all times in the data
encoding = "gb18030"          # of text files; UTF-8 when left out

[name]
en = "My shop"
zh = "我的店"

[targets]                     # metric = value, in place of data/plan/targets.csv
repurchase_rate = 0.35
```
"""

_BESIDE = """\
## Exports that are read beside a source

Put these into the same folder, or into sub-folders named as in bold; they give what the source
itself lacks. They are in the store's currency and, where they carry times in UTC, in its time zone.
Of several reports a campaign's day counts once: the one that reaches further wins, and two that
reach to the same day and differ on money are refused. What platforms claim to have sold is kept as
reported and never added up.
"""

_NEW_SOURCE = """\
## Add a source

Write `helpers/store/ingest/<platform>.py` with a class like `Cdnow` in `cdnow.py`: a `Table`
that declares the export's own columns (`RAW`), `recognises` by its headers, `files`, `state`,
and `read`, which holds the rows against `RAW` with `quarantine.sift`, and writes canonical
tables with `quarantine.write_declared`. Name it in `helpers/store/ingest/sources.py`, add a test
with a small export, and run `python -m helpers.store.documentation`. A campaign report beside a
source is a class like `MetaAds` in `meta_ads.py`, listed in `exports.py`. No other part of the
project knows a platform's column names.
"""


def readme() -> str:
    """The text of `data/README.md`."""
    required = " and ".join(f"`{name}`" for name in REQUIRED_TABLES)
    keys = ", ".join(f"`{key}`" for key in KEYS)
    own_data = _OWN_DATA.format(required=required, settings=FILE_NAME, keys=keys)
    parts = [_INTRODUCTION, _sources(), _beside(), own_data, _NEW_SOURCE, _tables()]
    return "\n".join(parts)


def _sources() -> str:
    lines = ["## Sources that are known", ""]
    for source in SOURCES:
        zone = f"{source.defaults.currency}, {source.defaults.time_zone}"
        lines.append(f"- **{source.name}** ({zone} unless `{FILE_NAME}` says otherwise). ")
        lines[-1] += f"{source.about} Recognised by: {source.headers}."
    return "\n".join(lines) + "\n"


def _beside() -> str:
    lines = [f"- **{one.name}**. {one.about} Recognised by: {one.headers}." for one in EXPORTS]
    return _BESIDE + "\n" + "\n".join(lines) + "\n"


def _tables() -> str:
    lines = [
        "## Tables",
        "",
        "Money is in the store's currency with two decimals, unit prices with four; times are the "
        "shop's own. A column in **bold** must be there; its cells may be empty only where it says "
        "so. Personal columns are never published but as keyed hashes.",
        "",
    ]
    for table in TABLES.values():
        lines += _table(table)
    return "\n".join(lines)


def _table(table: Table) -> Iterator[str]:
    need = "required" if table.required else "optional"
    yield f"### {table.name}"
    yield ""
    sentences = [f"One row: {table.grain} ({need}).", f"Key: {_names(table.key)}."]
    if table.dated_by:
        sentences.append(f"A row exists from `{table.dated_by}` on.")
    for name, parent in table.references.items():
        sentences.append(f"`{name}` must stand in `{parent}`.")
    yield " ".join(sentences)
    yield ""
    yield "| column | type | meaning | rules |"
    yield "| --- | --- | --- | --- |"
    for column in table.columns:
        shown = f"**{column.name}**" if column.required else column.name
        yield f"| {shown} | {_type(column)} | {column.meaning} | {_rules(column)} |"
    yield ""


def _type(column: Column) -> str:
    plain = column.unit in ("", "money", "local time of the shop")
    return column.type if plain else f"{column.type}, {column.unit}"


def _rules(column: Column) -> str:
    rules = []
    if column.required and column.nullable:
        rules.append("may be empty")
    if column.minimum is not None:
        rules.append(f"at least {column.minimum}")
    if column.values:
        rules.append("one of " + ", ".join(column.values))
    if column.default is not None:
        rules.append(f"else {str(column.default).lower()}")
    if column.known_at and column.known_at != column.name:
        rules.append(f"known from {column.known_at} on")
    if column.personal:
        rules.append("personal")
    return "; ".join(rules)


def _names(names: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in names)


if __name__ == "__main__":
    README.parent.mkdir(exist_ok=True)
    README.write_text(readme(), encoding="utf-8")
