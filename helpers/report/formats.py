"""Numbers, dates and names as text, one way in each language."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Callable
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from helpers.report.languages import language as spoken

MISSING = "—"
MINUS = "−"
SMALLEST_GROUP = 10
CURRENCY_SIGNS = {
    "CNY": "¥", "GBP": "£", "USD": "$", "EUR": "€", "HKD": "HK$", "JPY": "JP¥", "SGD": "S$",
    "AUD": "A$", "CAD": "C$", "INR": "₹", "KRW": "₩", "MYR": "RM", "THB": "฿", "TWD": "NT$",
}  # fmt: skip
_SCALED_FROM = 10_000


def is_missing(value: object) -> bool:
    """Whether a value says nothing: None, NaN, NaT, infinity."""
    if value is None:
        return True
    if isinstance(value, (int, float, Decimal)):
        return not math.isfinite(value)
    return bool(value != value)


def round_significant(value: float, digits: int = 3) -> Decimal:
    """Round to so many significant figures, half to even on the decimal text of the value."""
    number = Decimal(repr(float(value)))
    if number == 0:
        return Decimal(0)
    step = Decimal(1).scaleb(number.adjusted() - digits + 1)
    return number.quantize(step, rounding=ROUND_HALF_EVEN)


def plain(value: float, *, digits: int = 3, decimals: int = 2, strip: bool = False) -> str:
    """A number without unit: so many significant figures, at most so many decimals."""
    rounded = round_significant(value, digits)
    places = min(decimals, max(0, digits - 1 - rounded.adjusted())) if rounded else 0
    text = f"{rounded.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_EVEN):,f}"
    if strip and "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text.strip("-0.") == "" else text.replace("-", MINUS)


def scaled(value: float, language: str, *, strip: bool = False) -> tuple[str, str]:
    """A number and the name of its scale (k, 万); rounded before choosing."""
    rounded = float(round_significant(value))
    if abs(rounded) >= _SCALED_FROM:
        for size, name in spoken(language).scales:
            if abs(rounded) >= size:
                return plain(rounded / size, strip=strip), name
    return plain(rounded, strip=strip), ""


def currency_sign(currency: str) -> str:
    """The sign before an amount; the code and a space where there is no usual sign."""
    return CURRENCY_SIGNS.get(currency, f"{currency}\N{NO-BREAK SPACE}")


def _ratio(value: float, language: str, currency: str, strip: bool) -> str:
    return spoken(language).with_unit(plain(value * 100, strip=strip), "ratio")


def _percentage_points(value: float, language: str, currency: str, strip: bool) -> str:
    number = plain(value * 100, decimals=1 if abs(value) >= 0.0095 else 2, strip=strip)
    return spoken(language).with_unit(number, "pp")


def _money(value: float, language: str, currency: str, strip: bool) -> str:
    number, name = scaled(abs(value), language, strip=strip)
    sign = MINUS if value < 0 and number != "0" else ""
    own = spoken(language)
    amount = own.money.format(sign=currency_sign(currency), number=own.number(number) + name)
    return sign + amount


def _count(value: float, language: str, currency: str, strip: bool) -> str:
    if abs(value) < _SCALED_FROM and float(value).is_integer():
        return _integer(value, language, currency, strip)
    number, name = scaled(value, language, strip=strip)
    return spoken(language).number(number) + name


def _integer(value: float, language: str, currency: str, strip: bool) -> str:
    return spoken(language).number(f"{round(value):,}".replace("-", MINUS))


def _customers(value: float, language: str, currency: str, strip: bool) -> str:
    if 0 <= value < SMALLEST_GROUP:
        return f"<{SMALLEST_GROUP}"
    return _count(value, language, currency, strip)


def _days(value: float, language: str, currency: str, strip: bool) -> str:
    number = plain(value, decimals=1, strip=strip)
    return spoken(language).with_unit(number, "day" if number == "1" else "days")


def _points(value: float, language: str, currency: str, strip: bool) -> str:
    return spoken(language).with_unit(plain(value, decimals=1, strip=strip), "points")


def _multiple(value: float, language: str, currency: str, strip: bool) -> str:
    return spoken(language).with_unit(plain(value, strip=strip), "multiple")


def _number(value: float, language: str, currency: str, strip: bool) -> str:
    return spoken(language).number(_fixed(value, 2 if abs(value) >= 1000 else 4))


def _decimal(value: float, language: str, currency: str, strip: bool) -> str:
    return spoken(language).number(plain(value, strip=strip))


def _fixed(value: float, decimals: int) -> str:
    step = Decimal(1).scaleb(-decimals)
    text = f"{Decimal(repr(float(value))).quantize(step, rounding=ROUND_HALF_EVEN):,f}"
    return text.replace("-", MINUS) if text.strip("-0.,") else text.lstrip("-")


_UNITS: dict[str, Callable[[float, str, str, bool], str]] = {
    "ratio": _ratio,
    "pp": _percentage_points,
    "money": _money,
    "count": _count,
    "integer": _integer,
    "customers": _customers,
    "days": _days,
    "points": _points,
    "multiple": _multiple,
    "number": _number,
    "decimal": _decimal,
}
NUMERIC_UNITS = tuple(_UNITS)
UNITS = (*NUMERIC_UNITS, "date", "month", "period", "text")


def show(
    value: Any,
    unit: str,
    language: str,
    *,
    currency: str = "CNY",
    signed: bool = False,
    strip: bool = False,
) -> str:
    """A value as a reader of the language writes it.

    Args:
        value: A number (rates as 0 to 1), a date, a `Period` or a text; missing gives —.
        unit: One of `UNITS`. `customers` hides groups below 10; `pp` takes a difference of rates.
        language: One of `LANGUAGES`.
        currency: ISO code for `money`.
        signed: Write a plus before what is positive.
        strip: Drop zeros at the end of decimals, for figures that are exact by decree.

    Raises:
        ValueError: The unit or the language is unknown.
    """
    spoken(language)
    if unit not in UNITS:
        raise ValueError(f"unit == {unit!r}, must be one of {UNITS}")
    if is_missing(value):
        return MISSING
    if unit in _UNITS:
        text = _UNITS[unit](float(value), language, currency, strip)
        return f"+{text}" if signed and float(value) > 0 and not _reads_zero(text) else text
    if unit == "date":
        return show_date(value, language)
    if unit == "month":
        return show_month(value, language)
    return show_period(value, language) if unit == "period" else printable(str(value))


def _reads_zero(text: str) -> bool:
    return not any(letter in "123456789" for letter in text)


def printable(text: str) -> str:
    """Text without control signs, lone surrogates and signs that turn the writing round."""
    return "".join(
        letter for letter in text if letter.isprintable() or unicodedata.category(letter) == "Zs"
    )


def show_date(day: date, language: str) -> str:
    """A day: 30 Nov 2011, 2011年11月30日."""
    return _dated(day, language, "day")


def show_month(day: date, language: str) -> str:
    """A month: Nov 2011, 2011年11月."""
    return _dated(day, language, "month")


def show_axis_day(day: date, language: str) -> str:
    """A day below a chart, whose year stands elsewhere: 30 Nov, 11月30日."""
    return _dated(day, language, "axis_day")


def month_name(day: date, language: str) -> str:
    """A month below a chart: Nov, 11月."""
    return str(spoken(language).dates["months"][day.month - 1])


def year_name(day: date, language: str) -> str:
    """A year: 2011, 2011年."""
    return _dated(day, language, "year")


def _dated(day: date, language: str, pattern: str) -> str:
    dates = spoken(language).dates
    quarter = dates["quarters"][(day.month - 1) // 3]
    parts = {"year": day.year, "month": month_name(day, language), "day": day.day}
    return str(dates[pattern].format(**parts, quarter=quarter))


def show_period(period: Any, language: str) -> str:
    """A period: Nov 2011, Q4 2011, 2011 or its first and last day."""
    if period.kind in ("month", "quarter", "year"):
        return _dated(period.start, language, period.kind)
    start, end = show_date(period.start, language), show_date(period.end, language)
    return str(spoken(language).dates["span"].format(start=start, end=end))


def change_unit(unit: str) -> str:
    """The unit of a difference of two values: rates differ in percentage points."""
    return "pp" if unit == "ratio" else unit


def show_change(
    value: float, before: float, unit: str, language: str, *, currency: str = "CNY"
) -> str:
    """A change from an earlier value: rates and scores by difference, others in per cent."""
    if is_missing(value) or is_missing(before):
        return MISSING
    if unit in ("ratio", "points"):
        return show(value - before, change_unit(unit), language, signed=True)
    if before <= 0:
        return show(value - before, unit, language, currency=currency, signed=True)
    return show(value / before - 1, "ratio", language, signed=True)


def column_scale(values: list[float], unit: str, language: str) -> tuple[float, str, int]:
    """One scale for a column of figures: divisor, its name, decimals."""
    largest = max((abs(float(v)) for v in values if not is_missing(v)), default=0.0)
    if unit in ("ratio", "pp"):
        return 0.01, "", 1 if largest >= 0.1 else 2
    if unit in ("count", "integer", "customers"):
        return 1.0, "", 0
    if unit == "money":
        for size, name in spoken(language).scales:
            if largest >= 10 * size and largest >= _SCALED_FROM:
                return size, name, 1
        return 1.0, "", 0 if largest >= 1000 else 1 if largest >= 100 else 2
    if unit == "days":
        return 1.0, "", 0 if largest >= 100 or _whole(values) else 1
    return 1.0, "", {"points": 1, "multiple": 2, "number": 4}.get(unit, 0 if largest >= 100 else 2)


def _whole(values: list[float]) -> bool:
    return all(is_missing(value) or float(value).is_integer() for value in values)


def show_in_column(
    value: Any, unit: str, scale: tuple[float, str, int], language: str = "en"
) -> str:
    """A figure of a column whose scale and unit stand in the header."""
    if is_missing(value):
        return MISSING
    if unit == "customers" and 0 <= float(value) < SMALLEST_GROUP:
        return f"<{SMALLEST_GROUP}"
    divisor, _, decimals = scale
    if unit == "number" and abs(float(value)) >= 1000:
        decimals = 2
    number = _fixed(float(Decimal(repr(float(value))) / Decimal(repr(divisor))), decimals)
    return spoken(language).number(number)


def as_published(value: Any, unit: str) -> float | str | None:
    """A number as it may stand in a published file: finite, counts of 1 to 9 customers hidden."""
    if is_missing(value):
        return None
    if unit == "customers" and 0 <= float(value) < SMALLEST_GROUP:
        return f"<{SMALLEST_GROUP}"
    return float(value)


def header_unit(unit: str, scale_name: str, language: str, currency: str) -> str:
    """The unit that a column's header or an axis names; empty where none is needed."""
    headers = spoken(language).headers
    if unit == "money":
        return headers.get(currency, currency_sign(currency).strip() + "{}").format(scale_name)
    return headers.get(unit, scale_name)
