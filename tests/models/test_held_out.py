import numpy as np
import pandas as pd
import pytest

from helpers.models.bg_nbd import fit
from helpers.models.held_out import held_out_error


@pytest.fixture(scope="module")
def cdnow_error(cdnow_sample):
    model = fit(*(cdnow_sample[name] for name in ("frequency", "recency", "age")))
    return held_out_error(model, cdnow_sample, 39)


def test_cdnow_sample_predicts_1653_of_1882_purchases(cdnow_error):
    assert cdnow_error.actual == 1882
    assert cdnow_error.predicted == pytest.approx(1653, abs=1)
    assert cdnow_error.error_share == pytest.approx(1653 / 1882 - 1, abs=1e-3)


def test_table_has_the_published_customers_by_frequency(cdnow_error):
    """Fader, Hardie and Lee (2005), actual repeat transactions to 1997-09-30."""
    table = cdnow_error.by_frequency.set_index("frequency")["customers"]
    published = {"0": 1411, "1": 439, "2": 214, "3": 100, "4": 62, "5": 38, "6": 29, "7+": 64}
    assert table.to_dict() == published


def test_table_adds_up_to_the_totals(cdnow_error):
    table = cdnow_error.by_frequency
    assert table["customers"] @ table["predicted"] == pytest.approx(cdnow_error.predicted)
    assert table["customers"] @ table["actual"] == pytest.approx(cdnow_error.actual)
    assert (table["low"] <= table["actual"]).all()


def test_missing_held_out_purchases_are_refused(cdnow_sample):
    model = fit(*(cdnow_sample[name] for name in ("frequency", "recency", "age")))
    broken = cdnow_sample.assign(purchases=np.nan)
    with pytest.raises(ValueError, match="2357 entries missing or below 0"):
        held_out_error(model, broken, 39)


def test_nothing_bought_has_no_error_share(cdnow_sample):
    model = fit(*(cdnow_sample[name] for name in ("frequency", "recency", "age")))
    assert np.isnan(held_out_error(model, cdnow_sample.assign(purchases=0), 39).error_share)


def test_a_row_may_stand_for_all_customers_who_are_alike(cdnow_sample, cdnow_error):
    names = ["frequency", "recency", "age", "purchases"]
    alike = cdnow_sample.groupby(names, as_index=False).size().rename(columns={"size": "customers"})
    assert len(alike) < len(cdnow_sample) / 2
    found = held_out_error(fit(*(cdnow_sample[name] for name in names[:3])), alike, 39)
    assert (found.actual, found.error_share) == pytest.approx(
        (cdnow_error.actual, cdnow_error.error_share)
    )
    pd.testing.assert_frame_equal(found.by_frequency, cdnow_error.by_frequency)
