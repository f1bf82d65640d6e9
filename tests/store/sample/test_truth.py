"""The truth of the plain shop, against the models' formulas, simulation and the lunar calendar."""

import itertools
from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from helpers.store.sample.calendar import SPRING_FESTIVAL, make_calendar
from helpers.store.sample.channels import CHANNELS
from helpers.store.sample.clock import Clock, make_clock
from helpers.store.sample.repurchase import cohort_rate, trailing_rate
from helpers.store.sample.settings import FULL, PLAIN, BuyingTruth, make_setting

DAYS, YEAR = 1461, 365
TRUTH = BuyingTruth()
FULL_SETTING = make_setting(1, 1000, 48, date(2024, 12, 31), FULL)
FULL_CLOCK = make_clock(make_calendar(FULL_SETTING), seasons=True, lost=np.ones(DAYS))
EVEN_CLOCK = Clock(np.ones(DAYS), np.arange(DAYS + 1.0), np.zeros(DAYS, dtype=bool))


def simulated(counted: float, customers: int = 300_000) -> tuple[float, float]:
    """Trailing and cohort repurchase of uniform arrivals, each customer followed by hand."""
    random = np.random.default_rng(20240101)
    now = random.random(customers) * DAYS
    rate = random.gamma(TRUTH.r, 1 / TRUTH.alpha, customers)
    leaving = random.beta(TRUTH.a, TRUTH.b, customers)
    first_counts = random.random(customers) < counted
    first_day = np.floor(now)
    last_day = np.where(first_counts & (first_day >= DAYS - YEAR), first_day, -1.0)
    days_in_window = (last_day >= 0).astype(int)
    again = np.zeros(customers, dtype=bool)
    who = np.arange(customers)
    while len(who):
        now = now + random.exponential(size=len(who)) / rate[who]
        who, now = who[now < DAYS], now[now < DAYS]
        day, counts = np.floor(now), random.random(len(who)) < counted
        new_day = counts & (day >= DAYS - YEAR) & (day != last_day[who])
        days_in_window[who[new_day]] += 1
        last_day[who[new_day]] = day[new_day]
        gap = day - first_day[who]
        again[who[counts & (gap > 0) & (gap <= YEAR)]] = True
        stays = random.random(len(who)) >= leaving[who]
        who, now = who[stays], now[stays]
    old = first_counts & (first_day + YEAR < DAYS)
    trailing = (days_in_window >= 2).sum() / (days_in_window >= 1).sum()
    return float(trailing), float(again[old].mean())


@pytest.mark.parametrize("counted", [1.0, 0.8])
def test_true_repurchase_rates_are_those_of_a_simulation(counted):
    trailing, cohort = simulated(counted)
    exact = trailing_rate(TRUTH, EVEN_CLOCK, np.ones(DAYS), DAYS, counted=counted)
    assert exact == pytest.approx(trailing, abs=0.004)
    assert cohort_rate(TRUTH, counted=counted) == pytest.approx(cohort, abs=0.004)


def test_the_cohort_rate_is_nearly_one_less_the_chance_of_no_event():
    """P(no event in t) = (alpha / (alpha + t))^r; same-day orders take off the little between."""
    closed_form = 1 - (TRUTH.alpha / (TRUTH.alpha + YEAR)) ** TRUTH.r
    assert closed_form - 0.001 < cohort_rate(TRUTH) < closed_form


def test_the_plain_shop_has_its_true_repurchase_rates(plain):
    days = (
        "(SELECT customer_id, day, min(day) OVER (PARTITION BY customer_id) AS first FROM sales"
        " GROUP BY customer_id, day)"
    )
    again, buyers = plain.rows(
        "SELECT count(*) FILTER (n >= 2), count(*) FROM (SELECT count(*) AS n FROM"
        f" {days} WHERE day > DATE '2024-12-31' - 365 GROUP BY customer_id)"
    )[0]
    low, high = interval(again, buyers)
    assert low < plain.truth.metric("repurchase_rate") < high
    again, buyers = plain.rows(
        "SELECT count(*) FILTER (gap), count(*) FROM (SELECT bool_or(day > first AND day <= first"
        f" + 365) AS gap FROM {days} WHERE first <= DATE '2024-12-31' - 365 GROUP BY customer_id)"
    )[0]
    low, high = interval(again, buyers)
    assert low < plain.truth.metric("repurchase_rate_cohort") < high


def interval(hits: int, n: int) -> tuple[float, float]:
    """An exact 99.9 % interval (Clopper and Pearson)."""
    found = stats.binomtest(hits, n).proportion_ci(0.999)
    return found.low, found.high


