import math
from datetime import date

import numpy as np
import pandas as pd
import pytest
from statsmodels.stats.proportion import confint_proportions_2indep

from helpers.measures import experiments
from helpers.measures.frames import COLUMNS
from helpers.plan.periods import month_of
from helpers.store.errors import MissingTable
from helpers.store.open import opened
from tests.stores import a_store, an_order
from tests.trials import a_store_of_frames, a_trial

KNOWN = {
    "No E-Mail": (10.617, 0.573, 0.653),
    "Mens E-Mail": (18.276, 1.253, 1.423),
    "Womens E-Mail": (15.140, 0.884, 1.077),
}
CONTROL, MAIL = range(12), range(12, 24)


@pytest.fixture(scope="module")
def hillstrom(shared_data, tmp_path_factory):
    with opened(shared_data / "hillstrom", cache=tmp_path_factory.mktemp("hillstrom")) as store:
        yield store


@pytest.fixture(scope="module")
def published(shared_data):
    return pd.read_parquet(shared_data / "hillstrom" / "hillstrom.parquet")


def a_test(tmp_path, period="2024-12", orders=(), units=None, **more):
    """Twelve customers in the control and twelve who get a mail on 1 November, for 14 days."""
    test = {"shop_id": "main", "experiment_id": "T", "name": "Mail", "control": "none",
            "starts_at": "2024-11-01", "window_days": 14}  # fmt: skip
    units = units or [
        {"shop_id": "main", "experiment_id": "T", "customer_id": f"C{i}", "variant": variant,
         "assigned_at": "2024-11-01 12:00:00"}
        for variant, members in (("none", CONTROL), ("mail", MAIL)) for i in members
    ]  # fmt: skip
    tables = {"experiments": [test], "experiment_units": units, **more}
    orders = [*orders, an_order("first", "someone else", "2024-01-01", 1.0)]
    return a_store(tmp_path, period, orders=[{"shop_id": "main", **o} for o in orders], **tables)


def test_hillstroms_arms_visit_convert_and_spend_as_published(hillstrom):
    arms = experiments.arms(hillstrom, hillstrom.period).set_index("variant")
    assert arms["customers"].sum() == 64_000
    assert list(arms["contacted"]) == [False, True, True]
    for variant, (visit, conversion, spend) in KNOWN.items():
        found = arms.loc[variant]
        assert round(100 * found["visit"], 3) == visit
        assert round(100 * found["conversion"], 3) == conversion
        assert round(found["spend"], 3) == spend
        assert found["visit_low"] < found["visit"] < found["visit_high"]
    assert arms["contribution"].isna().all()  # what the goods cost is not known


@pytest.mark.parametrize("outcome", ["visit", "conversion"])
def test_effects_on_shares_agree_with_statsmodels(hillstrom, published, outcome):
    effects = experiments.effects(hillstrom, hillstrom.period)
    effects = effects[effects["outcome"] == outcome].set_index("variant")
    sums = published.groupby("segment")[outcome].agg(["sum", "count"])
    control = sums.loc["No E-Mail"]
    for variant in ("Mens E-Mail", "Womens E-Mail"):
        own, found = sums.loc[variant], effects.loc[variant]
        four = (own["sum"], own["count"], control["sum"], control["count"])
        assert found["difference"] == pytest.approx(four[0] / four[1] - four[2] / four[3])
        ends = confint_proportions_2indep(*four, method="newcomb")
        assert (found["low"], found["high"]) == pytest.approx(ends, abs=1e-9)
        ratio = confint_proportions_2indep(*four, method="log", compare="ratio")
        assert (found["lift_low"], found["lift_high"]) == pytest.approx(
            tuple(end - 1 for end in ratio), rel=1e-4
        )
        assert found["direction"] == "more"
        assert found["grade"] == "randomised_test"


