"""Sentences with computed numbers: templates, their placeholders, and what they become."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from html import escape
from typing import Any

from helpers.report.findings import FIELD_UNITS, Finding, display_unit
from helpers.report.formats import NUMERIC_UNITS, UNITS, as_published, is_missing, show

_PLACEHOLDER = re.compile(r"\{([a-z_][a-z0-9_]*)(?:\.([a-z_]+))?(?::([^{}]*))?\}")
_WORD, _VALUE = "word", "value"
_TIMES = {"date": "%Y-%m-%d", "month": "%Y-%m"}
_DIGITS = re.compile(r"(\d+(?:[.,:/]\d+)*)")


@dataclass(frozen=True)
class Placeholder:
    """One gap of a template: whose value, which field of a finding, unit, sign and forms."""

    name: str
    field: str = ""
    unit: str = ""
    signed: bool = False
    forms: tuple[str, ...] = ()


@dataclass(frozen=True)
class Piece:
    """A stretch of a sentence; a number knows the fact and the metric that it states.

    Attributes:
        text: As it reads.
        fact: Id of the fact that a number states.
        field: Field of that fact.
        metric: Metric of the contract to whose definition the number links.
        unit: Unit in which a value is written; empty for the sentence's own words.
        value: The value itself.
        style: Class of a number.
    """

    text: str
    fact: str = ""
    field: str = ""
    metric: str = ""
    unit: str = ""
    value: Any = None
    style: str = "sr-n"


@dataclass(frozen=True)
class Setting:
    """What formatting needs to know: language, currency, and names of codes."""

    language: str
    currency: str
    name_of: Callable[[str, Any], str]


@cache
def parse(template: str) -> tuple[str | Placeholder, ...]:
    """A template's literal stretches and placeholders, in order.

    Raises:
        ValueError: A placeholder's unit is unknown, or a brace is left over.
    """
    parts: list[str | Placeholder] = []
    position = 0
    for found in _PLACEHOLDER.finditer(template):
        parts.append(template[position : found.start()])
        parts.append(_placeholder(template, *found.groups()))
        position = found.end()
    parts.append(template[position:])
    for part in parts:
        if isinstance(part, str) and ("{" in part or "}" in part):
            raise ValueError(
                f"template {template!r}: {part!r} is no placeholder; write {{name:unit}}"
            )
    return tuple(part for part in parts if part)


def _placeholder(template: str, name: str, field: str | None, spec: str | None) -> Placeholder:
    unit, _, forms = (spec or "").strip().partition(" ")
    signed = unit.startswith("+")
    unit = unit.removeprefix("+")
    if unit and unit not in (*UNITS, _WORD, _VALUE):
        raise ValueError(
            f"template {template!r}: unit {unit!r} of {{{name}}} must be one of "
            f"{(*UNITS, _WORD, _VALUE)}"
        )
    found = tuple(form.strip() for form in forms.split("|")) if forms else ()
    if unit == _WORD and len(found) != 2:
        raise ValueError(f"template {template!r}: {{{name}:word}} needs two forms: one|many")
    return Placeholder(name, field or "", unit, signed, found)


def placeholders(template: str) -> set[tuple[str, str, str]]:
    """Name, field and unit of every value that a template states; both languages must agree."""
    return {
        (part.name, part.field, part.unit)
        for part in parse(template)
        if isinstance(part, Placeholder) and part.unit != _WORD
    }


def fill(
    template: str, values: Mapping[str, Any], setting: Setting, key: str = ""
) -> tuple[Piece, ...] | None:
    """The pieces of a sentence; None where a value that it needs is missing.

    Args:
        template: The template.
        values: A value, a `Finding`, a text or pieces for every placeholder.
        setting: Language, currency, names of codes.
        key: Id under which plain numbers can be found in the chapter's record.

    Raises:
        KeyError: A placeholder has no value.
    """
    pieces: list[Piece] = []
    for part in parse(template):
        if isinstance(part, str):
            pieces.append(Piece(part))
            continue
        if part.name not in values:
            raise KeyError(f"template {template!r} needs a value for {{{part.name}}}")
        made = _pieces(part, _own_language(part, values, setting.language), setting, key)
        if made is None:
            return None
        pieces += made
    return tuple(pieces)


def _own_language(part: Placeholder, values: Mapping[str, Any], language: str) -> Any:
    own = values.get(f"{part.name}_{language}")
    return values[part.name] if is_missing(own) else own


def _pieces(part: Placeholder, value: Any, setting: Setting, key: str) -> list[Piece] | None:
    """A value as written, and the word that agrees with it; None where there is no value."""
    if isinstance(value, tuple):
        return list(value)
    made = Piece("", unit=part.unit)
    if isinstance(value, Finding):
        field = part.field or "value"
        made = Piece("", value.id, field, value.metric, part.unit or _unit_of(value, field))
        value = getattr(value, field)
    elif part.unit in NUMERIC_UNITS and key:
        made = Piece("", key, part.name, unit=part.unit)
    if is_missing(value) or (isinstance(value, str) and not value):
        return None
    chosen = ""
    if part.forms:
        chosen = part.forms[0] if value == 1 else part.forms[-1]
    if part.unit == _WORD:
        return [Piece(chosen)]
    text = _text(part, value, made, setting)
    word = [Piece(f"\N{NO-BREAK SPACE}{chosen}")] if chosen else []
    return [replace(made, text=text, value=value), *word]


def _unit_of(finding: Finding, field: str) -> str:
    own = display_unit(finding.metric, finding.unit)
    return FIELD_UNITS[field](own) if field in FIELD_UNITS else own


def _text(part: Placeholder, value: Any, made: Piece, setting: Setting) -> str:
    if made.unit == _VALUE:
        return setting.name_of(part.name, value)
    return show(
        value,
        made.unit or "text",
        setting.language,
        currency=setting.currency,
        signed=part.signed,
        strip=made.field == "target",
    )


def capitalised(pieces: tuple[Piece, ...]) -> tuple[Piece, ...]:
    """The same with a capital at the start: names of codes are written as inside a sentence."""
    first = pieces[0].text
    if not first[:1].islower() or pieces[0].fact:
        return pieces
    return (replace(pieces[0], text=first[0].upper() + first[1:]), *pieces[1:])


def to_text(pieces: tuple[Piece, ...]) -> str:
    """The sentence without marks."""
    return "".join(piece.text for piece in pieces)


def to_html(pieces: tuple[Piece, ...]) -> str:
    """The sentence with every number marked by its fact and linked to its definition."""
    return "".join(_html(piece) for piece in pieces)


def _html(piece: Piece) -> str:
    if piece.fact:
        text = escape(piece.text)
        return number_html(text, piece.fact, piece.field, piece.metric, piece.style)
    if piece.unit in (*_TIMES, "period"):
        return time_html(piece.text, piece.value, piece.unit)
    return name_html(piece.text) if piece.unit else given_html(piece.text)


def number_html(
    text: str, fact: str, field: str = "", metric: str = "", style: str = "sr-n"
) -> str:
    """A number that says which fact it states; `text` is escaped already."""
    marks = f' data-fact="{escape(fact)}"' + (f' data-field="{escape(field)}"' if field else "")
    if metric:
        return f'<a class="{style}" href="#metric-{escape(metric)}"{marks}>{text}</a>'
    return f'<span class="{style}"{marks}>{text}</span>'


def given_html(text: str) -> str:
    """Words of a catalogue, their numbers marked as given: they state a rule and no fact."""
    words = [escape(part) for part in _DIGITS.split(text)]
    words[1::2] = [f'<span class="sr-given">{number}</span>' for number in words[1::2]]
    return "".join(words)


def name_html(text: str) -> str:
    """A name or code; marked where it holds a digit, which is no fact."""
    shown = escape(text)
    return f'<span class="sr-name">{shown}</span>' if _DIGITS.search(text) else shown


def time_html(text: str, value: Any, unit: str) -> str:
    """A day, a month or a period; one that HTML has no notation for is a name."""
    if unit == "period" and value.kind not in ("month", "year"):
        return name_html(text)
    moment = value.label if unit == "period" else value.strftime(_TIMES[unit])
    return f'<time datetime="{moment}">{escape(text)}</time>'


def figures(pieces: tuple[Piece, ...]) -> dict[str, dict[str, Any]]:
    """What plain numbers of a sentence state: `value` and `unit` by field.

    Counts of 1 to 9 customers are as hidden here as in the sentence.
    """
    return {
        piece.field: {"value": as_published(piece.value, piece.unit), "unit": piece.unit}
        for piece in pieces
        if piece.fact and not piece.metric
    }


def numbers(pieces: tuple[Piece, ...]) -> Iterator[str]:
    """Ids of the facts that a sentence states."""
    return (piece.fact for piece in pieces if piece.fact)
