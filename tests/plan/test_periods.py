"""Periods: what names them, what they are compared with."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.plan.periods import (
    Period,
    last_complete_month,
    month_of,
    parse_period,
    quarter_of,
    year_of,
)

ALWAYS = (date(1900, 1, 1), date(2200, 1, 1))
days = st.dates(date(1902, 1, 1), date(2198, 12, 31))
calendar_periods = st.one_of(
    days.map(month_of), days.map(quarter_of), days.map(lambda day: year_of(day.year))
)
ranges = st.tuples(days, st.integers(0, 800)).map(
    lambda pair: Period(pair[0], pair[0] + timedelta(days=pair[1]))
)
periods = st.one_of(calendar_periods, ranges)


def period(text: str) -> Period:
    return parse_period(text, *ALWAYS)


@given(periods)
def test_a_label_reads_back_as_the_period(found):
    assert period(found.label) == found


@given(periods)
def test_the_previous_period_ends_on_the_day_before(found):
    before = found.previous()
    assert before.end == found.start - timedelta(days=1)
    assert before.kind == found.kind
    if found.kind == "range":
        assert before.days == found.days


@given(calendar_periods)
def test_last_year_is_as_many_periods_back_as_a_year_has(found):
    steps = {"month": 12, "quarter": 4, "year": 1}[found.kind]
    assert found.back(steps + 1)[0] == found.last_year()


@given(ranges)
def test_last_year_keeps_the_dates_of_a_range(found):
    earlier = found.last_year()
    for now, then in ((found.start, earlier.start), (found.end, earlier.end)):
        assert then.year == now.year - 1
        assert (then.month, min(then.day, 28)) == (now.month, min(now.day, 28))


@given(periods)
def test_months_cover_the_period_without_a_gap(found):
    months = found.months()
    assert months[0].start <= found.start
    assert months[-1].end >= found.end
    assert all(a.end + timedelta(days=1) == b.start for a, b in pairwise(months))
    assert len(months) == (found.end.year - found.start.year) * 12 + (
        found.end.month - found.start.month
    ) + 1  # fmt: skip


@given(periods, days)
def test_a_period_contains_as_many_days_as_it_counts(found, day):
    assert found.contains(day) == (found.start <= day <= found.end)
    assert found.contains(found.start + timedelta(days=found.days - 1))
    assert not found.contains(found.start + timedelta(days=found.days))


@given(periods, st.integers(1, 900))
def test_trailing_days_end_with_the_period(found, count):
    trailing = found.trailing(count)
    assert (trailing.end, trailing.days) == (found.end, count)


@given(days)
def test_the_last_complete_month_is_over_and_the_next_is_not(last_day):
    month = last_complete_month(last_day)
    assert month.end <= last_day
    assert month_of(month.end + timedelta(days=1)).end > last_day


@pytest.mark.parametrize(
    ("text", "start", "end", "kind"),
    [
        ("2011-11", date(2011, 11, 1), date(2011, 11, 30), "month"),
        ("2024-02", date(2024, 2, 1), date(2024, 2, 29), "month"),
        ("2011-Q4", date(2011, 10, 1), date(2011, 12, 31), "quarter"),
        ("2011-Q1", date(2011, 1, 1), date(2011, 3, 31), "quarter"),
        ("2011", date(2011, 1, 1), date(2011, 12, 31), "year"),
        ("2011-10-24..2011-11-20", date(2011, 10, 24), date(2011, 11, 20), "range"),
    ],
)
def test_a_text_names_its_first_and_last_day(text, start, end, kind):
    assert period(text) == Period(start, end, kind)


def test_29_february_becomes_the_28th_a_year_earlier():
    assert Period(date(2024, 2, 29), date(2024, 3, 1)).last_year() == Period(
        date(2023, 2, 28), date(2023, 3, 1)
    )


def test_no_text_means_the_last_complete_month_of_the_data():
    first = date(2009, 12, 1)
    assert parse_period("", first, date(2011, 12, 9)).label == "2011-11"
    assert parse_period("", first, date(2011, 11, 30)).label == "2011-11"


def test_data_of_less_than_a_month_are_reported_for_that_month():
    assert parse_period("", date(2011, 12, 1), date(2011, 12, 9)).label == "2011-12"


def test_last_month_is_the_month_before_today():
    found = parse_period("last-month", *ALWAYS, today=date(2024, 1, 15))
    assert found.label == "2023-12"


@pytest.mark.parametrize(
    "text", ["2011-13", "2011-00", "2011-Q5", "11-2011", "2011-11-31..2011-12-01", "yesterday",
             "2011-12-01..2011-11-01", "2011/11", "0000"]
)  # fmt: skip
def test_a_text_that_names_no_period_is_refused_by_name(text):
    with pytest.raises(ValueError, match=r"--period '"):
        period(text)


def test_a_period_without_data_is_refused_with_the_days_that_have_some():
    with pytest.raises(ValueError, match=r"2009-12-01 to 2011-12-09"):
        parse_period("2012-01", date(2009, 12, 1), date(2011, 12, 9))


def test_a_period_that_ends_before_it_starts_is_refused():
    with pytest.raises(ValueError, match="ends before it starts"):
        Period(date(2011, 2, 1), date(2011, 1, 1))
