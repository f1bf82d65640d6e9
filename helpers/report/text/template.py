"""Sentences with computed numbers: templates, their placeholders, and what they become."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from html import escape
from typing import Any

from helpers.report.findings import FIELD_UNITS, Finding, display_unit
from helpers.report.formats import NUMERIC_UNITS, UNITS, is_missing, show

_PLACEHOLDER = re.compile(r"\{([a-z_][a-z0-9_]*)(?:\.([a-z_]+))?(?::([^{}]*))?\}")
_WORD, _VALUE = "word", "value"


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
    """A stretch of a sentence; a number knows the fact and the metric that it states."""

    text: str
    fact: str = ""
    field: str = ""
    metric: str = ""


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
        values: A value, a `Finding` or a text for every placeholder.
        setting: Language, currency, names of codes.
        key: Prefix of the id under which plain numbers can be found in the chapter's record.

    Raises:
        KeyError: A placeholder has no value.
    """
    pieces = []
    for part in parse(template):
        if isinstance(part, str):
            pieces.append(Piece(part))
            continue
        if part.name not in values:
            raise KeyError(f"template {template!r} needs a value for {{{part.name}}}")
        made = _piece(part, _own_language(part, values, setting.language), setting, key)
        if made is None:
            return None
        pieces.append(made)
    return tuple(pieces)


def _own_language(part: Placeholder, values: Mapping[str, Any], language: str) -> Any:
    own = values.get(f"{part.name}_{language}")
    return values[part.name] if is_missing(own) else own


def _piece(part: Placeholder, value: Any, setting: Setting, key: str) -> Piece | None:
    metric = fact = field = ""
    unit = part.unit
    if isinstance(value, Finding):
        metric, fact, field = value.metric, value.id, part.field or "value"
        unit = unit or _unit_of(value, field)
        value = getattr(value, field)
    elif unit in NUMERIC_UNITS:
        fact = f"{key}.{part.name}" if key else ""
    if is_missing(value) or (isinstance(value, str) and not value):
        return None
    return Piece(_text(part, value, unit, field, setting), fact, field, metric)


def _unit_of(finding: Finding, field: str) -> str:
    own = display_unit(finding.metric, finding.unit)
    return FIELD_UNITS[field](own) if field in FIELD_UNITS else own


def _text(part: Placeholder, value: Any, unit: str, field: str, setting: Setting) -> str:
    if unit == _VALUE:
        return setting.name_of(part.name, value)
    chosen = ""
    if part.forms:
        chosen = part.forms[0] if value == 1 else part.forms[-1]
    if unit == _WORD:
        return chosen
    shown = show(
        value,
        unit or "text",
        setting.language,
        currency=setting.currency,
        signed=part.signed,
        strip=field == "target",
    )
    return f"{shown}\N{NO-BREAK SPACE}{chosen}" if chosen else shown


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
    text = escape(piece.text)
    if not piece.fact:
        return text
    return number_html(text, piece.fact, piece.field, piece.metric)


def number_html(
    text: str, fact: str, field: str = "", metric: str = "", style: str = "sr-n"
) -> str:
    """A number that says which fact it states; `text` is escaped already."""
    marks = f' data-fact="{escape(fact)}"' + (f' data-field="{escape(field)}"' if field else "")
    if metric:
        return f'<a class="{style}" href="#metric-{escape(metric)}"{marks}>{text}</a>'
    return f'<span class="{style}"{marks}>{text}</span>'


def numbers(pieces: tuple[Piece, ...]) -> Iterator[str]:
    """Ids of the facts that a sentence states."""
    return (piece.fact for piece in pieces if piece.fact)