def test_effects_on_money_agree_with_welch(hillstrom, published):
    effects = experiments.effects(hillstrom, hillstrom.period)
    found = effects[effects["outcome"] == "spend"].set_index("variant").loc["Womens E-Mail"]
    groups = published.groupby("segment")["spend"]
    own, control = groups.get_group("Womens E-Mail"), groups.get_group("No E-Mail")
    error = math.sqrt(own.var() / len(own) + control.var() / len(control))
    assert found["difference"] == pytest.approx(own.mean() - control.mean())
    assert found["high"] - found["difference"] == pytest.approx(1.96 * error, rel=1e-3)
    assert set(effects["outcome"]) == {"visit", "conversion", "spend"}


def test_the_better_mail_is_told_with_its_lead(hillstrom, published):
    best = experiments.best_variants(hillstrom, hillstrom.period).set_index("outcome")
    means = published.groupby("segment")["spend"].mean()
    assert set(best["best"]) == {"Mens E-Mail"}
    assert best.loc["spend", "difference"] == pytest.approx(
        means["Mens E-Mail"] - means["Womens E-Mail"]
    )
    assert best.loc["visit", "direction"] == "more"


def test_the_metric_has_the_columns_of_the_contract(hillstrom):
    found = experiments.experiment_effect(hillstrom, hillstrom.period)
    assert list(found.columns) == ["experiment", "variant", *COLUMNS]
    assert set(found["experiment"]) == {"hillstrom"}
    womens = found.set_index("variant").loc["Womens E-Mail"]
    assert round(100 * womens["value"], 2) == 0.31  # 0.884 - 0.573
    assert womens["n"] == 21_306 + 21_387


def test_hillstroms_split_is_as_meant(hillstrom):
    (found,) = experiments.designs(hillstrom, hillstrom.period).to_dict("records")
    assert found["status"] == "analysed"
    assert found["split"] == "equal"
    sizes = np.array([21_306, 21_307, 21_387])
    statistic = ((sizes - 64_000 / 3) ** 2 / (64_000 / 3)).sum()
    assert found["split_p"] == pytest.approx(math.exp(-statistic / 2))  # two degrees of freedom
    assert str(found["ready_on"].date()) == "2008-02-29"


def test_purchases_from_the_day_of_assignment_to_the_windows_end_count(tmp_path):
    orders = [
        an_order("before", "C12", "2024-10-31 23:00:00", 10.0),
        an_order("same day", "C13", "2024-11-01 08:00:00", 20.0),
        an_order("last day", "C14", "2024-11-15 23:00:00", 30.0),
        an_order("too late", "C15", "2024-11-16 01:00:00", 40.0),
        an_order("control", "C0", "2024-11-05", 50.0),
        an_order("twice", "C13", "2024-11-06", 60.0),
    ]
    with a_test(tmp_path, orders=orders) as store:
        arms = experiments.arms(store, store.period).set_index("variant")
        found = experiments.experiment_effect(store, store.period)
    assert arms.loc["mail", "conversion"] == pytest.approx(2 / 12)
    assert arms.loc["none", "conversion"] == pytest.approx(1 / 12)
    assert arms.loc["mail", "spend"] == pytest.approx((20 + 30 + 60) / 12)
    assert found["value"].tolist() == pytest.approx([1 / 12])
    assert arms["visit"].isna().all()


def test_a_recorded_outcome_goes_before_orders_and_no_row_means_zero(tmp_path):
    outcomes = [
        {"shop_id": "main", "experiment_id": "T", "customer_id": f"C{i}", "outcome": "conversion",
         "value": 1.0, "observed_at": "2024-11-15"}
        for i in (0, 12, 13, 14)
    ]  # fmt: skip
    orders = [an_order("one", "C20", "2024-11-05", 36.0)]
    with a_test(tmp_path, orders=orders, experiment_outcomes=outcomes) as store:
        arms = experiments.arms(store, store.period).set_index("variant")
    assert arms.loc["mail", "conversion"] == pytest.approx(3 / 12)
    assert arms.loc["none", "conversion"] == pytest.approx(1 / 12)
    assert arms.loc["mail", "spend"] == pytest.approx(36 / 12)  # spend was not recorded


