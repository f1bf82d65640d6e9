"""A folder of own orders, campaign reports and events of GA4, from files to figures."""

from datetime import date, timedelta
from pathlib import Path

import pytest

from helpers.measures import channels, traffic
from helpers.store import fingerprints
from helpers.store.ingest import recognise
from helpers.store.open import open_store, prepare
from tests.store.ingest.conftest import LINES, ORDERS
from tests.store.ingest.exports_files import (
    event,
    google_report,
    last_click,
    meta_export,
    meta_row,
    purchase,
    write_events,
)

FIRST, DAYS, BUYERS = date(2026, 3, 1), 31, 2
CLICK = last_click("Paid Search", "google", "cpc", "Brand")


@pytest.fixture(scope="module")
def shop(tmp_path_factory) -> Path:
    """Two new customers a day by search ads; a third visitor looks; spend of 30 + 10 a day."""
    made = tmp_path_factory.mktemp("exports") / "my_shop"
    made.mkdir()
    orders, lines, google = [f"{ORDERS},channel"], [LINES], []
    for number in range(DAYS):
        day = FIRST + timedelta(days=number)
        events = [event("page_view", f"{day}T03:00:00", f"v{number}", number, page="/")]
        for buyer in range(BUYERS):
            order = f"A{number}-{buyer}"
            orders.append(f"{order},c{order},{day} 12:00:00,{day} 12:00:00,search_ads")
            lines.append(f"{order},1,p1,1,100.00")
            person = f"u{order}"
            events.append(purchase(order, f"{day}T04:00:00", person=person, session=1, **CLICK))
        write_events(made / "ga4" / f"events_{day:%Y%m%d}.jsonl", *events)
        google.append((str(day), "Brand", "Search", "1,000", "20", "30.00", "2.00"))
    (made / "orders.csv").write_text("\n".join(orders) + "\n")
    (made / "order_lines.csv").write_text("\n".join(lines) + "\n")
    (made / "google.csv").write_bytes(google_report(*google, excel=True))
    meta = meta_row(str(FIRST), "Feed", "310.00", until=str(FIRST + timedelta(days=DAYS - 1)))
    (made / "meta_ads").mkdir()
    (made / "meta_ads" / "march.csv").write_bytes(meta_export(meta))
    return made


def test_orders_reports_and_events_in_one_folder_give_the_figures_of_the_month(
    shop, tmp_path
) -> None:
    prepared = prepare(shop, period="2026-03", cache=tmp_path)
    store, period = open_store(prepared), prepared.period
    assert prepared.source == "canonical"
    (cost,) = traffic.cac_blended(store, period).itertuples()
    assert (cost.value, cost.numerator, cost.denominator) == (20.0, 1240.0, 62.0)
    (conversion,) = traffic.conversion_rate(store, period).itertuples()
    assert (conversion.numerator, conversion.denominator) == (62.0, 93.0)
    found = channels.acquisition_by_channel(store, period).set_index("channel")
    assert found.loc["search_ads", "spend"] == 930.0
    assert found.loc["social_ads", "spend"] == 310.0
    assert found.loc["search_ads", "new_customers"] == 62
    assert store.has("sessions")


def test_an_added_export_is_other_data_and_the_same_files_are_not(shop) -> None:
    first = fingerprint(shop)
    assert fingerprint(shop) == first
    added = shop / "display.csv"
    added.write_bytes(google_report(("2026-03-01", "More", "Display", "10", "1", "5.00", "0.00")))
    second = fingerprint(shop)
    added.unlink()
    assert second != first


def fingerprint(data: Path) -> str:
    return fingerprints.of_files(recognise(data).files(data))
