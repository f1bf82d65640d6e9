"""What a notebook takes from a measure's answer."""

from __future__ import annotations

import math

import pandas as pd

from helpers.report.findings import Missing
from helpers.report.measured import Measured

FRAME = pd.DataFrame({"channel": ["a", "b", "b"], "action": ["cut", "cut", "move"],
                      "worth": [1.0, math.nan, 3.0]})  # fmt: skip


def test_without_leaves_the_rows_that_where_would_take_out():
    answer = Measured("x.y", FRAME)
    assert answer.without(channel="b", action=["cut", "raise"]).frame["worth"].tolist() == [1, 3]
    assert answer.without(channel="b").frame["worth"].tolist() == [1]
    assert len(answer.without(channel=[]).frame) == 3


def test_without_takes_rows_whose_figure_is_missing():
    assert Measured("x.y", FRAME).without(worth=[math.nan]).frame["worth"].tolist() == [1, 3]


def test_without_leaves_an_answer_that_the_store_lacks_as_it_is():
    lacking = Measured("x.y", None, Missing("orders"))
    assert lacking.without(channel="b").missing == Missing("orders")
