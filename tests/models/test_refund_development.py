import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.models.refund_development import (
    chain_ladder,
    cumulative_triangle,
    projected_refund_share,
)

TAYLOR_ASHE = """
357848 1124788 1735330 2218270 2745596 3319994 3466336 3606286 3833515 3901463
352118 1236139 2170033 3353322 3799067 4120063 4647867 4914039 5339085
290507 1292306 2218525 3235179 3985995 4132918 4628910 4909315
310608 1418858 2195047 3757447 4029929 4381982 4588268
443160 1136350 2128333 2897821 3402672 3873311
396132 1333217 2180715 2985752 3691712
440832 1288463 2419861 3483130
359480 1421128 2864498
376686 1363294
344014
"""


@pytest.fixture(scope="module")
def taylor_ashe() -> np.ndarray:
    """Taylor and Ashe (1983), cumulative, as printed in Mack (1993)."""
    rows = [list(map(float, line.split())) for line in TAYLOR_ASHE.split("\n") if line]
    return np.array([row + [np.nan] * (10 - len(row)) for row in rows])


def test_factors_are_those_of_mack_1993(taylor_ashe):
    factors = [3.4906, 1.7473, 1.4574, 1.1739, 1.1038, 1.0863, 1.0539, 1.0766, 1.0177]
    np.testing.assert_allclose(chain_ladder(taylor_ashe).factors, factors, atol=5e-5)


def test_reserves_and_standard_errors_are_those_of_mack_1993(taylor_ashe):
    """Table 2 of the paper: reserves in thousands, standard errors in per cent of them."""
    found = chain_ladder(taylor_ashe)
    reserves = found.ultimates - found.latest
    thousands = [0, 95, 470, 710, 985, 1419, 2178, 3920, 4279, 4626]
    np.testing.assert_allclose(reserves / 1000, thousands, atol=0.6)
    per_cent = [80, 26, 19, 27, 29, 26, 22, 23, 29]
    np.testing.assert_allclose(found.standard_errors[1:] / reserves[1:] * 100, per_cent, atol=0.6)
    assert found.reserve == pytest.approx(18_680_856, abs=1)
    assert found.reserve_standard_error == pytest.approx(2_447_095, abs=1)


def test_complete_rows_beyond_the_triangle_have_nothing_to_come(taylor_ashe):
    """A complete row that follows the factors leaves them alone and adds no reserve."""
    found = chain_ladder(taylor_ashe)
    grown = 300_000 * np.append(1, found.factors.cumprod())
    more = chain_ladder(np.vstack([grown, taylor_ashe]))
    np.testing.assert_allclose(more.factors, found.factors)
    assert more.standard_errors[0] == 0
    assert more.reserve == pytest.approx(found.reserve)


@given(st.floats(0.01, 100))
def test_currency_scales_everything_but_factors(factor):
    cells = np.array([[10, 14, 15], [12, 16, 17], [9, 13, np.nan], [11, np.nan, np.nan]], float)
    base, scaled = chain_ladder(cells), chain_ladder(cells * factor)
    np.testing.assert_allclose(scaled.factors, base.factors)
    np.testing.assert_allclose(scaled.ultimates, base.ultimates * factor)
    np.testing.assert_allclose(scaled.standard_errors, base.standard_errors * factor, atol=1e-9)


def refunds() -> pd.DataFrame:
    rows = [
        ("2011-01", "2011-01", 6.0),
        ("2011-01", "2011-02", 3.0),
        ("2011-01", "2011-04", 1.0),
        ("2011-02", "2011-02", 5.0),
        ("2011-02", "2011-03", 5.0),
        ("2011-03", "2011-03", 4.0),
        ("2011-03", "2011-04", 99.0),
    ]
    return pd.DataFrame(rows, columns=["payment_month", "refund_month", "refunded"])


def test_triangle_leaves_out_what_was_not_yet_known():
    found = cumulative_triangle(refunds(), first_month="2011-01", last_month="2011-03", ages=3)
    expected = [[6, 9, 9], [5, 10, np.nan], [4, np.nan, np.nan]]
    np.testing.assert_array_equal(found.to_numpy(), expected)
    assert [str(month) for month in found.index] == ["2011-01", "2011-02", "2011-03"]


