"""Uplift: how much more a customer does because of a contact, by cross-fitted models.

Two models (one of the contacted, one of the control; scikit-uplift's `TwoModels` on regularised
logistic regressions) and, as a second opinion, the regression of the transformed outcome. Every
score comes from models that have not seen the customer.

Numbers enter as linear splines with quantile knots, because an effect often rises and falls again
(customers who have just bought need no mail, those who left long ago read none). Learners compared
by the out-of-fold Qini coefficient, in outcomes per 1,000 customers, two seeds each: women's mail
of Hillstrom's e-mail test (visits) 7.1 and 7.4 for logistic models of plain numbers, 7.2 and 7.1
with splines, 6.5 and 7.3 for gradient boosting; men's mail 1.5 and 2.3, 1.8 and 3.0, 1.0 and 2.8; a
simulated win-back message whose effect is not monotone (purchases) 4.5 and 4.1, 7.8 and 8.0, 8.6
and 9.0. Splines are never far from the best and take a fifth of the time of boosting.

Source: Radcliffe (2007); Jaskowski and Jaroszewicz (2012); Athey and Imbens (2016);
Chernozhukov and others (2018) for the calibration.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from helpers.models.qini import SHARED_DATA

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

METHODS = ("two_models", "transformed_outcome")
FOLDS = 5
SEED = 20_240_607
PENALTY = 0.1
RIDGE = 100.0
RAREST = 10
FEWEST_FOR_SPLINES = 10
KNOTS = 5


@dataclass(frozen=True)
class CrossFitted:
    """Scores of customers by models that have not seen them.

    Attributes:
        scores: Method to expected uplift, one per customer, in the outcome's unit.
        fold: Which fold a customer was held out in, 0 to `FOLDS` - 1.
        places: Method to the customer's place in its fold, 0 (highest score) to 1; ties are broken
            at random with a fixed seed. Places are taken within folds because the folds' models
            differ in level, and a fold whose model is high has lost its high customers to it.
    """

    scores: dict[str, Floats]
    fold: Ints
    places: dict[str, Floats]


@dataclass(frozen=True)
class Calibration:
    """The best line of the true uplift through the scores.

    Attributes:
        slope: 1 where scores are as far apart as the uplift is; 0 where they say nothing.
        low: Lower end of the slope's 95 % interval.
        high: Upper end.
        effect: Mean effect of the contact.
        centre: Mean score.
    """

    slope: float
    low: float
    high: float
    effect: float
    centre: float

    def apply(self, scores: ArrayLike) -> Floats:
        """Expected uplift of these scores, drawn in to what the experiment bears out."""
        slope = min(max(self.slope, 0.0), 1.0)
        return self.effect + slope * (np.asarray(scores, float) - self.centre)


def encoder(features: pd.DataFrame) -> Any:
    """What turns features into a matrix of standardised columns, fitted on these rows.

    Numbers of ten and more values become linear splines with knots at quartiles, those that
    are never negative and spread over more than two powers of ten on log(1 + x); missing ones
    get the median and a column that says so; categories held by fewer than 10 customers count as
    one.

    Args:
        features: Columns of numbers or of texts; features with a single value carry nothing.

    Raises:
        ValueError: No feature varies.
    """
    from sklearn.compose import ColumnTransformer
    from sklearn.preprocessing import OneHotEncoder

    varied = [name for name in features if features[name].nunique(dropna=False) > 1]
    if not varied:
        raise ValueError(f"none of the features {list(features)} varies; uplift needs one.")
    numbers = [name for name in varied if features[name].dtype.kind in "fiub"]
    codes = OneHotEncoder(
        min_frequency=RAREST, handle_unknown="infrequent_if_exist", drop="first",
        sparse_output=False,
    )  # fmt: skip
    parts = [(name, _number(features[name].to_numpy(float)), [name]) for name in numbers]
    texts = [name for name in varied if name not in numbers]
    parts += [("texts", codes, texts)] if texts else []
    return ColumnTransformer(parts).fit(_texts(features))


def _number(values: Floats) -> Any:
    """The steps that turn one number into columns."""
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer, SplineTransformer, StandardScaler

    known = values[np.isfinite(values)]
    steps: list[Any] = [SimpleImputer(strategy="median")]
    if _is_wide(values):
        steps.append(FunctionTransformer(np.log1p))
    if len(np.unique(known)) >= FEWEST_FOR_SPLINES:
        steps.append(SplineTransformer(KNOTS, degree=1, knots="quantile", include_bias=False))
    column = make_pipeline(*steps, StandardScaler())
    return _with_gaps(column) if len(known) < len(values) else column


def _with_gaps(column: Any) -> Any:
    """A number's columns and one that says where it is missing."""
    from sklearn.impute import MissingIndicator
    from sklearn.pipeline import make_pipeline, make_union
    from sklearn.preprocessing import StandardScaler

    gaps = make_pipeline(MissingIndicator(features="all"), StandardScaler())
    return make_union(column, gaps)


def _is_wide(values: Floats) -> bool:
    known = values[np.isfinite(values)]
    return bool(len(known) and known.min() >= 0 and known.max() > 100 * max(known.min(), 0.1))


