"""Credit for orders, against worked examples, the definitions, and what must always hold."""

from __future__ import annotations

from fractions import Fraction
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.models.attribution import (
    MODELS,
    Credits,
    Path,
    attribute,
    channels_of,
    credit,
    exactly,
    removal_effects,
    resampled_shares,
)

# Puzyrov (2019), "Markov Chain Attribution: simple explanation of removal effect",
# serhiipuzyrov.com: Google Ads alone twice, mailing alone once, both once, Google Ads without once.
PUZYROV = (
    Path(("google ads",), conversions=2, others=1),
    Path(("mailing",), conversions=1),
    Path(("google ads", "mailing"), conversions=1),
)
# Bryl' (2016), "Marketing multi-channel attribution model with R, part 1", analyzecore.com.
BRYL = (
    Path(("C1", "C2", "C3"), conversions=1),
    Path(("C1",), others=1),
    Path(("C2", "C3"), others=1),
)
JOURNEY = Path(("social", "search", "search", "direct"), conversions=1, days=(14, 7, 7, 0))

paths_of_any_kind = st.lists(
    st.builds(
        lambda touches, conversions, others: Path(
            tuple(name for name, _ in touches),
            conversions,
            others,
            tuple(sorted((day for _, day in touches), reverse=True)),
        ),
        st.lists(st.tuples(st.sampled_from("abcdef"), st.floats(0, 30)), min_size=1, max_size=6),
        st.integers(0, 1000),
        st.integers(0, 1000),
    ),
    min_size=1,
    max_size=12,
)


def test_removal_effects_agree_with_a_published_example():
    # Start: 4 of 5 to Google Ads, 1 of 5 to mailing. From Google Ads: 2 of 4 convert, 1 of 4 goes
    # to mailing, 1 of 4 leaves; mailing always converts: 0.8 x (0.5 + 0.25) + 0.2 = 0.8.
    # Without Google Ads 0.2 is left, without mailing 0.8 x 0.5 = 0.4.
    effects = removal_effects(PUZYROV)
    assert effects == pytest.approx({"google ads": 1 - 0.2 / 0.8, "mailing": 1 - 0.4 / 0.8})
    found = attribute(PUZYROV, "markov")
    assert found == pytest.approx({"google ads": 4 * 0.75 / 1.25, "mailing": 4 * 0.5 / 1.25})


def test_removal_effects_agree_with_the_three_channels_of_bryl():
    # Start: 2/3 to C1, 1/3 to C2; C1: half to C2; C2 to C3; C3 converts half: (1/3 + 1/3) / 2.
    # Without C1 only the third that begins with C2 is left, half of it converts: 1/6 of 1/3.
    assert removal_effects(BRYL) == pytest.approx({"C1": 0.5, "C2": 1.0, "C3": 1.0})
    assert attribute(BRYL, "markov") == pytest.approx({"C1": 0.2, "C2": 0.4, "C3": 0.4}, abs=1e-5)


def test_visits_of_one_channel_in_a_row_do_not_change_its_removal_effect():
    # Bryl' (2016): C1 > C2 > C2 > C2 > C3 may be written C1 > C2 > C3.
    longer = (Path(("C1", "C2", "C2", "C2", "C3"), conversions=1), *BRYL[1:])
    assert removal_effects(longer) == pytest.approx(removal_effects(BRYL))


def test_a_simulated_chain_loses_what_the_removal_effect_says():
    paths = (*BRYL, Path(("C2", "C1", "C3"), 2, 1), Path(("C3", "C1"), 1, 4))
    names = channels_of(paths)
    moves = Credits(paths, names).transitions(np.ones((1, len(paths))))[0]
    chance = moves[:-2] / moves[:-2].sum(axis=1, keepdims=True)
    random = np.random.default_rng(5)
    walks = [_walk(chance, len(names), random) for _ in range(20_000)]
    converted = sum(order for order, _ in walks)
    for i, effect in enumerate(removal_effects(paths).values()):
        lost = sum(order and i in seen for order, seen in walks) / converted
        assert lost == pytest.approx(effect, abs=0.03)


def _walk(chance, n, random):
    state, seen = n, set()
    while state <= n:
        seen.add(state)
        state = random.choice(n + 3, p=chance[state])
    return state == n + 1, seen


def test_shapley_agrees_with_a_published_example():
    # github.com/tomgorb/misc, "Data Driven Attribution using Shapley value": of 100 conversions
    # Facebook alone led to 20, organic 10, LinkedIn 17, F+O 17, F+L 30, all three 6. So
    # v(F) = 20, v(FO) = 47, v(FL) = 67, v(FLO) = 100 ..., and for Facebook
    # 1/3 x 20 + 1/6 x (47 - 10) + 1/6 x (67 - 17) + 1/3 x (100 - 27) = 45.5.
    counts = {"F": 20, "O": 10, "L": 17, "FO": 17, "FL": 30, "FLO": 6}
    paths = [Path(tuple(names), conversions=n) for names, n in counts.items()]
    found = attribute(paths, "shapley")
    by_hand = 20 / 3 + (47 - 10) / 6 + (67 - 17) / 6 + (100 - 27) / 3
    assert found["F"] == pytest.approx(by_hand, abs=1e-5)
    assert found == pytest.approx({"F": 45.5, "L": 34.0, "O": 20.5}, abs=1e-5)


