"""A published report of the CDNOW sample against the figures of its papers.

BG/NBD: Fader, Hardie and Lee (2005), "Counting Your Customers" the Easy Way, Marketing Science 24,
calibrated to 1997-09-30, in weeks. Gamma-gamma: Fader and Hardie (2013), The Gamma-Gamma Model of
Monetary Value.
"""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.slow
PUBLISHED = {
    "bg_nbd.r": (0.2426, 5e-5),
    "bg_nbd.alpha": (4.4135, 2e-4),
    "bg_nbd.a": (0.7929, 1e-4),
    "bg_nbd.b": (2.4258, 2e-4),
    "bg_nbd.log_likelihood": (-9582.43, 5e-3),
    "gamma_gamma.p": (6.249, 5e-4),
    "gamma_gamma.q": (3.745, 5e-4),
    "gamma_gamma.v": (15.448, 1e-3),
}


def test_the_run_of_one_file_publishes_every_chapter(cdnow):
    assert cdnow.code == 0, cdnow.said
    assert len(list(cdnow.folder.glob("[0-9]*.html"))) == 5


@pytest.mark.parametrize("parameter", PUBLISHED)
def test_a_fitted_parameter_is_the_published_one(cdnow, parameter):
    value, tolerance = PUBLISHED[parameter]
    assert cdnow.facts[parameter]["value"] == pytest.approx(value, abs=tolerance)


@pytest.mark.parametrize("parameter", [name for name in PUBLISHED if "likelihood" not in name])
def test_a_fitted_parameter_comes_with_its_standard_error(cdnow, parameter):
    fact = cdnow.facts[parameter]
    assert fact["standard_error"] > 0
    assert fact["low"] < fact["value"] < fact["high"]


def test_the_page_shows_the_parameters(cdnow):
    page = (cdnow.folder / "20_lifecycle.html").read_text(encoding="utf-8")
    for shown in ("BG/NBD alpha", "4.41", "Gamma-gamma v", "15.4"):
        assert shown in page


def test_nothing_after_the_period_is_seen(cdnow):
    # All of the sample's 2,357 customers first bought in the first quarter of 1997.
    assert cdnow.facts["new_customers"]["value"] == 0
    assert cdnow.facts["bg_nbd.r"]["n"] == 2357


def test_the_forecast_given_the_history_is_12_per_cent_low(cdnow):
    """The 39 weeks after the calibration: 1,653 expected by the published estimates, 1,882 made."""
    fact = cdnow.facts["forecast_error_since"]
    assert fact["numerator"] == pytest.approx(1653, abs=1)
    assert fact["denominator"] == 1882
    assert fact["value"] == pytest.approx(-0.121, abs=1e-3)
    assert fact["low"] < fact["value"] < fact["high"] < 0


def test_the_page_says_in_words_that_the_model_was_low(cdnow):
    """Given the history, and cumulative to week 78: 4,161 of 4,339 repeat purchases, -4.1 %."""
    page = (cdnow.folder / "20_lifecycle.html").read_text(encoding="utf-8")
    for said in ("The model was too low", "1,653", "1,882", "ended low", "4,161", "4,339"):
        assert said in page
    chinese = (cdnow.folder / "zh" / "20_lifecycle.html").read_text(encoding="utf-8")
    for said in ("模型偏低", "1,653", "1,882", "模型最终偏低"):
        assert said in chinese


def test_the_page_shows_pareto_nbd_beside_it(cdnow):
    """Pareto/NBD is about 11.5 % low given the history."""
    page = (cdnow.folder / "20_lifecycle.html").read_text(encoding="utf-8")
    assert "Pareto/NBD" in page
    assert "\N{MINUS SIGN}11.5" in page
