"""Reports of Google Ads and Meta Ads beside a shop's own tables."""

import json
import random
from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.store.errors import BadInput
from helpers.store.ingest import meta_ads, recognise
from tests.store.ingest.exports_files import (
    GOOGLE,
    META,
    PURCHASES,
    google_report,
    meta_export,
    meta_row,
)

SPEND = "day::VARCHAR, channel, campaign, spend"
BRAND = ("2026-03-01", "Brand", "Search", "1,234", "56", "1,050.25", "3.50")
TOTAL = ("Total: Campaigns", " --", " --", "1,234", "56", "1,050.25", "3.50")


@pytest.fixture
def shop(folder):
    """The folder of two orders; files of exports by their place in it."""

    def write(**files):
        made = folder(**{k: v for k, v in files.items() if "/" not in k})
        for name, content in files.items():
            if "/" in name:
                (made / name).parent.mkdir(exist_ok=True)
                (made / name).write_bytes(content)
        return made

    return write


def notes(found, key):
    return [note.values for note in found.ingested.notes if note.key == key]


def account(found):
    one = found.ingested.tables["ad_spend"]
    assert (one.rows_unexplained, one.money_unexplained) == (0, 0)
    kept = sum((row[0] for row in found.rows("ad_spend", "spend")), Decimal(0))
    assert (len(found.rows("ad_spend")), kept) == (one.accepted, one.money_out)
    return one


# Google Ads


@pytest.mark.parametrize("excel", [False, True])
def test_a_google_report_is_read_as_csv_and_as_written_for_excel(read, shop, excel) -> None:
    report = google_report(
        BRAND, ("2026-03-02", "Brand", "Search", " --", "0", "7", " --"), excel=excel
    )
    found = read(shop(**{"report.csv": report}))
    columns = (
        "day::VARCHAR, channel, campaign, kind, spend, impressions, clicks, attributed_conversions"
    )
    assert found.rows("ad_spend", columns) == [
        ("2026-03-01", "search_ads", "Brand", "ads", Decimal("1050.25"), 1234, 56, 3.5),
        ("2026-03-02", "search_ads", "Brand", "ads", Decimal("7.00"), None, 0, None),
    ]
    assert account(found).accepted == 2
    assert notes(found, "export_currency_assumed") == [{"files": "report.csv", "currency": "CNY"}]
    assert not notes(found, "file_unknown")


@pytest.mark.parametrize(
    ("kind", "channel"),
    [
        ("Search", "search_ads"),
        ("Shopping", "shopping_ads"),
        ("Display", "display_ads"),
        ("Video", "video_ads"),
        ("Performance Max", "cross_network_ads"),
        ("Demand Gen", "cross_network_ads"),
        ("Hotel", "other_ads"),
        (" --", "other_ads"),
    ],
)
def test_the_type_of_a_google_campaign_says_its_channel(read, shop, kind, channel) -> None:
    report = google_report(("2026-03-01", "A", kind, "1", "1", "1.00", "0.00"))
    found = read(shop(**{"google_ads/report.csv": report}))
    assert found.rows("ad_spend", "channel") == [(channel,)]


def test_totals_of_google_are_counted_and_no_spend(read, shop) -> None:
    account_total = ("Total: Account", " --", " --", "2,000", "60", "2,000.00", "4.00")
    found = read(shop(**{"report.csv": google_report(BRAND, totals=(TOTAL, account_total))}))
    one = account(found)
    assert (one.rows_in, one.accepted, one.classed["total"].rows) == (3, 1, 2)
    assert one.classed["total"].money == Decimal("3050.25")
    assert not notes(found, "export_total_differs")


def test_a_google_total_that_is_not_the_sum_of_the_rows_is_told(read, shop) -> None:
    total = (*TOTAL[:5], "1,060.25", "3.50")
    found = read(shop(**{"report.csv": google_report(BRAND, totals=(total,))}))
    assert notes(found, "export_total_differs") == [
        {"file": "report.csv", "rows": "1050.25", "total": "1060.25"}
    ]


def test_a_google_report_that_is_not_by_day_is_refused(read, shop) -> None:
    names = ("Month", *GOOGLE[1:])
    report = google_report(("2026-03-01", *BRAND[1:]), names=names)
    with pytest.raises(BadInput, match=r"report\.csv: has no column Day .* segment Time > Day"):
        read(shop(**{"report.csv": report}))


def test_a_google_report_in_another_currency_is_refused(read, shop) -> None:
    report = google_report((*BRAND, "EUR"), names=(*GOOGLE, "Currency code"))
    with pytest.raises(BadInput, match=r"is in EUR, and the store's currency is CNY"):
        read(shop(**{"report.csv": report}))


