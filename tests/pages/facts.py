"""Every number on the pages of a published folder, held against what is published beside them.

A number carries the id of its fact (`data-fact`) and the fact's field (`data-field`; several in
the order of the words). It is looked up in `facts.json` and `numbers.json` and written anew by the
formatter of the page's language. What may stand without a fact is told by structure, not by text.
"""

import itertools
import json
import re
from dataclasses import dataclass, field
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path

from helpers.plan.metrics import metric
from helpers.report import formats
from helpers.report.findings import FIELD_UNITS, display_unit
from helpers.report.languages import language as spoken
from helpers.report.sheet import place

DIGIT = re.compile(r"\d")
FIGURE = re.compile(r"-?\d+(\.\d+)?")
ROW = re.compile(r"(.+):(\d+|total)")
VOID = {"br", "col", "hr", "img", "input", "link", "meta", "wbr"}
# Rules of the catalogues, names and codes, ticks of axes, sources, definitions, foot, downloads,
# states of the run with their moments, and the head with the period.
NO_FACT = {
    "sr-given", "sr-name", "sr-axis", "sr-source", "sr-how", "sr-definitions", "sr-foot",
    "sr-downloads", "sr-banner", "sr-alerts", "sr-tag", "sr-top",
}  # fmt: skip
NO_FACT_TAGS = {"time", "h1", "head", "style", "nav"}
SENTENCES = {"p", "li", "h3", "td", "th", "title", "summary"}


@dataclass
class Number:
    """A text that states fields of a fact; `head` is the unit in its column's header."""

    fact: str
    fields: list[str]
    tag: str
    group: int
    text: str = ""
    in_figure: bool = False
    head: str | None = None
    column: str = ""


@dataclass
class Page(HTMLParser):
    """A page's numbers in order, and its digits that state nothing."""

    numbers: list[Number] = field(default_factory=list)
    bare: list[str] = field(default_factory=list)
    language: str = ""

    def __post_init__(self):
        super().__init__(convert_charrefs=True)
        self._open = []
        self._groups = 0
        self._heads, self._cell, self._column = [], -1, ""

    @classmethod
    def read(cls, path):
        page = cls()
        page.feed(path.read_text(encoding="utf-8"))
        page.close()
        return page

    def handle_starttag(self, tag, attrs):
        found = {name: value or "" for name, value in attrs}
        if tag == "html":
            self.language = found["lang"][:2]
        if tag in SENTENCES:
            self._groups += 1
        self._enter_table(tag)
        number = None
        if found.get("data-fact"):
            number = self._number(tag, found)
            self.numbers.append(number)
        if tag not in VOID:
            self._open.append((tag, set(found.get("class", "").split()), found, number))

    def _number(self, tag, found):
        fields = found.get("data-field", "").split()
        number = Number(found["data-fact"], fields, tag, self._groups)
        number.in_figure = any(one[0] == "svg" for one in self._open)
        if any(one[0] in ("tbody", "tfoot") for one in self._open):
            self._column = self._column or fields[0]
            number.head, number.column = self._heads[self._cell], self._column
        return number

    def _enter_table(self, tag):
        if tag == "table":
            self._heads = []
        elif tag == "tr":
            self._cell = -1
        elif tag in ("td", "th"):
            self._cell, self._column = self._cell + 1, ""
            if any(one[0] == "thead" for one in self._open):
                self._heads.append("")

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag):
        for place_, (name, *_) in reversed([*enumerate(self._open)]):
            if name == tag:
                del self._open[place_:]
                return

    def handle_data(self, data):
        inside = next((one[3] for one in reversed(self._open) if one[3]), None)
        if inside:
            inside.text += data
            return
        if self._open and "sr-unit" in self._open[-1][1] and self._heads:
            self._heads[-1] += data
        if DIGIT.search(data) and not self._may_be_bare():
            where = " > ".join(".".join((one[0], *sorted(one[1]))) for one in self._open[-3:])
            self.bare.append(f"{data.strip()!r} in {where}")

    def _may_be_bare(self):
        """Whether a digit may stand here without a fact."""
        if any(tag in NO_FACT_TAGS or classes & NO_FACT for tag, classes, *_ in self._open):
            return True
        if any("#metric-" in found.get("href", "") for *_, found, _ in self._open):
            return True
        if any(found.get("aria-labelledby") == "quality" for *_, found, _ in self._open):
            return True
        above = [classes for _, classes, *_ in self._open]
        prose = [place_ for place_, classes in enumerate(above) if "sr-section" in classes]
        return bool(prose) and not any(above[prose[-1] + 1 :])


