"""What a notebook sees: blocks in every language, notices instead of errors, one record."""

import json
import re

import pytest

from helpers.models.estimate import Estimate
from helpers.report import basis, blocks, opening
from helpers.report import record as records
from helpers.report.blocks import MIME, RECORD_MIME
from helpers.report.measured import Measured
from tests.report import shop

NBSP = "\N{NO-BREAK SPACE}"


def words(html):
    return re.sub(r"<[^>]+>", "", html)


def test_an_output_has_html_for_jupyterlab_and_every_language_for_the_page(found):
    bundle = found["verdict"]._repr_mimebundle_()
    assert list(bundle) == ["text/html", MIME]
    assert list(bundle[MIME]["html"]) == ["en", "zh"]
    assert json.loads(json.dumps(bundle)) == bundle


def test_the_verdict_is_chosen_by_the_status_and_stands_in_the_record(found, record):
    assert words(found["verdict"].html["en"]).startswith("28.4\N{NO-BREAK SPACE}% of buyers")
    assert record["verdict"]["zh"].startswith("一年内有28.4%的买家复购")
    assert record["verdict"]["en"] == words(found["verdict"].html["en"])


def test_both_languages_state_the_same_facts_in_the_same_order_or_number(found):
    for block in found.values():
        facts = [sorted(re.findall(r'data-fact="([^"]+)"', html)) for html in block.html.values()]
        assert facts[0] == facts[1]


def test_cards_tell_value_gap_changes_and_what_is_not_known(found):
    html = found["cards"].html["en"]
    text = words(html)
    assert "6.6\N{NO-BREAK SPACE}pp below the target of 35\N{NO-BREAK SPACE}%" in text
    assert "on Oct 2025" in text
    assert "on Nov 2024" in text
    assert "provisional" in text
    assert "Net promoter score: needs survey answers with score" in text
    assert html.count('class="sr-spark"') == 6
    assert 'href="#metric-repurchase_rate"' in html


def test_a_sparkline_shows_the_target_and_all_thirteen_periods(found):
    card = found["cards"].html["en"].split("<article")[1]
    assert "sr-spark-target" in card
    assert card.count("<title>") == 13


def test_a_missing_table_is_told_once_with_what_would_be_seen():
    made = shop.report()
    lack = made.measure(shop.no_spend)
    first = made.bars("channels", lack, label="channel", value="cost", unit="money")
    assert "needs ad spend with spend" in first.html["en"]
    assert "cost of a new customer by channel" in first.html["en"]
    assert made.table("segments", lack, {"segment": "value"}).html == {"en": "", "zh": ""}
    again = made.bars("channels", lack, label="channel", value="cost", unit="money")
    assert again.html == first.html
    assert {"key": "channels", "table": "ad_spend", "columns": ["spend"], "why": "absent"} in (
        made.record().record["missing"]
    )


def test_an_empty_frame_is_a_notice_and_no_figure(made):
    empty = made.measure(shop.channels).where(channel="none of these")
    block = made.bars("channels", empty, label="channel", value="cost", unit="money")
    assert "nothing to show" in block.html["en"]


def test_a_measured_that_is_missing_answers_with_nothing(made):
    lack = made.measure(shop.no_spend)
    assert lack.get("cost") is None
    assert lack.total("cost", channel="live") is None
    assert lack.where(channel="live").sort("cost").empty


def test_a_measured_gives_single_values_for_sentences(made):
    channels = made.measure(shop.channels)
    assert channels.get("cost", channel="live") == 96.3
    assert channels.get("cost", row=-1) == 71.9
    assert channels.get("cost", row=9) is None
    assert channels.total("cost", channel=["live", "seeding"]) == pytest.approx(168.2)


def test_the_source_line_comes_from_what_was_read(found):
    assert "Source: customer_orders · data through 30 Nov 2025</p>" in found["monthly"].html["en"]
    assert "来源：customer_orders · 数据截至2025年11月30日</p>" in found["monthly"].html["zh"]


def test_how_a_figure_was_computed_is_folded_below_it(found):
    folds = {
        language: re.search(r'<details class="sr-how">.*?</details>', html)[0]
        for language, html in found["monthly"].html.items()
    }
    terms = re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", folds["en"].replace(NBSP, " "))
    assert terms == [
        ("Measure", "<code>shop.monthly</code>"),
        ("Definition", '<a href="#metric-repurchase_rate">Repurchase rate</a>'),
        ("Tables", "orders (120,345 rows), order_lines (240,100 rows)"),
        ("Their checks", "1 check passed, 3 rows in quarantine, not counted"),
        ("Result", "24 rows"),
        ("Plan", "section 1.3"),
    ]
    assert "orders（120,345行）、order_lines（240,100行）" in words(folds["zh"])
    assert folds["zh"].count("<dt>") == len(terms)