def test_rows_that_break_a_rule_are_set_aside_with_their_line(read, shop) -> None:
    report = google_report(
        BRAND,
        ("03/02/2026", "Brand", "Search", "1", "1", "5.00", "0"),
        ("2026-03-03", "Brand", "Search", "1", "1", "€5", "0"),
        ("2026-03-04", "Brand", "Search"),
    )
    found = read(shop(**{"google_ads/report.csv": report}))
    assert found.quarantine("ad_spend") == [
        ("google_ads/report.csv", 5, "day is no date YYYY-MM-DD"),
        ("google_ads/report.csv", 6, "cost is no amount such as 1234.50"),
        ("google_ads/report.csv", 7, "has another number of fields than the header"),
    ]
    assert account(found).quarantined == 3


# Meta Ads


@pytest.mark.parametrize("mark", [False, True])
def test_a_meta_export_is_read_with_and_without_byte_order_mark(read, shop, mark) -> None:
    rows = [
        meta_row("2026-03-01", "Feed", "120.50", impressions="9000", reach="4000",
                 link_clicks="90", results="3", result_indicator=PURCHASES),
        meta_row("2026-03-01", "Fans", "8.00", results="40", result_indicator="actions:like"),
        meta_row("2026-03-01", "", "128.50", reach="4100"),
    ]  # fmt: skip
    found = read(shop(**{"meta.csv": meta_export(*rows, mark=mark)}))
    columns = "channel, campaign, spend, impressions, reach, clicks, attributed_conversions"
    assert found.rows("ad_spend", columns) == [
        ("social_ads", "Fans", Decimal("8.00"), None, None, None, None),
        ("social_ads", "Feed", Decimal("120.50"), 9000, 4000, 90, 3.0),
    ]
    one = account(found)
    assert (one.rows_in, one.classed["total"].money) == (3, Decimal("128.50"))
    assert not notes(found, "export_total_differs")


def test_a_meta_export_in_another_currency_is_refused(read, shop) -> None:
    export = meta_export(meta_row("2026-03-01", "Feed", "1.00"), currency="EGP")
    with pytest.raises(BadInput, match=r"'Amount spent \(EGP\)' is in EGP.* is CNY; .*store\.toml"):
        read(shop(**{"meta.csv": export}))
    toml = b'currency = "EGP"\n'
    assert account(read(shop(**{"meta.csv": export, "store.toml": toml}))).accepted == 1


def test_an_export_by_day_has_a_total_for_every_campaign(read, shop) -> None:
    rows = [
        {**meta_row("2026-03-01", "Feed", "30.00", until="2026-03-02"), "Day": ""},
        {**meta_row("2026-03-01", "Feed", "10.00"), "Day": "2026-03-01"},
        {**meta_row("2026-03-02", "Feed", "20.00"), "Day": "2026-03-02"},
    ]
    found = read(shop(**{"meta.csv": meta_export(*rows, extra=("Day",))}))
    assert [row[3] for row in found.rows("ad_spend", SPEND)] == [Decimal(10), Decimal(20)]
    assert account(found).classed["total"].rows == 1


def test_a_row_of_a_week_is_spread_over_its_days_to_the_cent(read, shop) -> None:
    row = meta_row("2026-03-02", "Feed", "100.00", until="2026-03-08", reach="500",
                   link_clicks="15", results="7", result_indicator=PURCHASES)  # fmt: skip
    found = read(shop(**{"meta.csv": meta_export(row)}))
    rows = found.rows("ad_spend", "day::VARCHAR, spend, clicks, reach, attributed_conversions")
    assert [row[0] for row in rows] == [f"2026-03-{day:02d}" for day in range(2, 9)]
    assert [row[1] for row in rows] == [Decimal("14.29")] * 4 + [Decimal("14.28")] * 3
    assert sum(row[1] for row in rows) == Decimal("100.00")
    assert [row[2] for row in rows] == [3, 2, 2, 2, 2, 2, 2]
    assert {row[3:] for row in rows} == {(None, 1.0)}
    assert notes(found, "export_spread") == [
        {"files": "meta.csv", "rows": "1", "days": "7", "money": "100.00"}
    ]
    assert account(found).accepted == 7


def test_a_row_of_a_quarter_is_refused_and_one_that_runs_backward_set_aside(read, shop) -> None:
    long = meta_export(meta_row("2026-01-01", "Feed", "1.00", until="2026-03-31"))
    with pytest.raises(BadInput, match=r"line 2 reports 90 days .* breakdown by day"):
        read(shop(**{"meta.csv": long}))
    backward = meta_export(
        meta_row("2026-03-02", "Feed", "1.00", until="2026-03-01"), meta_row("2026-03-02", "B", "1")
    )
    found = read(shop(**{"meta.csv": backward}))
    assert found.quarantine("ad_spend") == [
        ("meta.csv", 2, "reporting_ends is before reporting_starts")
    ]
    assert account(found).accepted == 1