@dataclass
class Published:
    """What a release publishes beside its pages."""

    facts: list[dict]
    figures: dict
    sheets: dict
    currency: str
    quality: dict

    @classmethod
    def read(cls, folder):
        numbers = json.loads((folder / "numbers.json").read_text(encoding="utf-8"))
        facts = json.loads((folder / "facts.json").read_text(encoding="utf-8"))
        quality = json.loads((folder / "quality.json").read_text(encoding="utf-8"))
        return cls(facts, numbers["figures"], numbers["sheets"], numbers["currency"], quality)

    def texts(self, number, name, language, chapter):
        """All ways in which a field of a number may be written; none where it is unknown."""
        show = Writer(language, self.currency)
        same = [fact for fact in self.facts if fact["id"] == number.fact]
        if same:
            own = [fact for fact in same if fact["chapter"] == chapter]
            return show.fact((own or same)[-1], name)
        if name in self.figures.get(number.fact, {}):
            found = self.figures[number.fact][name]
            return show.plain(found["value"], found["unit"], name)
        if number.fact.startswith("quality."):
            found = self.of_quality(*number.fact.split(".", 2)[1:])
            return set().union(*(show.of_source(one[name]) for one in found if name in one))
        sheet, row = self.row(number)
        if name not in row:
            return set()
        if number.head is not None:
            return show.in_table(sheet, row, name, number)
        return show.in_figure(sheet, row, name)

    def of_quality(self, kind, key=""):
        """What `quality.json` says by the id of a check, a note, a step or a row set aside."""
        aside, tables = self.quality.get("quarantine", ()), self.quality["tables"].values()
        if kind == "twice":
            return [{"n": sum(int(one.get("delivered_twice", 0)) for one in tables)}]
        if kind == "quarantine" and not key:
            rows = sum(int(one["rows"]) for one in aside)
            return [{"rows": rows, "of": sum(int(one["rows_in"]) for one in tables)}]
        if kind == "quarantine":
            return [aside[int(key)] | aside[int(key)]["values"]]
        if kind == "check":
            checks = self.quality["verdicts"]
            own = (o for o in checks if key.startswith(f"{o['table']}.{o['check']}"))
            return [one.get("values", {}) for one in own]
        parts = self.quality["bridge" if kind == "bridge" else "notes"]
        return [one | one.get("values", {}) for one in parts if one["key"] == key]

    def row(self, number):
        """The sheet that a number stands in, and its row; both empty where there is none."""
        match = ROW.fullmatch(number.fact)
        sheet = self.sheets.get(match[1]) if match else None
        if not sheet:
            return {}, {}
        if match[2] == "total":
            return sheet, sheet.get("total", {})
        columns, place_ = sheet["columns"], int(match[2])
        return sheet, {name: all_[place_] for name, all_ in columns.items() if place_ < len(all_)}

    def names(self, number, language):
        """Names, dates and places of the row that a label of a figure speaks of."""
        sheet, row = self.row(number)
        found = []
        for name, value in row.items():
            unit = sheet["units"][name]
            if unit in ("value", "text"):
                found.append(value[language] if isinstance(value, dict) else value)
            elif unit == "place":
                found.append(place(value))
            elif unit in ("month", "date"):
                found.append(formats.show(day(value), unit, language))
        return sorted((one for one in found if one), key=len, reverse=True)


def day(text):
    from datetime import date

    return date.fromisoformat(text)