def shapley_by_permutations(paths):
    """Mean marginal contribution over all orders in which channels may join, in fractions."""
    names = channels_of(paths)

    def worth(coalition):
        return sum(p.conversions for p in paths if set(p.channels) <= coalition)

    orders = list(permutations(names))
    found = dict.fromkeys(names, Fraction(0))
    for order in orders:
        for i, name in enumerate(order):
            gain = worth(set(order[: i + 1])) - worth(set(order[:i]))
            found[name] += Fraction(gain, len(orders))
    return found


@settings(max_examples=25, deadline=None)
@given(paths_of_any_kind)
def test_shapley_is_the_mean_gain_over_all_orders_of_joining(paths):
    paths = [Path(p.channels[:4], p.conversions, p.others) for p in paths][:8]
    wanted = {name: float(part) for name, part in shapley_by_permutations(paths).items()}
    assert attribute(paths, "shapley") == pytest.approx(wanted, abs=1e-4)


@settings(max_examples=80, deadline=None)
@given(paths_of_any_kind, st.sampled_from(MODELS))
def test_attributed_conversions_add_up_to_conversions_exactly(paths, model):
    found = attribute(paths, model)
    total = sum(path.conversions for path in paths)
    assert sum(map(Fraction, found.values())) == total
    assert sum(found.values()) == total
    assert sum(sorted(found.values(), reverse=True)) == total
    assert set(found) == set(channels_of(paths))
    assert all(part >= 0 for part in found.values())


@settings(max_examples=40, deadline=None)
@given(paths_of_any_kind, st.sampled_from(MODELS))
def test_the_order_of_paths_changes_nothing(paths, model):
    assert attribute(paths[::-1], model) == pytest.approx(attribute(paths, model), abs=1e-4)


@settings(max_examples=40, deadline=None)
@given(paths_of_any_kind, st.sampled_from(MODELS))
def test_a_channel_that_no_order_passed_gets_nothing(paths, model):
    used = {name for path in paths if path.conversions for name in path.channels}
    found = attribute([*paths, Path(("idle",), others=5)], model)
    assert all(not part for name, part in found.items() if name not in used)


def test_last_and_first_give_all_to_one_visit():
    assert credit(JOURNEY, "last") == {"social": 0, "search": 0, "direct": 1}
    assert credit(JOURNEY, "first") == {"social": 1, "search": 0, "direct": 0}


def test_linear_gives_every_visit_the_same():
    assert credit(JOURNEY, "linear") == {"social": 0.25, "search": 0.5, "direct": 0.25}


def test_credit_halves_with_every_seven_days_before_the_order():
    # Weights 1/4, 1/2, 1/2 and 1: 9/4 in all.
    found = credit(JOURNEY, "time_decay")
    assert found == pytest.approx({"social": 1 / 9, "search": 4 / 9, "direct": 4 / 9})


def test_position_gives_the_ends_forty_per_cent_each_and_halves_two_visits():
    found = credit(JOURNEY, "position")
    assert found == pytest.approx({"social": 0.4, "search": 0.2, "direct": 0.4})
    assert credit(Path(("a", "b"), 1), "position") == {"a": 0.5, "b": 0.5}
    assert credit(Path(("a",), 1), "position") == {"a": 1.0}


def test_resampled_shares_vary_as_a_share_of_people_does():
    # 300 people order through a, 100 through b: sd of the share is sqrt(0.75 x 0.25 / 400).
    paths = (Path(("a",), 1), Path(("b",), 1))
    credits = Credits(paths, ("a", "b"))
    found = resampled_shares(credits, [300, 100], models=["markov"], draws=2000)["markov"]
    assert found.shape == (2000, 2)
    assert found.sum(axis=1) == pytest.approx(np.ones(2000))
    assert found[:, 0].mean() == pytest.approx(0.75, abs=0.002)
    assert found[:, 0].std() == pytest.approx((0.75 * 0.25 / 400) ** 0.5, rel=0.08)


def test_exact_parts_stay_exact_for_a_million_orders():
    parts = exactly(np.full(7, 1_000_003 / 7), 1_000_003)
    assert sum(map(Fraction, parts.tolist())) == 1_000_003


@pytest.mark.parametrize(
    ("channels", "others", "days"), [((), 1, ()), (("a",), 1, (1.0, 2.0)), (("a",), -1, ())]
)
def test_a_course_that_can_not_be_is_refused(channels, others, days):
    with pytest.raises(ValueError, match="must"):
        Path(channels, others=others, days=days)


def test_an_unknown_model_is_refused():
    with pytest.raises(ValueError, match="must be one of"):
        attribute(PUZYROV, "guess")
    with pytest.raises(ValueError, match="must be one of"):
        credit(PUZYROV[0], "markov")


def test_paths_without_an_order_give_nothing():
    assert attribute([Path(("a", "b"), others=3)], "markov") == {"a": 0.0, "b": 0.0}
