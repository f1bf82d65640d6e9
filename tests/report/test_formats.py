"""Numbers as the design writes them: three significant figures, units of each language."""

import math
import re
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.plan.periods import Period, month_of, quarter_of, year_of
from helpers.report.formats import (
    MISSING,
    column_scale,
    header_unit,
    round_significant,
    show,
    show_change,
    show_in_column,
)

NBSP = "\N{NO-BREAK SPACE}"


@pytest.mark.parametrize(
    ("value", "unit", "language", "currency", "text"),
    [
        (457_000, "money", "zh", "CNY", "¥45.7万"),
        (123_000_000, "money", "zh", "CNY", "¥1.23亿"),
        (457_000, "money", "en", "CNY", "¥457k"),
        (123_000_000, "money", "en", "CNY", "¥123m"),
        (0.123, "ratio", "en", "CNY", f"12.3{NBSP}%"),
        (0.123, "ratio", "zh", "CNY", "12.3%"),
        (0.012, "pp", "zh", "CNY", "1.2个百分点"),
        (0.012, "pp", "en", "CNY", f"1.2{NBSP}pp"),
        (None, "money", "en", "CNY", "—"),
        (math.nan, "ratio", "zh", "CNY", "—"),
        (1_234.5, "money", "en", "GBP", "£1,230"),
        (86.5, "money", "en", "USD", "$86.5"),
        (2_500, "money", "en", "CHF", f"CHF{NBSP}2,500"),
        (-45_700, "money", "en", "CNY", "−¥45.7k"),
        (0, "money", "zh", "CNY", "¥0"),
        (2_357, "count", "en", "CNY", "2,357"),
        (120_345, "count", "zh", "CNY", "12.0万"),
        (1_067_371, "integer", "zh", "CNY", "1,067,371"),
        (1.5, "days", "en", "CNY", f"1.5{NBSP}days"),
        (41.3, "days", "zh", "CNY", "41.3天"),
        (1.8, "multiple", "en", "CNY", "1.80×"),
        (0.2426, "number", "en", "USD", "0.2426"),
        (-9582.43, "number", "en", "USD", "−9,582.43"),
        (9, "customers", "en", "CNY", "<10"),
        (0, "customers", "zh", "CNY", "<10"),
        (10, "customers", "en", "CNY", "10"),
    ],
)
def test_a_value_is_written_as_readers_of_the_language_do(value, unit, language, currency, text):
    assert show(value, unit, language, currency=currency) == text


def test_a_figure_is_rounded_before_its_unit_is_chosen():
    assert show(999_950, "money", "en") == "¥1.00m"
    assert show(99_996_000, "money", "zh") == "¥1.00亿"
    assert show(9_999.6, "money", "zh") == "¥1.00万"


def test_a_target_is_written_without_zeros_at_its_end():
    assert show(0.04, "ratio", "zh", strip=True) == "4%"
    assert show(80.0, "money", "en", strip=True) == "¥80"


@given(st.floats(min_value=-1e12, max_value=1e12, allow_nan=False))
def test_three_significant_figures_are_within_half_a_unit_of_the_third(value):
    rounded = round_significant(value)
    exact = Decimal(repr(value))
    unit = Decimal(1).scaleb(exact.adjusted() - 2) if exact else Decimal(1)
    assert abs(rounded - exact) <= unit / 2


@given(st.floats(min_value=-1e11, max_value=1e11, allow_nan=False), st.sampled_from(["en", "zh"]))
def test_money_never_shows_more_than_four_figures_in_a_row(value, language):
    text = show(value, "money", language)
    digits = re.sub(r"[^0-9]", "", text)
    assert len(digits.lstrip("0")) <= 4
    assert "-" not in text


@given(st.floats(min_value=-10, max_value=10), st.floats(min_value=-10, max_value=10))
def test_a_change_of_rates_is_a_difference_in_percentage_points(value, before):
    shown = show_change(value, before, "ratio", "zh")
    assert shown.endswith("个百分点")
    assert shown.startswith("+") <= (value > before)
    assert shown.startswith("−") <= (value < before)
    if abs(value - before) > 0.0001:
        assert shown[0] in "+−"


def test_a_change_of_money_is_relative():
    assert show_change(110, 100, "money", "en") == f"+10.0{NBSP}%"
    assert show_change(90, 100, "money", "zh") == "−10.0%"
    assert show_change(90, math.nan, "money", "zh") == MISSING


def test_dates_and_periods_are_written_in_the_language():
    day = date(2011, 11, 30)
    assert show(day, "date", "en") == "30 Nov 2011"
    assert show(day, "date", "zh") == "2011年11月30日"
    assert show(month_of(day), "period", "en") == "Nov 2011"
    assert show(month_of(day), "period", "zh") == "2011年11月"
    assert show(quarter_of(day), "period", "en") == "Q4 2011"
    assert show(quarter_of(day), "period", "zh") == "2011年第四季度"
    assert show(year_of(2011), "period", "zh") == "2011年"
    week = Period(date(2011, 11, 1), date(2011, 11, 7))
    assert show(week, "period", "en") == "1 Nov 2011 to 7 Nov 2011"


def test_one_column_has_one_scale_and_its_header_names_it():
    values = [1_234_567.0, 45_600.0, math.nan]
    scale = column_scale(values, "money", "zh")
    assert [show_in_column(v, "money", scale) for v in values] == ["123.5", "4.6", MISSING]
    assert header_unit("money", scale[1], "zh", "CNY") == "万元"
    english = column_scale(values, "money", "en")
    assert header_unit("money", english[1], "en", "GBP") == "£k"


def test_an_unknown_unit_or_language_is_refused():
    with pytest.raises(ValueError, match="must be one of"):
        show(1, "furlongs", "en")
    with pytest.raises(ValueError, match="must be one of"):
        show(1, "count", "fr")


def test_text_loses_signs_that_cannot_be_printed_or_turn_the_writing_round():
    assert show("a\x0b\u202eb\ud800c", "text", "en") == "abc"
    assert show(f"27.5{NBSP}% of", "text", "en") == f"27.5{NBSP}% of"
