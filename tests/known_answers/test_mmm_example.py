"""PyMC-Marketing's simulated example: known carry-over, saturation and contributions, found again.

Truth from its public notebook (mmm_example): y = 1000 * (2 + trend + season + 1.5 event_1 + 2.5
event_2 + 3 S(4 a_1) + 2 S(3 a_2) + N(0, 0.25)), a_1 and a_2 geometric adstock of 0.4 and 0.2 over 8
weeks with weights that sum to 1, nothing spent before the first week. The trend is a fourth root,
the season a sine of half a year and a cosine of a year.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from helpers.models.response import contribution_shares, fit_response

CARRY_OVER, SATURATION, EFFECT = (0.4, 0.2), (4.0, 3.0), (3000.0, 2000.0)
LAGS, SIGMA = 8, 250.0


@pytest.fixture(scope="module")
def weeks(shared_data) -> pd.DataFrame:
    return pd.read_parquet(shared_data / "mmm_example" / "mmm_example.parquet")


@pytest.fixture(scope="module")
def brought(weeks: pd.DataFrame) -> np.ndarray:
    """What each channel truly brought each week, by NumPy's own convolution."""
    columns = []
    for name, carried, bend, most in zip(("x1", "x2"), CARRY_OVER, SATURATION, EFFECT, strict=True):
        weights = carried ** np.arange(LAGS)
        stock = np.convolve(weeks[name], weights / weights.sum())[: len(weeks)]
        columns.append(most * (1 - np.exp(-bend * stock)) / (1 + np.exp(-bend * stock)))
    return np.column_stack(columns)


@pytest.fixture(scope="module")
def fit(weeks: pd.DataFrame):
    year = 2 * np.pi * weeks["dayofyear"].to_numpy() / 365.25
    controls = np.column_stack(
        [weeks[["event_1", "event_2", "t"]], weeks["t"] ** 2]
        + [wave(k * year) for k in (1, 2) for wave in (np.sin, np.cos)]
    )
    return fit_response(
        weeks["y"], weeks[["x1", "x2"]], controls=controls, demand=False, counts=False,
        lags=LAGS, skip=0,
    )  # fmt: skip


def test_weights_that_sum_to_one_leave_the_published_noise(weeks, brought):
    steps = np.linspace(0, 50, len(weeks))
    day = weeks["dayofyear"].to_numpy()
    season = 0.5 * (-np.sin(4 * np.pi * day / 365.5) + np.cos(2 * np.pi * day / 365.5))
    events = 1500 * weeks["event_1"] + 2500 * weeks["event_2"]
    mean = 1000 * (2 + (steps + 10) ** 0.25 - 1 + season) + events + brought.sum(axis=1)
    assert np.std(weeks["y"] - mean) == pytest.approx(SIGMA, rel=0.1)


def test_the_true_parameters_and_shares_lie_in_their_intervals(weeks, brought, fit):
    assert fit.converged
    largest = weeks[["x1", "x2"]].max().to_numpy()
    truth = {
        "carry-over": (fit.carry_over, CARRY_OVER),
        "saturation": (fit.saturation / largest, SATURATION),
        "effect": (fit.effect, EFFECT),
        "share": (contribution_shares(fit), brought.sum(axis=0) / weeks["y"].sum()),
        "sigma": (fit.noise[:, None], (SIGMA,)),
    }
    for name, (draws, true) in truth.items():
        low, middle, high = np.quantile(draws, [0.025, 0.5, 0.975], axis=0)
        for channel, value in enumerate(true):
            print(
                f"{name} {channel + 1}: true {value:.3f}, "
                f"{middle[channel]:.3f} ({low[channel]:.3f} to {high[channel]:.3f})"
            )
            assert low[channel] <= value <= high[channel], name


def test_the_intervals_are_narrow_enough_to_say_something(fit):
    low, high = np.quantile(fit.carry_over, [0.025, 0.975], axis=0)
    assert (high - low < 0.3).all()
    low, high = np.quantile(contribution_shares(fit), [0.025, 0.975], axis=0)
    assert (high - low < 0.15).all()