def _texts(features: pd.DataFrame) -> pd.DataFrame:
    """Texts as plain objects without gaps, numbers as floats."""
    columns = {
        name: column.astype(float)
        if column.dtype.kind in "fiub"
        else column.astype(object).where(column.notna(), "")
        for name, column in features.items()
    }
    import pandas as pd

    return pd.DataFrame(columns)


def matrix(fitted: Any, features: pd.DataFrame) -> Floats:
    """Features as a matrix, by a fitted encoder; a category it never saw counts as a rare one."""
    import warnings

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Found unknown categories", UserWarning)
        return np.asarray(fitted.transform(_texts(features)), float)


def fit(method: str, x: Floats, treated: ArrayLike, outcome: ArrayLike) -> Any:
    """One uplift model; `predict(matrix)` gives expected uplift.

    Args:
        method: One of `METHODS`.
        x: One row a customer.
        treated: 1 where the customer was contacted, else 0.
        outcome: 0 or 1.

    Raises:
        ValueError: Unknown method, an empty arm, or an arm in which all outcomes are the same.
    """
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklift.models import ClassTransformationReg, TwoModels

    arm, result = np.asarray(treated, int), np.asarray(outcome, float)
    for value in (0, 1):
        if len(np.unique(result[arm == value])) < 2:
            raise ValueError(
                f"outcomes with treated == {value} are all the same, must vary to fit a model; "
                "take an outcome with more events or wait for more customers."
            )
    if method == "two_models":
        models = [LogisticRegression(C=PENALTY, solver="newton-cholesky") for _ in range(2)]
        return TwoModels(*models).fit(x, result.astype(int), arm)
    if method == "transformed_outcome":
        share = float(arm.mean())
        return ClassTransformationReg(Ridge(alpha=RIDGE), propensity_val=share).fit(x, result, arm)
    raise ValueError(f"method == {method!r}, must be one of {METHODS}.")


def cross_fit(
    features: pd.DataFrame, treated: ArrayLike, outcome: ArrayLike, *, seed: int = SEED
) -> CrossFitted:
    """Scores by both methods; folds hold the same share of each arm and of events.

    Args:
        features: What was known before the contact; one row a customer.
        treated: 1 where contacted, else 0.
        outcome: 0 or 1.
        seed: Seed of folds and ties; the rows' order matters to them, so sort by a key first.

    Raises:
        ValueError: No feature varies, or an arm has no event in a fold.
    """
    from sklearn.model_selection import StratifiedKFold
    from threadpoolctl import threadpool_limits

    arm, result = np.asarray(treated, int), np.asarray(outcome, int)
    x = matrix(encoder(features), features)
    fold = np.zeros(len(arm), np.int64)
    scores = {method: np.zeros(len(arm)) for method in METHODS}
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
    with threadpool_limits(1):  # the matrices are narrow: more threads wait for one another
        for number, (train, test) in enumerate(folds.split(x, 2 * arm + result)):
            fold[test] = number
            for method in METHODS:
                model = fit(method, x[train], arm[train], result[train])
                scores[method][test] = model.predict(x[test])
    places = {method: places_in_folds(found, fold, seed) for method, found in scores.items()}
    return CrossFitted(scores, fold, places)


def places_in_folds(scores: ArrayLike, fold: ArrayLike, seed: int = SEED) -> Floats:
    """Each customer's place in its fold: 0 for the highest score, just below 1 for the lowest."""
    values, folds = np.asarray(scores, float), np.asarray(fold)
    ties = np.random.default_rng(seed).random(len(values))
    places = np.zeros(len(values))
    for number in np.unique(folds):
        own = np.flatnonzero(folds == number)
        order = np.lexsort((ties[own], -values[own]))
        places[own[order]] = (np.arange(len(own)) + 0.5) / len(own)
    return places


def calibrate(scores: ArrayLike, treated: ArrayLike, outcome: ArrayLike) -> Calibration:
    """How far the effect of the contact follows the scores.

    The slope of the outcome on the score among the contacted less that among the control, with
    heteroscedastic (HC1) errors, widened because cross-fitted scores share data (see `qini`). A
    slope whose interval lies above 0 says that the effect differs between customers as the scores
    say.
    """
    s, arm, y = (np.asarray(part, float) for part in (scores, treated, outcome))
    slopes, variances, means = [], [], []
    for value in (1, 0):
        own = arm == value
        slope, variance = _slope(s[own] - s.mean(), y[own])
        slopes.append(slope)
        variances.append(variance)
        means.append(float(y[own].mean()))
    slope, error = slopes[0] - slopes[1], SHARED_DATA * float(np.sqrt(sum(variances)))
    return Calibration(
        slope, slope - 1.96 * error, slope + 1.96 * error, means[0] - means[1], float(s.mean())
    )


def _slope(x: Floats, y: Floats) -> tuple[float, float]:
    centred = x - x.mean()
    spread = float(centred @ centred)
    if spread <= 1e-12 * len(x):
        return 0.0, 0.0
    slope = float(centred @ y) / spread
    residuals = y - y.mean() - slope * centred
    scale = len(x) / max(len(x) - 2, 1)
    return slope, scale * float((centred**2) @ residuals**2) / spread**2
