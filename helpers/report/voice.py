"""One language of a report: its texts, names and number formats together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from helpers.report import languages, text
from helpers.report.formats import printable, show
from helpers.report.text import template


@dataclass(frozen=True)
class Voice:
    """How a chapter speaks in one language; `currency` is the store's."""

    chapter: str
    language: str
    currency: str

    @cached_property
    def texts(self) -> text.Texts:
        """The chapter's catalogue."""
        return text.Texts(self.chapter, self.language)

    @cached_property
    def setting(self) -> template.Setting:
        """What filling a template needs."""
        return template.Setting(self.language, self.currency, self.name_of)

    @property
    def spoken(self) -> languages.Language:
        """How the language writes."""
        return languages.language(self.language)

    def name_of(self, column: str, code: Any) -> str:
        """The name of a code of a column."""
        return printable(self.texts.value(column, code))

    def show(self, value: Any, unit: str, *, signed: bool = False, strip: bool = False) -> str:
        """A value as text."""
        return show(value, unit, self.language, currency=self.currency, signed=signed, strip=strip)

    def say(self, key: str, **values: Any) -> str:
        """A sentence of the machinery, as text; empty where a value is missing."""
        return template.to_text(self.pieces(key, values))

    def say_html(self, key: str, fact: str = "", **values: Any) -> str:
        """The same as HTML; its plain numbers are fields of `fact`."""
        return template.to_html(self.pieces(key, values, fact))

    def pieces(
        self, key: str, values: Mapping[str, Any], fact: str = ""
    ) -> tuple[template.Piece, ...]:
        """The same as pieces, to stand in another sentence."""
        return template.fill(text.common(self.language, key), values, self.setting, fact) or ()

    def fact(self, key: str) -> str:
        """Id under which the numbers of a sentence, a table or a figure can be found."""
        return f"{self.chapter}/{key}"

    def fill(
        self, written: str | None, values: Mapping[str, Any], key: str = ""
    ) -> tuple[template.Piece, ...] | None:
        """A template of the catalogue filled; None where there is none or a value is missing.

        Args:
            written: The template.
            values: Its values.
            key: Key of the sentence; its plain numbers are fields of that fact of the chapter.
        """
        fact = self.fact(key) if key else ""
        return template.fill(written, values, self.setting, fact) if written else None

    def block(self, key: str, part: str, values: Mapping[str, Any]) -> tuple[template.Piece, ...]:
        """A part of a block's texts; empty where nothing can be said."""
        pieces = self.fill(self.texts.block(key, part), values, f"{key}.{part}")
        return template.capitalised(pieces) if pieces else ()

    def block_html(self, key: str, part: str, values: Mapping[str, Any]) -> str:
        """The same as HTML."""
        return template.to_html(self.block(key, part, values))

    def block_text(self, key: str, part: str, values: Mapping[str, Any]) -> str:
        """The same as plain text."""
        return template.to_text(self.block(key, part, values))

    def title_html(self, key: str, values: Mapping[str, Any]) -> str:
        """A block's finding title; its plain name where the finding can't be stated."""
        return self.block_html(key, "title", values) or template.given_html(self.block_name(key))

    def block_name(self, key: str) -> str:
        """A block's plain name.

        Raises:
            KeyError: The catalogue names no such block.
        """
        name = self.texts.block(key, "name")
        if not name:
            raise KeyError(
                f"[blocks.{key}] of {self.chapter} ({self.language}) has no name; add it"
            )
        return name

    def localised(self, columns: list[str], column: str) -> str:
        """The column that holds a name in this language: `name_zh` where there is one."""
        own = f"{column}_{self.language}"
        return own if own in columns else column
