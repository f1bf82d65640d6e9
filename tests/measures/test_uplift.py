import pandas as pd
import pytest

from helpers.measures import experiments, uplift, uplift_groups
from helpers.measures.experiment_units import UNIT
from helpers.measures.uplift_scores import scored
from helpers.store.errors import MissingTable
from helpers.store.open import opened
from tests.trials import a_store_of_frames, a_trial


@pytest.fixture(scope="module")
def hillstrom(shared_data, tmp_path_factory):
    with opened(shared_data / "hillstrom", cache=tmp_path_factory.mktemp("hillstrom")) as store:
        yield store


@pytest.fixture(scope="module")
def published(shared_data):
    return pd.read_parquet(shared_data / "hillstrom" / "hillstrom.parquet")


@pytest.fixture(scope="module")
def fans(tmp_path_factory):
    """A contact costs 3; it brings 8 from a fan, 0 from the others: 50 of 100 are fans."""
    folder = tmp_path_factory.mktemp("fans")
    with a_store_of_frames(folder, "2024-12", a_trial(31, n=12_000)) as store:
        yield store


@pytest.fixture(scope="module")
def alike(tmp_path_factory):
    """The contact does the same to everybody: 10 points, 4 of contribution for a cost of 3."""
    folder = tmp_path_factory.mktemp("alike")
    tables = a_trial(22, n=12_000, difference=False)
    with a_store_of_frames(folder, "2024-12", tables) as store:
        yield store


def test_fans_are_found_and_only_they_are_contacted(fans):
    found = uplift.targeting(fans, fans.period).iloc[0]
    assert found["outcome"] == "conversion"
    assert found["against_chance"] == "better"
    assert found["low"] < 25 < found["high"]  # a triangle: (100 - 50) per 1,000, half of it
    plan = uplift.contact_plan(fans, fans.period).iloc[0]
    assert plan["action"] == "contact_top"
    assert plan["share"] == pytest.approx(0.5, abs=0.11)
    assert plan["customers"] + plan["left_out"] == 12_000
    assert plan["low"] < 6000 * (8 - 3) < plan["high"]
    assert plan["gain_low"] > 0
    assert plan["saved"] == pytest.approx(3 * plan["left_out"], rel=1e-3)
    assert plan["rest_low"] < 0 < plan["rest_high"]


def test_where_all_react_alike_nobody_is_left_out(alike):
    assert uplift.targeting(alike, alike.period)["against_chance"].tolist() == [
        "not_enough_evidence"
    ]
    plan = uplift.contact_plan(alike, alike.period).iloc[0]
    assert plan["action"] in ("contact_all", "test_more")
    assert plan["left_out"] == 0
    with pytest.raises(MissingTable):
        uplift_groups.customers_to_contact(alike, alike.period)
    groups = uplift_groups.effect_by_group(alike, alike.period)
    assert not groups["differs"].any()


def test_profit_of_contacting_all_is_the_effect_less_the_cost(fans):
    last = uplift.profit_by_share(fans, fans.period).iloc[-1]
    effects = experiments.effects(fans, fans.period).set_index("outcome")
    each = effects.loc["contribution", "difference"]
    assert last["contacted"] == 12_000
    assert last["profit"] == pytest.approx(12_000 * (each - 3))
    assert last["break_even"] == pytest.approx(each)
    assert last["basis"] == "contribution"
    half = (effects.loc["contribution", "high"] - effects.loc["contribution", "low"]) / 2
    assert (last["high"] - last["low"]) / 2 == pytest.approx(12_000 * half, rel=0.15)


def test_tenths_by_hand_and_their_verdicts(fans):
    (one,) = scored(fans, fans.period)
    place = one.crossed.places[one.method]
    own = one.people[(place >= 0.1) & (place < 0.2)]
    means = own.groupby("contacted")[["outcome", "money"]].mean()
    found = uplift.by_tenth(fans, fans.period).iloc[1]
    assert found["customers"] == len(own)
    assert found["effect"] == pytest.approx(
        means.loc[True, "outcome"] - means.loc[False, "outcome"]
    )
    assert found["break_even"] == pytest.approx(
        means.loc[True, "money"] - means.loc[False, "money"]
    )
    assert found["verdict"] == "pays"
    verdicts = uplift.by_tenth(fans, fans.period)["verdict"]
    assert set(verdicts.tail(4)) <= {"does_not_pay", "not_enough_evidence"}


