"""`data/README.md` says what the declarations say."""

import re
from pathlib import Path

from helpers.store.documentation import README, readme
from helpers.store.ingest.sources import SOURCES
from helpers.store.schema import TABLES


def test_the_readme_is_the_one_that_is_generated(project_root: Path) -> None:
    assert project_root / "data" / "README.md" == README
    assert README.read_text(encoding="utf-8") == readme(), (
        "data/README.md is out of date: run `python -m helpers.store.documentation`"
    )


def test_every_table_column_and_source_is_in_it() -> None:
    sections = dict(re.findall(r"^### (\w+)\n(.*?)(?=^### |\Z)", readme(), re.M | re.S))
    assert list(sections) == list(TABLES)
    for name, table in TABLES.items():
        rows = re.findall(r"^\| \**(\w+)\** \| ", sections[name], re.M)
        assert rows[1:] == list(table.column_names)
    assert all(f"**{source.name}**" in readme() for source in SOURCES)