# Several exports


def test_the_exports_and_the_shops_own_spend_become_one_table(read, shop) -> None:
    own = "day,channel,campaign,spend\n2026-03-01,content,KOL,50.00\n2026-03-01,content,KOC,x\n"
    google = google_report(BRAND, ("bad", *BRAND[1:]))
    meta = meta_export(meta_row("2026-03-01", "Feed", "1.00"))
    found = read(shop(**{"ad_spend": own, "google_ads/a.csv": google, "meta_ads/b.csv": meta}))
    assert found.rows("ad_spend", SPEND) == [
        ("2026-03-01", "content", "KOL", Decimal("50.00")),
        ("2026-03-01", "search_ads", "Brand", Decimal("1050.25")),
        ("2026-03-01", "social_ads", "Feed", Decimal("1.00")),
    ]
    assert [row[0] for row in found.quarantine("ad_spend")] == ["ad_spend.csv", "google_ads/a.csv"]
    one = account(found)
    assert one.files == ("ad_spend.csv", "google_ads/a.csv", "meta_ads/b.csv")
    assert (one.rows_in, one.quarantined) == (5, 2)
    assert "attributed_conversions" not in one.absent_columns
    assert "engagements" in one.absent_columns


def test_overlapping_exports_count_a_campaigns_day_once(read, shop) -> None:
    second = ("2026-03-02", *BRAND[1:])
    files = {
        "google_ads/a.csv": google_report(BRAND, BRAND, second),
        "google_ads/b.csv": google_report(second, ("2026-03-03", *BRAND[1:])),
    }
    found = read(shop(**files))
    assert [row[0] for row in found.rows("ad_spend", SPEND)] == [
        "2026-03-01", "2026-03-02", "2026-03-03",
    ]  # fmt: skip
    one = account(found)
    assert (one.delivered_twice, one.money_delivered_twice) == (2, Decimal("2100.50"))


def test_the_report_that_reaches_further_corrects_the_last_day_of_the_one_before(
    read, shop
) -> None:
    early = google_report(BRAND, ("2026-03-02", *BRAND[1:5], "3.00", "0"))
    late = google_report(
        ("2026-03-02", *BRAND[1:5], "9.00", "1"), ("2026-03-03", *BRAND[1:5], "5.00", "0")
    )
    found = read(shop(**{"google_ads/z_early.csv": early, "google_ads/a_late.csv": late}))
    spent = {row[0]: row[3] for row in found.rows("ad_spend", SPEND)}
    assert spent["2026-03-02"] == Decimal("9.00")
    assert notes(found, "export_restated") == [{"rows": "1", "before": "3.00", "after": "9.00"}]
    assert account(found).delivered_twice == 1


def test_two_reports_to_the_same_day_that_differ_on_money_are_refused(read, shop) -> None:
    files = {
        "google_ads/a.csv": google_report(BRAND),
        "google_ads/b.csv": google_report((*BRAND[:5], "9.00", "0")),
    }
    with pytest.raises(BadInput, match=r"differ on campaign 'Brand' of 2026-03-01.*keep the right"):
        read(shop(**files))


def test_parts_of_a_campaign_in_one_report_are_added_up(read, shop) -> None:
    rows = [
        {**meta_row("2026-03-01", "Feed", spent, reach="10"), "Ad set name": name}
        for name, spent in (("north", "10.00"), ("south", "10.00"))
    ]
    found = read(shop(**{"meta.csv": meta_export(*rows, extra=("Ad set name",))}))
    assert found.rows("ad_spend", "spend, reach") == [(Decimal("20.00"), None)]
    assert account(found).classed["added_up"].rows == 1


def test_a_campaign_that_the_shop_lists_itself_counts_once_or_is_refused(read, shop) -> None:
    own = "day,channel,campaign,spend\n2026-03-01,search_ads,Brand,{}\n"
    report = {"report.csv": google_report(BRAND)}
    found = read(shop(ad_spend=own.format("1050.25"), **report))
    assert (account(found).accepted, account(found).delivered_twice) == (1, 1)
    with pytest.raises(BadInput, match=r"line 4: campaign 'Brand' cost 1050\.25 .*and 50\.00 in"):
        read(shop(ad_spend=own.format("50.00"), **report))