def test_late_refunds_count_at_the_last_age():
    found = cumulative_triangle(refunds(), first_month="2011-01", last_month="2011-04", ages=2)
    assert found.iloc[0].tolist() == [6, 10]


def test_share_of_a_young_month_is_projected_by_hand():
    """Steps 30 / 20 and 33 / 30: a month with 12 refunded of 100 ends at 12 x 1.5 x 1.1 = 19.8."""
    months = pd.period_range("2011-01", "2011-04", freq="M")
    cells = [[10, 15, 16], [10, 15, 17], [np.nan] * 3, [12, np.nan, np.nan]]
    triangle = pd.DataFrame(cells, index=months).drop(months[2])
    found = projected_refund_share(triangle, pd.Series(100.0, index=months)).loc["2011-04"]
    assert found["share"] == pytest.approx(0.198)
    assert found["share_to_date"] == pytest.approx(0.12)
    assert found["developed"] == pytest.approx(1 / 1.65)
    assert found["immature"]
    assert 0.12 <= found["low"] <= 0.198 <= found["high"] <= 1


def test_complete_months_are_mature_and_exact(taylor_ashe):
    months = pd.period_range("2011-01", periods=10, freq="M")
    sales = pd.Series(1e8, index=months)
    found = projected_refund_share(pd.DataFrame(taylor_ashe, index=months), sales)
    assert found["immature"].tolist() == [False] + [True] * 9
    oldest = found.iloc[0]
    assert oldest["low"] == oldest["share"] == oldest["high"] == oldest["share_to_date"]


def test_a_young_month_without_refunds_is_not_projected():
    months = pd.period_range("2011-01", periods=4, freq="M")
    cells = [[10, 15, 16], [10, 15, 17], [9, 13, np.nan], [0, np.nan, np.nan]]
    found = projected_refund_share(
        pd.DataFrame(cells, index=months), pd.Series(100.0, index=months)
    ).iloc[-1]
    assert np.isnan(found["share"])
    assert np.isnan(found["high"])
    assert found["immature"]


def test_intervals_hold_what_later_comes():
    """80 shops of 24 months, the youngest three months; 85 % is four standard errors less."""
    held = np.zeros(3)
    for seed in range(80):
        held += _youngest_are_held(np.random.default_rng(seed))
    assert (held >= 0.85 * 80).all()


def _youngest_are_held(random: np.random.Generator) -> np.ndarray:
    months, speed = 24, np.array([0.5, 0.3, 0.12, 0.05, 0.03])
    complete = np.empty((months, 5))
    for row in range(months):
        refunded = random.gamma(2, 115, random.binomial(2000, 0.15 * random.uniform(0.8, 1.2)))
        age = random.choice(5, len(refunded), p=speed)
        complete[row] = np.bincount(age, refunded, 5).cumsum()
    known = np.arange(months)[::-1, None] >= np.arange(5)
    index = pd.period_range("2010-01", periods=months, freq="M")
    triangle = pd.DataFrame(np.where(known, complete, np.nan), index=index)
    found = projected_refund_share(triangle, pd.Series(1e6, index=index)).iloc[-3:]
    truth = complete[-3:, -1]
    return (found["ultimate_low"].to_numpy() <= truth) & (
        truth <= found["ultimate_high"].to_numpy()
    )


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        ([[1.0], [2.0]], "two or more ages"),
        ([[1.0, np.nan, 3.0]], "missing cells before observed ones"),
        ([[1.0, -2.0]], "cell of -2"),
        ([[0.0, 2.0], [1.0, np.nan]], "no row has refunds at age 0"),
        ([[1.0, 2.0], [1.0, np.nan]], "two rows"),
    ],
)
def test_what_is_no_triangle_is_refused(cells, message):
    with pytest.raises(ValueError, match=message):
        chain_ladder(cells)


def test_months_without_sales_are_refused():
    months = pd.period_range("2011-01", periods=2, freq="M")
    triangle = pd.DataFrame([[1.0, 2.0], [1.0, np.nan]], index=months)
    with pytest.raises(ValueError, match="paid_sales of 2011-02"):
        projected_refund_share(triangle, pd.Series([5.0, 0.0], index=months))