@pytest.mark.parametrize(
    ("period", "status"),
    [("2024-11-01..2024-11-14", "running"), ("2024-11-01..2024-11-15", "analysed")],
)
def test_an_experiment_is_read_only_when_its_last_window_is_over(tmp_path, period, status):
    with a_test(tmp_path, period) as store:
        (found,) = experiments.designs(store, store.period).to_dict("records")
        assert found["status"] == status
        if status == "running":
            with pytest.raises(MissingTable) as lack:
                experiments.experiment_effect(store, store.period)
            assert lack.value.why == "short"
        else:
            assert len(experiments.experiment_effect(store, store.period)) == 1


def test_an_earlier_period_does_not_know_what_came_later(tmp_path):
    with a_test(tmp_path) as store:
        assert len(experiments.experiment_effect(store, store.period)) == 1
        with pytest.raises(MissingTable):
            experiments.experiment_effect(store, month_of(date(2024, 10, 1)))


def test_an_outcome_counted_after_the_periods_end_keeps_its_experiment_back(tmp_path):
    late = [{"shop_id": "main", "experiment_id": "T", "customer_id": "C0", "value": 1.0,
             "outcome": "visit", "observed_at": "2024-12-20"}]  # fmt: skip
    november = month_of(date(2024, 11, 1))
    with a_test(tmp_path, experiment_outcomes=late) as store:
        assert experiments.designs(store, november)["status"].tolist() == ["running"]
        assert experiments.designs(store, store.period)["status"].tolist() == ["analysed"]


def test_variants_below_ten_customers_are_left_out(tmp_path):
    units = [
        {"shop_id": "main", "experiment_id": "T", "customer_id": f"C{i}",
         "variant": "none" if i < 12 else "mail" if i < 24 else "tiny",
         "assigned_at": "2024-11-01"}
        for i in range(33)
    ]  # fmt: skip
    with a_test(tmp_path, units=units) as store:
        assert set(experiments.arms(store, store.period)["variant"]) == {"none", "mail"}
        assert experiments.designs(store, store.period)["customers"].tolist() == [24]


@pytest.mark.parametrize(
    ("sizes", "split", "status"),
    [((5000, 5050), "equal", "ok"), ((5000, 5400), "equal", "suspect"),
     ((2000, 8010), "rounded", "ok"), ((2000, 7300), "rounded", "suspect"),
     ((12,), "unknown", "unknown")],
)  # fmt: skip
def test_a_split_is_held_against_the_one_that_was_probably_meant(sizes, split, status):
    found, p = experiments._split(list(sizes))
    assert found == split
    assert (p < experiments.SUSPECT) == (status == "suspect")
    assert math.isnan(p) == (status == "unknown")


def test_the_order_of_rows_changes_nothing(tmp_path):
    tables = a_trial(3, n=400)
    mixed = {name: frame.sample(frac=1, random_state=1) for name, frame in tables.items()}
    found = []
    for place, one in enumerate((tables, mixed)):
        with a_store_of_frames(tmp_path / str(place), "2024-12", one) as store:
            found.append(experiments.effects(store, store.period))
    pd.testing.assert_frame_equal(*found)


def test_two_shops_may_use_one_id(tmp_path):
    tables = a_trial(4, n=400)
    both = {
        name: pd.concat([frame.assign(shop_id=shop) for shop in ("a", "b")])
        for name, frame in tables.items()
    }
    with a_store_of_frames(tmp_path, "2024-12", both) as store:
        found = experiments.experiment_effect(store, store.period)
    assert found["experiment"].tolist() == ["a/trial", "b/trial"]
    assert found["value"].nunique() == 1