def test_groups_say_for_whom_it_pays_and_small_ones_are_merged(fans):
    groups = uplift_groups.effect_by_group(fans, fans.period).set_index(["feature", "level"])
    assert groups.loc[("fan", "yes"), "verdict"] == "pays"
    assert groups.loc[("fan", "no"), "verdict"] == "does_not_pay"  # 0 against a cost of 3
    assert groups.loc[("fan", "no"), "reaction"] == "not_enough_evidence"
    assert groups.loc["fan"]["difference_p"].max() < 1e-6
    assert groups.loc["city"]["difference_p"].min() > 0.01
    assert "hamlet" not in groups.loc["city"].index  # 30 customers: fewer than 50 in an arm
    assert groups.groupby("feature")["customers"].sum().tolist() == [12_000, 12_000]
    assert groups["customers"].min() > 2 * uplift_groups.SMALLEST_ARM


def test_the_list_holds_fans_by_hash_with_the_reason(fans):
    people = uplift_groups.customers_to_contact(fans, fans.period, top=50)
    assert len(people) == 50
    assert people["listed"].iloc[0] == pytest.approx(6000, rel=0.1)
    assert set(people["feature"]) == {"fan"}
    assert set(people["level"]) == {"yes"}
    assert people["customer"].str.fullmatch("[0-9a-f]{12}").all()
    assert people["expected_uplift"].between(0.1, 0.3).all()
    assert people["expected_value"].mean() == pytest.approx(5, abs=2)
    assert people["expected_value"].is_monotonic_decreasing


def test_without_a_known_cost_the_break_even_cost_is_told(tmp_path):
    with a_store_of_frames(tmp_path, "2024-12", a_trial(23, n=12_000, cost=None)) as store:
        plan = uplift.contact_plan(store, store.period).iloc[0]
        profit = uplift.profit_by_share(store, store.period)
    assert plan["action"] == "contact_first"
    assert plan["break_even_low"] < 8 < plan["break_even_high"]
    assert pd.isna(plan["saved"])
    assert not profit["cost_known"].any()
    assert profit["profit"].tolist() == pytest.approx(profit["money"].tolist())


def test_the_order_of_rows_changes_nothing(tmp_path):
    tables = a_trial(24, n=2000)
    mixed = {name: frame.sample(frac=1, random_state=1) for name, frame in tables.items()}
    found = []
    for place, one in enumerate((tables, mixed)):
        with a_store_of_frames(tmp_path / str(place), "2024-12", one) as store:
            found.append(uplift.profit_by_share(store, store.period))
    pd.testing.assert_frame_equal(*found)


def test_too_few_customers_and_no_features_are_said_to_be_missing(tmp_path):
    tables = a_trial(25, n=300)
    few = a_store_of_frames(tmp_path / "few", "2024-12", tables)
    with few as store, pytest.raises(MissingTable, match="short"):
        uplift.targeting(store, store.period)
    tables = a_trial(25, n=2000)
    del tables["experiment_features"]
    none = a_store_of_frames(tmp_path / "none", "2024-12", tables)
    with none as store, pytest.raises(MissingTable, match="experiment_features"):
        uplift.targeting(store, store.period)