def test_the_amount_of_an_order_is_gamma_gamma(plain):
    """A gamma(p) amount whose scale is inverse gamma(q) over v is beta prime (p, q) times v."""
    amounts = [row[0] for row in plain.rows("SELECT first(paid) FROM sales GROUP BY customer_id")]
    truth = plain.truth.sections["gamma_gamma"]
    law = stats.betaprime(truth["p"], truth["q"], scale=truth["v"])
    assert stats.kstest(amounts, law.cdf).pvalue > 0.001
    assert law.mean() == pytest.approx(truth["mean_order"])


def test_amounts_of_one_customer_hang_together_as_gamma_gamma_says(plain):
    """Of a customer with nu, amounts have squared variation 1 / p about the mean p / nu."""
    pairs = np.array(
        plain.rows(
            "SELECT list(paid)[1], list(paid)[2] FROM sales GROUP BY customer_id"
            " HAVING count(*) >= 2"
        )
    )
    share = pairs[:, 0] / pairs.sum(axis=1)
    p = plain.truth.parameter("gamma_gamma", "p")
    assert stats.kstest(share, stats.beta(p, p).cdf).pvalue > 0.001


def test_every_channel_converts_at_its_true_rate(plain):
    found = {
        channel: (buyers, visitors)
        for channel, buyers, visitors in plain.rows(
            "SELECT channel, sum(buyers)::BIGINT, sum(visitors)::BIGINT FROM traffic_daily"
            " GROUP BY channel"
        )
    }
    for channel in CHANNELS:
        low, high = interval(*found[channel.name])
        assert low < channel.conversion < high
    buyers, visitors = (sum(column) for column in zip(*found.values(), strict=True))
    low, high = interval(buyers, visitors)
    assert low < plain.truth.metric("conversion_rate") < high


def test_the_plain_shop_pays_by_its_true_success_rate(plain):
    paid, tried = plain.rows(
        "SELECT count(paid_at), count(*) FROM orders WHERE order_id IN (SELECT order_id FROM"
        " payments)"
    )[0]
    low, high = interval(paid, tried)
    assert low < plain.truth.metric("payment_success_rate") < high


def test_the_plain_shop_has_nothing_that_is_switched_off(plain):
    assert plain.value("SELECT count(*) FROM returns") == 0
    assert plain.value("SELECT count(*) FROM orders WHERE kind <> 'sale' OR is_fake") == 0
    assert plain.value("SELECT count(*) FROM orders WHERE deposit_paid_at IS NOT NULL") == 0
    assert plain.value("SELECT sum(platform_subsidy) FROM order_lines") == 0
    assert plain.truth.sections["incidents"] == []
    assert not any(plain.truth.sections["shop"]["mechanisms"].values())
    for table in ("campaigns", "messages", "engagements", "invitations", "members", "experiments",
                  "experiment_units", "experiment_features", "experiment_outcomes"):  # fmt: skip
        assert plain.value(f"SELECT count(*) FROM {table}") == 0


def test_same_day_orders_are_rare(plain):
    orders, days = plain.rows("SELECT count(*), count(DISTINCT (customer_id, day)) FROM sales")[0]
    assert 1 - days / orders < 0.004


def test_the_truth_names_what_it_does_not_know(plain):
    with pytest.raises(KeyError, match="no true value of 'weather'"):
        plain.truth.metric("weather")


def test_spring_festivals_are_new_moons_between_21_january_and_20_february():
    """Lunar new year falls in those days; between two of them lie 12 or 13 lunations."""
    for year, day in SPRING_FESTIVAL.items():
        assert date(year, 1, 21) <= day <= date(year, 2, 20)
    days = sorted(SPRING_FESTIVAL.values())
    for first, second in itertools.pairwise(days):
        lunations = (second - first).days / 29.530588
        assert abs(lunations - round(lunations)) < 0.04
        assert round(lunations) in (12, 13)


def test_operational_time_runs_as_fast_as_the_calendar_over_the_span():
    assert FULL_CLOCK.end == pytest.approx(DAYS)
    assert FULL_CLOCK.speed.min() > 0.1
    assert FULL_CLOCK.speed.max() > 3


@given(st.lists(st.floats(0, DAYS - 1e-6), min_size=2, max_size=50).map(sorted))
def test_the_clock_keeps_the_order_of_events_and_their_day(times):
    operational = np.array(times)
    seconds = FULL_CLOCK.seconds(operational)
    assert (np.diff(seconds) >= 0).all()
    day = FULL_CLOCK.day_of(operational)
    assert (seconds // 86_400 == day).all()
    assert (FULL_CLOCK.reached[day] <= operational).all()


def test_the_plain_setting_takes_the_parameters_that_are_known_to_be_covered():
    setting = make_setting(1, 1500, 48, date(2024, 12, 31), PLAIN)
    buying, spend = setting.buying, setting.spend
    assert (buying.r, buying.alpha, buying.a, buying.b) == (0.6, 260, 0.7, 1.2)
    assert (spend.p, spend.q, spend.v) == (6.25, 3.75, 101.2)