def test_the_same_campaign_and_money_under_another_channel_is_told(read, shop) -> None:
    own = "day,channel,campaign,spend\n2026-03-01,google,Brand,1050.25\n"
    found = read(shop(**{"ad_spend": own, "report.csv": google_report(BRAND)}))
    assert notes(found, "export_perhaps_twice") == [{"rows": "1", "money": "1050.25"}]


def test_exports_belong_to_the_only_shop_of_the_orders(read, shop) -> None:
    header = "shop_id,order_id,customer_id,created_at,paid_at\n"
    lines = "shop_id,order_id,line_id,product_id,quantity,buyer_paid\n"
    one = "{},A1,c1,2026-03-01 10:00:00,2026-03-01 10:05:00\n"
    line = "{},A1,1,p1,1,5.00\n"
    report = {"report.csv": google_report(BRAND)}
    single = shop(orders=header + one.format("tmall"), order_lines=lines + line.format("tmall"),
                  **report)  # fmt: skip
    assert read(single).rows("ad_spend", "shop_id") == [("tmall",)]
    both = shop(orders=header + one.format("tmall") + one.format("jd"),
                order_lines=lines + line.format("tmall") + line.format("jd"), **report)  # fmt: skip
    found = read(both)
    assert found.rows("ad_spend", "shop_id") == [("main",)]
    assert notes(found, "export_shop") == [{"shops": "2", "shop": "main"}]


def test_a_file_in_an_exports_folder_that_is_none_is_refused(shop) -> None:
    made = shop(**{"meta_ads/german.csv": b"Kampagne;Ausgegeben\nA;1\n"})
    with pytest.raises(BadInput, match=r"meta_ads/german\.csv: is no report of meta_ads"):
        recognise(made)


def test_a_new_export_changes_the_files_that_the_tables_depend_on(shop) -> None:
    made = shop()
    before = recognise(made).files(made)
    made = shop(**{"google_ads/report.csv": google_report(BRAND)})
    source = recognise(made)
    assert source.name == "canonical"
    assert set(source.files(made)) - set(before) == {made / "google_ads" / "report.csv"}


def test_a_report_is_read_beside_a_public_data_set_too(read, tmp_path) -> None:
    lines = "customer_id,date,number_of_cds,dollar_value\n1,1997-03-01,2,29.33\n"
    (tmp_path / "CDNOW_sample.csv").write_text(lines)
    (tmp_path / "report.csv").write_bytes(google_report(("1997-03-01", *BRAND[1:])))
    assert recognise(tmp_path).name == "cdnow"
    found = read(tmp_path)
    assert account(found).accepted == 1
    assert [note.values["currency"] for note in found.ingested.notes] == ["USD"]


def test_reports_without_orders_are_no_source(tmp_path) -> None:
    (tmp_path / "report.csv").write_bytes(google_report(BRAND))
    with pytest.raises(BadInput, match="no known source"):
        recognise(tmp_path)


def test_no_cent_is_lost_whatever_spans_are_spread(read, shop) -> None:
    chance = random.Random(8)
    expected: dict[str, Decimal] = defaultdict(Decimal)
    written = []
    for number in range(150):
        start = date(2026, 1, 1) + timedelta(days=chance.randrange(300))
        until = start + timedelta(days=chance.randrange(31))
        spent = Decimal(chance.randrange(10**9)) / 100
        campaign = f"C{number % 5}"
        written.append(meta_row(str(start), campaign, f"{spent:,.2f}", until=str(until)))
        expected[campaign] += spent
    found = read(shop(**{"meta.csv": meta_export(*written)}))
    account(found)
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for campaign, spent in found.rows("ad_spend", "campaign, spend"):
        sums[campaign] += spent
    assert sums == expected


@given(whole=st.integers(0, 10**12), days=st.integers(1, 31))
@settings(max_examples=40, deadline=None)
def test_a_whole_number_is_spread_evenly(whole, days) -> None:
    part = meta_ads.share("whole")
    parts = [
        row[0] for row in duckdb.execute(
            f"SELECT {part} FROM (SELECT ?::BIGINT AS whole, ?::BIGINT AS days, "
            "unnest(range(?)) AS n)", [whole, days, days],
        ).fetchall()
    ]  # fmt: skip
    assert sum(parts) == whole
    assert len(parts) == days
    assert max(parts) - min(parts) <= 1


def test_the_headers_are_those_that_were_published(shared_data) -> None:
    path = shared_data / "export_formats" / "export_headers.json"
    if not path.exists():
        pytest.skip("the published headers are not beside the project")
    published = json.loads(path.read_text())
    meta = [name.replace("(EGP)", "(CNY)") for name in
            published["meta_ads_campaign_export"]["columns"]]  # fmt: skip
    assert list(META) == meta
    assert list(GOOGLE) == published["google_ads_campaign_report"]["columns"]
