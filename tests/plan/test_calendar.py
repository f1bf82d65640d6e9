"""The commerce calendar, against rules that know nothing of it."""

from __future__ import annotations

from calendar import THURSDAY, Calendar
from datetime import date, datetime, timedelta
from math import floor, radians, sin

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.plan import calendar
from helpers.plan.calendar import Event, aligned_last_year, following, in_period
from helpers.plan.periods import Period, parse_period

EVENTS = calendar.load()
BEIJING = timedelta(hours=8)
J2000 = datetime(2000, 1, 1, 12)


def peaks(event: str) -> dict[int, date]:
    return {e.year: e.peak for e in EVENTS if e.event == event}


def period(text: str) -> Period:
    return parse_period(text, date(2000, 1, 1), date(2100, 1, 1))


def new_moon(k: int) -> date:
    """Day in Beijing of the k-th new moon since 2000 (Meeus 1998, chapter 49, leading terms)."""
    t = k / 1236.85
    sun = radians(2.5534 + 29.10535670 * k - 0.0000014 * t**2)
    moon = radians(201.5643 + 385.81693528 * k + 0.0107582 * t**2)
    node = radians(160.7108 + 390.67050284 * k - 0.0016118 * t**2)
    days = 5.59766 + 29.530588861 * k + 0.00015437 * t**2 + (
        -0.40720 * sin(moon) + 0.17241 * sin(sun) + 0.01608 * sin(2 * moon)
        + 0.01039 * sin(2 * node) + 0.00739 * sin(moon - sun) - 0.00514 * sin(moon + sun)
        + 0.00208 * sin(2 * sun) - 0.00111 * sin(moon - 2 * node)
        - 0.00057 * sin(moon + 2 * node)
    )  # fmt: skip
    terrestrial = datetime(2000, 1, 1) + timedelta(days=days)
    return (terrestrial - timedelta(seconds=69) + BEIJING).date()


def sun_longitude(moment: datetime) -> float:
    """Apparent longitude of the sun in degrees (Meeus 1998, chapter 25, low accuracy)."""
    t = (moment - J2000) / timedelta(days=36525)
    mean = 280.46646 + 36000.76983 * t
    anomaly = radians(357.52911 + 35999.05029 * t)
    centre = 1.914602 * sin(anomaly) + 0.019993 * sin(2 * anomaly)
    moon = radians(125.04 - 1934.136 * t)
    return (mean + centre - 0.00569 - 0.00478 * sin(moon)) % 360


def spring_festival(year: int) -> date:
    """First day of the lunar month in which the sun reaches 330 degrees (Yushui 雨水)."""
    day = date(year, 2, 10)
    while sun_longitude(datetime(day.year, day.month, day.day) + timedelta(days=1) - BEIJING) < 330:
        day += timedelta(days=1)
    k = floor((day - date(2000, 1, 6)).days / 29.530588861) + 2
    while new_moon(k) > day:
        k -= 1
    return new_moon(k)


def test_spring_festival_is_the_new_moon_of_the_month_of_yushui():
    found = peaks("spring_festival")
    assert found == {year: spring_festival(year) for year in found}
    assert len(found) >= 17


def test_black_friday_follows_the_fourth_thursday_of_november():
    def after_thanksgiving(year: int) -> date:
        days = Calendar().itermonthdates(year, 11)
        thursdays = [d for d in days if d.month == 11 and d.weekday() == THURSDAY]
        return thursdays[3] + timedelta(days=1)

    found = peaks("black_friday")
    assert found == {year: after_thanksgiving(year) for year in found}


@pytest.mark.parametrize(
    ("event", "month", "day"), [("618", 6, 18), ("double_11", 11, 11), ("double_12", 12, 12),
                                ("women_day", 3, 8)]
)  # fmt: skip
def test_sales_named_after_a_date_peak_on_it(event, month, day):
    assert peaks(event) == {year: date(year, month, day) for year in peaks(event)}


def test_the_new_year_goods_festival_is_over_before_spring_festival():
    eves = peaks("spring_festival")
    assert all(e.end < eves[e.year] for e in EVENTS if e.event == "new_year_goods")


def test_no_event_stands_twice_in_a_year_and_no_year_is_left_out():
    keys = [(e.event, e.year) for e in EVENTS]
    assert len(keys) == len(set(keys))
    for event in calendar.NAMES:
        years = sorted(peaks(event))
        assert years == list(range(years[0], years[-1] + 1))
        assert years[-1] >= 2026


def test_every_event_has_a_name_in_both_languages():
    assert {e.event for e in EVENTS} == set(calendar.NAMES)
    assert all(set(name) == {"en", "zh"} and all(name.values()) for name in calendar.NAMES.values())


def test_the_whole_event_runs_from_pre_sale_to_the_end_of_the_return_window():
    event = Event(
        "double_11", 2030, date(2030, 10, 20), date(2030, 11, 1), date(2030, 11, 11),
        date(2030, 11, 11), 15,
    )  # fmt: skip
    assert (event.sale.start, event.sale.end) == (date(2030, 10, 20), date(2030, 11, 11))
    assert (event.whole.start, event.whole.end) == (date(2030, 10, 20), date(2030, 11, 26))


def test_events_of_a_period_are_those_whose_sale_touches_it():
    assert {e.event for e in in_period(period("2024-11"))} == {"double_11", "black_friday"}
    assert {e.event for e in in_period(period("2024-08"))} == set()


def test_the_following_event_starts_after_the_day():
    event = following(date(2024, 11, 12))
    assert event is not None
    assert (event.event, event.start) == ("black_friday", date(2024, 11, 29))
    assert following(date(2099, 1, 1)) is None


def test_february_2024_is_compared_with_the_days_round_spring_festival_2023():
    found = aligned_last_year(period("2024-02"))
    assert found.start - date(2023, 1, 22) == date(2024, 2, 1) - date(2024, 2, 10)
    assert found.days == 29
    assert found.contains(date(2023, 1, 22))


@pytest.mark.parametrize("text", ["2024-11", "2024-06", "2024-08", "2024", "2024-Q4"])
def test_dates_stay_where_last_year_held_the_same_events(text):
    assert aligned_last_year(period(text)) == period(text).last_year()


def test_a_span_round_black_friday_moves_with_it():
    found = aligned_last_year(period("2024-11-27..2024-12-02"))
    assert (found.start, found.end) == (date(2023, 11, 22), date(2023, 11, 27))


@given(st.dates(date(2011, 1, 1), date(2026, 11, 1)), st.integers(0, 60))
def test_an_aligned_span_is_as_long_and_about_a_year_earlier(start, days):
    span = Period(start, start + timedelta(days=days))
    found = aligned_last_year(span, EVENTS)
    assert abs(found.days - span.days) <= 1
    assert 330 <= (span.start - found.start).days <= 400


def test_a_row_out_of_order_is_refused_with_its_line(tmp_path):
    path = tmp_path / "calendar.csv"
    head = "event,year,pre_sale_start,start,peak,end,return_window_days\n"
    path.write_text(head + "618,2024,,2024-06-18,2024-06-01,2024-06-20,15\n")
    with pytest.raises(ValueError, match=r"calendar.csv line 2: 618 must have"):
        calendar.load(path)
    path.write_text(head + "easter,2024,,2024-04-01,2024-04-01,2024-04-01,15\n")
    with pytest.raises(ValueError, match=r"line 2: event 'easter'"):
        calendar.load(path)
    path.write_text("event,year\n")
    with pytest.raises(ValueError, match=r"calendar.csv: columns"):
        calendar.load(path)