def test_the_verdict_of_a_figure_is_that_of_its_own_tables():
    answer = Measured("shop.spend", shop.channels(None, None), sources=("ad_spend",))
    quality = shop.FakeStore().quality | {"rows": {"ad_spend": 7, "orders": 5}}
    found = basis.of(shop.FakeStore(quality=quality), answer)
    assert found.tables == {"ad_spend": 7}
    assert found.checks == {"pass": 0, "warn": 1, "fail": 0}
    assert found.quarantined == 0


def test_a_table_that_the_store_does_not_have_is_not_named_behind_a_figure():
    answer = Measured("shop.spend", shop.channels(None, None), sources=("ad_spend",))
    assert basis.of(shop.FakeStore(), answer).tables == {}


def test_actions_are_sentences_with_money_and_hide_small_groups(found, record):
    text = words(found["contact"].html["en"])
    assert "Write to 9,033\N{NO-BREAK SPACE}customers of At risk: worth ¥1.45m a year." in text
    assert [action["worth"] for action in record["actions"]] == [1_450_000.0, 900.0]
    assert [action["count"] for action in record["actions"]] == [9033.0, None]
    assert set(record["actions"][0]["text"]) == {"en", "zh"}


def test_the_record_holds_what_the_run_and_other_chapters_need(record):
    assert record["schema"] == 1
    assert record["chapter"] == "20_demo"
    assert record["period"]["label"] == "2025-11"
    assert record["period"]["complete"] is True
    assert {fact["id"] for fact in record["facts"]} >= {"repurchase_rate", "cac_blended", "nps"}
    assert record["quality"] == {
        "pass": 1, "warn": 1, "fail": 0, "failed": [], "quarantined": 3,
    }  # fmt: skip
    assert record["provenance"]["as_of"] == "2025-11-30"
    assert [table["name"] for table in record["tables"]] == ["segments"]
    assert record["figures"]["20_demo/channels.title"] == {
        "cost": {"value": 182.4, "unit": "money"}
    }
    assert record["sheets"]["20_demo/channels"]["columns"]["n"] == [1200.0, 2200.0, 480.0, "<10"]
    assert json.loads(json.dumps(dict(record), allow_nan=False))


def test_a_run_keeps_the_record_where_other_chapters_find_it(tmp_path):
    made = shop.Report("20_demo", opened=shop.FakeStore(), compute=shop.compute, run=str(tmp_path))
    made.verdict("verdict", made.finding("repurchase_rate"), segment="lost", worth=1.0)
    output = made.record()
    assert output._repr_mimebundle_()[RECORD_MIME]["chapter"] == "20_demo"
    other = shop.Report("90_demo", opened=shop.FakeStore(), compute=shop.compute, run=str(tmp_path))
    assert list(other.records) == ["20_demo"]
    assert records.read_records(tmp_path)["20_demo"]["verdict"]["zh"]


def test_files_that_are_no_records_are_passed_over(tmp_path):
    (tmp_path / "10_bad.json").write_text("{")
    (tmp_path / "20_other.json").write_text("[1]")
    (tmp_path / "prepared.json").write_text("{}")
    assert records.read_records(tmp_path) == {}


def test_fitted_parameters_are_facts_with_their_standard_error():
    made = shop.report()
    made.parameter_facts(
        {"bg_nbd.r": Estimate(0.2426, 0.218, 0.268, 2357, 0.0126), "bg_nbd.log_likelihood": -9582.4}
    )
    facts = {fact["id"]: fact for fact in made.record().record["facts"]}
    assert facts["bg_nbd.r"]["value"] == 0.2426
    assert facts["bg_nbd.r"]["standard_error"] == 0.0126
    assert facts["bg_nbd.log_likelihood"]["low"] is None


def test_facts_of_a_measured_frame_have_a_scope_each(made):
    channels = made.measure(shop.channels).frame.rename(columns={"cost": "value"})
    answer = shop.channels and made.measure(lambda store, period: channels)
    found = made.facts("cac_paid", answer, scope="channel")
    assert found[0].id == "cac_paid@channel=feed_ads"
    assert found[0].low == 160


def test_blocks_that_say_nothing_leave_no_trace():
    nothing = blocks.Block("notice", "x", {"en": "", "zh": ""})
    some = blocks.Block("sentence", "y", {"en": "<p>a</p>", "zh": "<p>b</p>"}, ("orders",))
    joined = blocks.together([nothing, some])
    assert joined.html == some.html
    assert joined.metrics == ("orders",)


def test_the_first_language_is_the_one_that_jupyterlab_shows():
    made = shop.Report("20_demo", opened=shop.FakeStore(), compute=shop.compute, languages="zh,en")
    bundle = made.sentence("needs_rate", rate=0.5)._repr_mimebundle_()
    assert "比率为" in bundle["text/html"]


@pytest.mark.parametrize("languages", ["", "fr", "en,xx"])
def test_languages_that_there_are_not_are_refused(languages):
    with pytest.raises(ValueError, match="must be a list of"):
        opening.read_languages(languages)