@dataclass
class Writer:
    """Writes published values in a language."""

    language: str
    currency: str

    def plain(self, value, unit, name=""):
        if isinstance(value, str):
            return {value}
        return {
            formats.show(
                value, unit, self.language, currency=self.currency, signed=signed,
                strip=name in ("target", "target_start"),
            )
            for signed in (False, True)
        }  # fmt: skip

    def of_source(self, value):
        """What the source delivered: exact, in groups of thousands, money to the cent."""
        if isinstance(value, str) and not FIGURE.fullmatch(value):
            return {value}
        if not isinstance(value, str):
            units = ("integer", "count", "ratio", "days")
            return set().union(*(self.plain(value, unit) for unit in units))
        exact = f"{abs(Decimal(value)):,}"
        sign = formats.MINUS if value.startswith("-") else ""
        money = f"{formats.currency_sign(self.currency)}{exact}"
        return {value, f"{sign}{exact}", f"{sign}{money}", f"{sign}{abs(Decimal(value)):,.2f}"}

    def fact(self, fact, name):
        unit = display_unit(fact["metric"], fact["unit"])
        if name.startswith("growth_"):
            before = fact[name.removeprefix("growth_")]
            return {
                formats.show_change(
                    fact["value"], before, fact["unit"], self.language, currency=self.currency
                )
            }
        if name == "n" and fact["n"] < formats.SMALLEST_GROUP:
            return self.plain(fact["n"], "customers") | self.plain(fact["n"], "integer")
        value = {
            "shortfall": lambda: abs(fact["gap"]),
            "change": lambda: fact["value"] - fact["previous"],
            "change_last_year": lambda: fact["value"] - fact["last_year"],
        }.get(name, lambda: fact[name])()
        unit = FIELD_UNITS[name](fact["unit"]) if name in FIELD_UNITS else unit
        return self.plain(value, unit, name)

    def in_figure(self, sheet, row, name):
        """Whole, or as the cell of a grid, whose unit stands in the subtitle."""
        value, unit = row[name], sheet["units"][name]
        if value is None or isinstance(value, str):
            return {value}
        known = [one for one in sheet["columns"][name] if isinstance(one, float)]
        scales = [formats.column_scale(known, unit, self.language)]
        scales += [(*scales[0][:2], 0)]
        cells = {formats.show_in_column(value, unit, one, self.language) for one in scales}
        return self.plain(value, unit) | cells

    def in_table(self, sheet, row, name, number):
        value, unit = row[name], sheet["units"][number.column]
        signed = unit.startswith("+") and name == number.column
        if isinstance(value, str):
            return {value}
        if unit.endswith("by_metric"):
            return self._by_metric(value, row["metric"], unit, name)
        unit = unit.removeprefix("+")
        scale = self._scale(sheet, unit, number)
        text = formats.show_in_column(value, unit, scale, self.language)
        return {f"+{text}" if signed and value > 0 else text}

    def _by_metric(self, value, metric_id, unit, name):
        own = metric(metric_id).unit
        shown = formats.change_unit(own) if unit[0] == "+" else display_unit(metric_id, own)
        return self.plain(value, shown, name)

    def _scale(self, sheet, unit, number):
        """The scale that the header names; without one, that of the column."""
        for size, scale in spoken(self.language).scales:
            wanted = formats.header_unit(unit, scale, self.language, self.currency)
            if unit == "money" and number.head == wanted:
                return size, scale, 1
        values = [*sheet["columns"][number.column], sheet.get("total", {}).get(number.column)]
        known = [value for value in values if isinstance(value, float)]
        return formats.column_scale(known, unit, self.language)


def states(text, expected, names):
    """Whether a text states the values in their order and no other number, names aside."""
    for count in range(len(names) + 1):
        for chosen in itertools.combinations(names, count):
            rest = _without(text, chosen)
            if rest is not None and _holds(rest, expected):
                return True
    return False


def _without(text, names):
    for name in names:
        cut = text.partition("…")
        if name in text:
            text = text.replace(name, "", 1)
        elif cut[1] and name.startswith(cut[0].strip()):
            text = cut[2]
        else:
            return None
    return text


def _holds(text, expected):
    if not expected:
        return not DIGIT.search(text)
    return any(
        not DIGIT.search(text[:at]) and _holds(text[at + len(one) :], expected[1:])
        for one in expected[0]
        if one and (at := text.find(one)) >= 0
    )


def wrong_texts(page, published, chapter):
    """Numbers whose fact is not published, or says something else."""
    found = []
    for number in page.numbers:
        ways = [published.texts(number, one, page.language, chapter) for one in number.fields]
        if not ways or not all(ways):
            found.append(f"{number.fact} {number.fields}: not published")
            continue
        text = number.text.strip()
        names = published.names(number, page.language) if number.in_figure else []
        exact = not number.in_figure and text in ways[0]
        if not exact and not (number.in_figure and states(text, ways, names)):
            found.append(f"{number.fact} {number.fields}: {text!r}, not {ways}")
    return found


def sequence(page):
    """Facts and fields in order; inside a sentence the order of words is the language's own."""
    groups = itertools.groupby(page.numbers, key=lambda number: number.group)
    return [
        stated
        for _, numbers in groups
        for stated in sorted((number.fact, *number.fields) for number in numbers)
    ]


def faults(folder: Path, names: str = "*.html") -> list[str]:
    """What is wrong with the numbers of a published folder; a language's pages stand below it."""
    published, found = Published.read(folder), []
    for path in sorted(folder.glob(names)):
        pages = {where: Page.read(where) for where in (path, *folder.glob(f"??/{path.name}"))}
        for where, page in pages.items():
            name = where.relative_to(folder).as_posix()
            found += [f"{name}: no fact: {text}" for text in page.bare]
            found += [f"{name}: {one}" for one in wrong_texts(page, published, path.stem)]
        first, *others = (sequence(page) for page in pages.values())
        for other in others:
            apart = [pair for pair in itertools.zip_longest(first, other) if pair[0] != pair[1]]
            found += [f"{path.name}: languages differ: {apart[0]}"] if apart else []
    return found


def count(folder: Path) -> int:
    """How many numbers of a published folder say which fact they state."""
    return sum(len(Page.read(path).numbers) for path in folder.rglob("*.html"))
