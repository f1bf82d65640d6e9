"""Text catalogues: every sentence, label and word of the pages, in each language.

`text/<language>/common.toml` holds the words of the machinery, `<chapter>.toml` those of a chapter;
a long chapter has a folder `<chapter>/` of such files besides, one a part, and all of them together
are its catalogue:

- `[chapter]` `title`, `question`;
- `[sentences]` a key to a template, or a table of templates by status or variant;
- `[blocks.<key>]` `name`, `title`, `subtitle`, `note`, `alt`, `missing` (what it would show),
  `nothing` (what it means that there is nothing to show), `item`, and `columns`, the headers;
- `[values.<column>]` the name of each code that stands in that column.

A template holds placeholders: `{name:unit}`, `{name:+unit}` (signed), `{n:count order|orders}`
(number and the form that agrees with it), `{n:word is|are}` (the form alone), `{segment:value}`
(a code of `[values.segment]`), and for a finding `{finding}` or `{finding.previous}` without a
unit.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from helpers.report.languages import FILE, FOLDER, LANGUAGES, SPARE

folders = [FOLDER]


def catalogue_name(chapter: str) -> str:
    """Name of a chapter's catalogue: `20_lifecycle` has `lifecycle.toml`."""
    return chapter.lstrip("0123456789").lstrip("_") or chapter


@cache
def load(language: str, name: str) -> Mapping[str, Any]:
    """One catalogue, with its parts; what a language does not say yet stands in English.

    Raises:
        FileNotFoundError: There is none of that name.
        ValueError: The language is unknown, a file is no TOML, or two of them differ on a key.
    """
    if language == SPARE:
        return own(language, name)
    try:
        return _over(own(SPARE, name), own(language, name))
    except FileNotFoundError:
        return own(SPARE, name)


def _over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    found = {**below, **above}
    for key in set(below) & set(above):
        if isinstance(below[key], dict) and isinstance(above[key], dict):
            found[key] = _over(below[key], above[key])
    return found


@cache
def own(language: str, name: str) -> Mapping[str, Any]:
    """What a language says itself of one catalogue, with its parts.

    Raises:
        FileNotFoundError: There is none of that name.
        ValueError: The language is unknown, a file is no TOML, or two of them differ on a key.
    """
    if language not in LANGUAGES:
        raise ValueError(f"language == {language!r}, must be one of {LANGUAGES}")
    path = next(
        (path for folder in folders if (path := folder / language / f"{name}.toml").exists()),
        folders[0] / language / f"{name}.toml",
    )
    found: dict[str, Any] = {}
    for part in (path, *sorted(path.with_suffix("").glob("*.toml"))):
        try:
            _merge(found, tomllib.loads(part.read_text(encoding="utf-8")))
        except ValueError as error:
            raise ValueError(f"{part.name} ({language}): {error}; mend the file") from error
    return found


def _merge(into: dict[str, Any], part: Mapping[str, Any], above: str = "") -> None:
    """Add a part's texts; a text may stand twice only if both say the same."""
    for key, value in part.items():
        known = into.setdefault(key, {} if isinstance(value, dict) else value)
        if isinstance(value, dict) and isinstance(known, dict):
            _merge(known, value, f"{above}{key}.")
        elif known != value:
            raise ValueError(f"{above}{key} is {value!r} here and {known!r} in another part")


def names() -> list[str]:
    """Names of all catalogues."""
    found = {path.stem for folder in folders for path in folder.glob("*/*.toml")}
    return sorted(found - {Path(FILE).stem})


def common(language: str, key: str) -> str:
    """A text of the machinery; `key` is `section.name`.

    Raises:
        KeyError: The catalogue has no such text.
    """
    found = find(load(language, "common"), key)
    if not isinstance(found, str):
        raise KeyError(f"common.toml ({language}) has no text {key!r}; add it in every language")
    return found


def find(tree: Mapping[str, Any], key: str) -> Any:
    """What stands under a dotted key; None where nothing does."""
    found: Any = tree
    for part in key.split("."):
        if not isinstance(found, Mapping) or part not in found:
            return None
        found = found[part]
    return found


def chapter_title(chapter: str, language: str) -> str:
    """A chapter's title; its file name where it has no catalogue."""
    try:
        tree = load(language, catalogue_name(chapter))
    except FileNotFoundError:
        tree = {}
    found = find(tree, "chapter.title")
    return str(found) if found else catalogue_name(chapter).replace("_", " ").capitalize()


class Texts:
    """The texts of one chapter in one language; words of the machinery where it has none."""

    def __init__(self, chapter: str, language: str) -> None:
        """Load the chapter's catalogue."""
        self.chapter = chapter
        self.language = language
        self.tree = load(language, catalogue_name(chapter))

    def sentence(self, key: str, variant: str = "") -> str | None:
        """A sentence's template; of a table of variants the one asked for, or None.

        Raises:
            KeyError: The catalogue has no such sentence.
        """
        found = find(self.tree, f"sentences.{key}")
        if found is None:
            raise KeyError(self._absent(f"[sentences] {key}"))
        if isinstance(found, str):
            return found
        return found.get(variant)

    def block(self, key: str, part: str) -> Any:
        """A part of a block's texts; None where it says nothing.

        Raises:
            KeyError: The catalogue has no such block.
        """
        block = find(self.tree, f"blocks.{key}")
        if block is None:
            raise KeyError(self._absent(f"[blocks.{key}]"))
        return block.get(part)

    def header(self, key: str, column: str) -> str:
        """The header of a block's column: its own, the chapter's or the common one.

        Raises:
            KeyError: None of the three names the column.
        """
        own = find(self.tree, f"blocks.{key}.columns.{column}")
        found = own or find(self.tree, f"columns.{column}")
        found = found or find(load(self.language, "common"), f"columns.{column}")
        if not found:
            raise KeyError(self._absent(f"[blocks.{key}.columns] {column}"))
        return str(found)

    def value(self, column: str, code: Any) -> str:
        """The name of a code in a column; the code itself where it has none."""
        own = find(self.tree, f"values.{column}")
        if isinstance(own, Mapping) and str(code) in own:
            return str(own[str(code)])
        shared = find(load(self.language, "common"), f"values.{column}")
        if isinstance(shared, Mapping) and str(code) in shared:
            return str(shared[str(code)])
        return str(code)

    def _absent(self, what: str) -> str:
        name = catalogue_name(self.chapter)
        return f"text/{self.language}/{name}.toml has no {what}; add it in every language"
