"""What a page says on paper only: running heads, numbered notes, where more can be seen."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from html import escape

from helpers.report.voice import Voice

_MARKS = re.compile(r'<h2\b|<a\b(?P<before>[^>]*?) href="#metric-(?P<metric>[a-z0-9_.]+)"')
_PLAIN = re.compile(r"[0-9A-Za-z\u2e80-\u9fff]")
_ON_NUMBERS = 'class="sr-n"'


def style(voice: Voice, head: str, title: str) -> str:
    """Rules for the margins of the sheets, and the words that lead a list of folded blocks.

    Args:
        voice: The page's language.
        head: Store and period; stands at the left of every sheet but the first.
        title: The page's title; stands at the right.
    """
    more = css_string(voice.say("page.more_on_screen"))
    return (
        f"@page{{@top-left{{content:{css_string(head)}}}@top-right{{content:{css_string(title)}}}}}"
        '@page:first{@top-left{content:""}@top-right{content:""}}'
        f".sr-page{{--more:{more}}}"
    )


def css_string(text: str) -> str:
    """A text as a string of CSS, whatever it holds."""
    written = "".join(
        letter if _PLAIN.match(letter) else f"\\{ord(letter):x} "
        for letter in text
        if letter.isprintable()
    )
    return f'"{written}"'


def with_notes(html: str, metrics: Sequence[str], sentences: Mapping[str, str]) -> str:
    """A page whose links to definitions carry the number of the note, once in each section.

    A link that is a name, not a number, also tells the definition on hover.

    Args:
        html: The page.
        metrics: Metrics in the order of their definitions.
        sentences: Metric to its definition in one sentence.
    """
    numbers = {name: place for place, name in enumerate(metrics, start=1)}
    seen: set[str] = set()

    def mark(found: re.Match[str]) -> str:
        name = found["metric"]
        if not name:
            seen.clear()
            return found[0]
        marks = ""
        if name in sentences and _ON_NUMBERS not in found["before"]:
            marks += f' title="{escape(sentences[name])}"'
        if name in numbers and name not in seen:
            seen.add(name)
            marks += f' data-note="{numbers[name]}"'
        return found[0] + marks

    return _MARKS.sub(mark, html)