def test_only_purchases_before_the_day_of_assignment_are_features(tmp_path):
    tables = a_trial(26, n=1000)
    days = {"C00000": ("2024-09-01", "2024-10-11", "2024-11-01"), "C00001": ("2024-11-02",)}
    orders = pd.DataFrame([
        {"order_id": f"{customer}{day}", "customer_id": customer, "created_at": day,
         "paid_at": day, "channel": "ads" if day == "2024-09-01" else "search"}
        for customer, bought in days.items() for day in bought
    ])  # fmt: skip
    lines = orders[["order_id"]].assign(line_id="1", product_id="P", quantity=1, buyer_paid=20)
    tables |= {"orders": orders, "order_lines": lines}
    with a_store_of_frames(tmp_path, "2024-12", tables) as store:
        (one,) = scored(store, store.period)
        first, second = (
            one.people.set_index("customer_id").loc[["C00000", "C00001"]].to_dict("records")
        )
    assert first["purchases_before"] == 2
    assert first["days_since_last"] == 21
    assert first["mean_gap_days"] == 40
    assert first["paid_before"] == 40
    assert first["first_channel"] == "ads"
    assert second["purchases_before"] == 0
    assert second["first_channel"] == "none"
    assert set(UNIT) < set(one.people.columns)


def test_hillstroms_womens_mail_is_worth_aiming_and_the_mens_is_not_shown_to_be(hillstrom):
    found = uplift.targeting(hillstrom, hillstrom.period).set_index("variant")
    womens, mens = found.loc["Womens E-Mail"], found.loc["Mens E-Mail"]
    assert found.index[0] == "Womens E-Mail"
    assert womens["lead"]
    assert set(found["outcome"]) == {"visit"}  # 311 and 389 buyers are too few to score
    assert womens["against_chance"] == "better"
    assert womens["second_low"] > 0
    assert womens["qini"] > 3 * mens["qini"]
    assert womens["effect"] == pytest.approx(45.2, abs=0.05)  # 15.140 - 10.617 %


def test_hillstroms_curve_ends_at_the_effect_on_all(hillstrom):
    curve = uplift.qini_curve(hillstrom, hillstrom.period)
    ends = (
        curve[curve["contacted"].round(6) == 100].groupby("variant")["gained"].agg(["min", "max"])
    )
    assert ends.loc["Womens E-Mail"].tolist() == pytest.approx([45.23, 45.23], abs=0.01)
    assert (curve["low"] <= curve["gained"] + 1e-9).all()
    assert (curve["gained"] <= curve["high"] + 1e-9).all()


def test_the_womens_mail_pays_for_those_who_bought_womens_goods(hillstrom, published):
    groups = uplift_groups.effect_by_group(hillstrom, hillstrom.period)
    groups = groups[groups["lead"]].set_index(["feature", "level"])
    assert groups.index[0][0] == "womens"  # the clearest difference
    for level, bought in (("yes", 1), ("no", 0)):
        own = published[published["womens"] == bought].groupby("segment")
        visit, spend = own["visit"].mean(), own["spend"].mean()
        row = groups.loc[("womens", level)]
        assert row["effect"] == pytest.approx(visit["Womens E-Mail"] - visit["No E-Mail"])
        assert row["money"] == pytest.approx(spend["Womens E-Mail"] - spend["No E-Mail"])
    assert groups.loc[("womens", "yes"), "verdict"] == "pays"
    assert groups.loc[("womens", "no"), "verdict"] == "not_enough_evidence"
    assert "history" not in groups.index.get_level_values("feature")  # it brings its own bands
    assert not groups.loc["channel"]["differs"].any()


def test_hillstroms_plan_says_what_a_mail_may_cost(hillstrom):
    plan = uplift.contact_plan(hillstrom, hillstrom.period).set_index("variant")
    assert plan["rank"].to_dict() == {"Mens E-Mail": 1, "Womens E-Mail": 2}
    mens, womens = plan.loc["Mens E-Mail"], plan.loc["Womens E-Mail"]
    assert mens["action"] == "contact_all_below_cost"
    assert mens["worth"] == pytest.approx(64_000 * (1.422617 - 0.652789), rel=1e-4)
    assert womens["action"] == "otherwise_first"
    assert womens["break_even_low"] > 0
    assert womens["rest_low"] < 0 < womens["rest_high"]
    assert set(plan["basis"]) == {"spend"}
