"""The languages of the pages: each is a folder of `text/` with a `language.toml` that says how it
writes numbers, dates and lists. A new language is a new folder; no code names one.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "text"
FILE = "language.toml"
SPARE = "en"


@dataclass(frozen=True)
class Language:
    """How one language writes.

    Attributes:
        name: What it calls itself.
        html: Its code in the `lang` attribute.
        between: What stands between the names of a list.
        colon: What stands between a name and what is said of it.
        square: Whether its signs are as wide as they are high, and a line may break at any.
        decimal: Sign before decimals.
        thousands: Sign between thousands.
        scales: Sizes and the names of their multiples, the largest first.
        money: Where the currency's sign stands: `{sign}`, `{number}`.
        units: Unit to its pattern; the number alone where it has none.
        headers: Unit, or currency, to what a column's header says of it.
        dates: Names of `months` and `quarters`, and the patterns of days and periods.
    """

    name: str
    html: str
    between: str
    colon: str
    square: bool
    decimal: str
    thousands: str
    scales: tuple[tuple[float, str], ...]
    money: str
    units: dict[str, str]
    headers: dict[str, str]
    dates: dict[str, Any]

    def number(self, text: str) -> str:
        """A number as written in English, with this language's signs."""
        return "".join({".": self.decimal, ",": self.thousands}.get(sign, sign) for sign in text)

    def with_unit(self, number: str, unit: str) -> str:
        """A number as written in English, with this language's signs and the unit's name."""
        return self.units.get(unit, "{}").format(self.number(number))


def _found() -> tuple[str, ...]:
    codes = sorted(path.parent.name for path in FOLDER.glob(f"*/{FILE}"))
    return (SPARE, *(code for code in codes if code != SPARE))


LANGUAGES = _found()


@cache
def language(code: str) -> Language:
    """One language.

    Raises:
        ValueError: There is no such folder, or its file is not what it should be.
    """
    if code not in LANGUAGES:
        raise ValueError(f"language == {code!r}, must be one of {LANGUAGES}")
    try:
        found = tomllib.loads((FOLDER / code / FILE).read_text(encoding="utf-8"))
        found["scales"] = tuple((float(size), name) for size, name in found["scales"])
        return Language(**found)
    except (ValueError, TypeError, KeyError) as error:
        raise ValueError(
            f"text/{code}/{FILE}: {error}; take text/{SPARE}/{FILE} as a model"
        ) from error


def chosen(texts: Mapping[str, str], code: str) -> str:
    """A text that exists by language; the English one where the language has none."""
    return texts.get(code) or texts.get(SPARE, "")
