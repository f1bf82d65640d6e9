"""What a notebook's cell shows: one output with every language in it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from html import escape
from pathlib import Path
from typing import Any

MIME = "application/vnd.store-report.block+json"
RECORD_MIME = "application/vnd.store-report.record+json"
_THEME = Path(__file__).parent / "theme"


@dataclass(frozen=True)
class Block:
    """A piece of a page in every language.

    Attributes:
        kind: What it is: `cards`, `figure`, `table`, `sentence`, `verdict`, `actions`, `notice`.
        key: Its key in the catalogue; names its anchor.
        html: HTML by language, the first language first.
        metrics: Metrics of the contract whose definitions the page must carry.
        table: Name of the table that can be downloaded; empty where there is none.
    """

    kind: str
    key: str
    html: Mapping[str, str]
    metrics: tuple[str, ...] = ()
    table: str = ""

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        first = next(iter(self.html.values()))
        return {
            "text/html": f'<style>{stylesheet()}</style><div class="sr">{first}</div>',
            MIME: {
                "schema": 1,
                "kind": self.kind,
                "key": self.key,
                "html": dict(self.html),
                "metrics": list(self.metrics),
                "table": self.table,
            },
        }


@cache
def stylesheet() -> str:
    """The theme of all blocks; pages and JupyterLab show them alike."""
    return (_THEME / "blocks.css").read_text(encoding="utf-8")


def in_languages(languages: Iterable[str], draw: Callable[[str], str]) -> dict[str, str]:
    """A piece of HTML drawn once for each language."""
    return {language: draw(language) for language in languages}


def folded(name: str, html: str) -> str:
    """A piece of HTML that shows its name, and the rest when it is opened."""
    return f'<details class="sr-fold"><summary>{escape(name)}</summary>{html}</details>'


def together(blocks: Iterable[Block], style: str = "") -> Block:
    """Blocks one after the other in one output; `style` is a class round them."""
    found = [block for block in blocks if any(block.html.values())]
    if not found:
        return Block("nothing", "", {"en": ""})
    languages = list(found[0].html)
    html = {language: "".join(block.html[language] for block in found) for language in languages}
    if style:
        html = {name: f'<div class="{style}">{text}</div>' for name, text in html.items()}
    metrics = tuple(dict.fromkeys(name for block in found for name in block.metrics))
    return Block("group", found[0].key, html, metrics)
