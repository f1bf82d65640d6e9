"""Sentences: every gap is filled in the language, agrees in number, or nothing is said."""

import pytest

from helpers.report.findings import Finding
from helpers.report.text import template
from helpers.report.voice import Voice
from tests.report.shop import NOVEMBER

NBSP = "\N{NO-BREAK SPACE}"
ENGLISH, CHINESE = (Voice("20_demo", language, "CNY") for language in ("en", "zh"))


def said(voice, written, **values):
    pieces = voice.fill(written, values)
    return template.to_text(pieces) if pieces else None


def test_a_noun_and_a_verb_agree_with_their_number():
    written = "{n:count order|orders} {n:word was|were} paid."
    assert said(ENGLISH, written, n=1) == f"1{NBSP}order was paid."
    assert said(ENGLISH, written, n=0) == f"0{NBSP}orders were paid."
    assert said(ENGLISH, written, n=1_204) == f"1,204{NBSP}orders were paid."


def test_a_sentence_without_one_of_its_values_says_nothing():
    assert said(ENGLISH, "The rate is {rate:ratio}.", rate=None) is None
    assert said(ENGLISH, "The rate is {rate:ratio}.", rate=float("nan")) is None


def test_a_value_that_nobody_gave_is_an_error_and_not_a_gap():
    with pytest.raises(KeyError, match="rate"):
        said(ENGLISH, "The rate is {rate:ratio}.")


def test_a_code_is_named_in_the_language():
    assert said(ENGLISH, "{segment:value}", segment="at_risk") == "At risk"
    assert said(CHINESE, "{segment:value}", segment="at_risk") == "流失风险"


def test_a_name_is_taken_in_the_language_where_there_is_one():
    row = {"name": "Teapot", "name_zh": "茶壶"}
    assert said(CHINESE, "{name:text}", **row) == "茶壶"
    assert said(ENGLISH, "{name:text}", **row) == "Teapot"


def test_a_finding_brings_its_own_unit():
    finding = Finding("repurchase_rate", "ratio", NOVEMBER, value=0.284, previous=0.272)
    written = "{finding} after {finding.previous}: {finding.change}"
    assert said(ENGLISH, written, finding=finding) == f"28.4{NBSP}% after 27.2{NBSP}%: 1.2{NBSP}pp"


def test_numbers_carry_their_fact_and_link_to_their_definition():
    finding = Finding("repurchase_rate", "ratio", NOVEMBER, value=0.284)
    html = template.to_html(ENGLISH.fill("{finding} of <b>", {"finding": finding}))
    assert 'href="#metric-repurchase_rate"' in html
    assert 'data-fact="repurchase_rate" data-field="value"' in html
    assert html.endswith("of &lt;b&gt;")


def test_a_plain_number_carries_the_id_of_its_sentence():
    pieces = ENGLISH.fill("The rate is {rate:ratio}.", {"rate": 0.5}, "needs_rate")
    assert list(template.numbers(pieces)) == ["20_demo/needs_rate"]
    assert template.figures(pieces) == {"rate": {"value": 0.5, "unit": "ratio"}}


@pytest.mark.parametrize("written", ["{n:furlongs}", "{n:word one}", "{N}", "{ n }", "}"])
def test_a_template_that_is_none_is_refused(written):
    with pytest.raises(ValueError, match="template"):
        template.parse(written)
