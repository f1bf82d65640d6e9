"""The MineThatData e-mail test: against its known figures, and against files written by hand."""

from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from helpers.plan.periods import last_complete_month
from helpers.store import engine
from helpers.store.errors import BadInput
from helpers.store.ingest import recognise
from helpers.store.settings import StoreSettings
from tests.store.ingest.conftest import Read

HEADER = (
    "recency,history_segment,history,mens,womens,zip_code,newbie,channel,segment,visit,conversion,"
    "spend"
)
NONE = '10,"6) $750 - $1,000",142.44,1,0,Surburban,0,Phone,No E-Mail,0,0,0\n'
MENS = "6,3) $200 - $350,329.08,1,1,Rural,1,Web,Mens E-Mail,1,1,49.95\n"
WOMENS = "2,1) $0 - $100,45.34,0,1,Urban,0,Web,Womens E-Mail,1,0,0\n"
ARMS = ("No E-Mail", "Mens E-Mail", "Womens E-Mail")


@pytest.fixture
def challenge(tmp_path: Path):
    """The publisher's file with these rows."""

    def write(*rows: str, header: str = HEADER) -> Path:
        name = "Kevin_Hillstrom_MineThatData_E-MailAnalytics_DataMiningChallenge_2008.03.20.csv"
        path = tmp_path / name
        path.write_text(f"{header}\r\n{''.join(rows)}")
        return path

    return write


@pytest.fixture(scope="module")
def folder(shared_data: Path) -> Path:
    """The folder of the public data set."""
    found = shared_data / "hillstrom"
    if not found.exists():
        pytest.skip("real data: hillstrom is not beside the project")
    return found


@pytest.fixture(scope="module")
def whole(folder, tmp_path_factory) -> Read:
    """The whole data set, read once."""
    target = tmp_path_factory.mktemp("hillstrom")
    temporary = engine.fresh_temporary()
    connection = engine.connect(temporary)
    ingested = recognise(folder).read(
        folder, target, connection=connection, settings=StoreSettings()
    )
    connection.close()
    engine.remove(temporary)
    return Read(ingested, target)


def test_the_arms_show_the_known_visits_conversions_and_spend(whole) -> None:
    found = duckdb.sql(f"""
        SELECT variant, round(100 * sum(value) FILTER (outcome = 'visit') / any_value(n), 3),
            round(100 * sum(value) FILTER (outcome = 'conversion') / any_value(n), 3),
            round(sum(value) FILTER (outcome = 'spend') / any_value(n), 3)
        FROM '{whole.target}/experiment_outcomes.parquet'
        JOIN '{whole.target}/experiment_units.parquet' USING (experiment_id, customer_id)
        JOIN (SELECT variant, count(*) AS n FROM '{whole.target}/experiment_units.parquet'
              GROUP BY 1) USING (variant)
        GROUP BY 1""").fetchall()
    assert {variant: figures for variant, *figures in found} == {
        "No E-Mail": [10.617, 0.573, 0.653],
        "Mens E-Mail": [18.276, 1.253, 1.423],
        "Womens E-Mail": [15.140, 0.884, 1.077],
    }


def test_each_customer_is_one_unit_with_eight_features(whole, folder) -> None:
    raw = pd.read_parquet(folder / "hillstrom.parquet")
    counts = "count(*), count(DISTINCT customer_id)"
    assert whole.rows("experiment_units", counts) == [(64_000, 64_000)]
    features = dict(
        duckdb.sql(
            "SELECT feature, [count(*), count(value), count(label), count(DISTINCT customer_id)] "
            f"FROM '{whole.target}/experiment_features.parquet' GROUP BY 1"
        ).fetchall()
    )
    labels = ("history_segment", "zip_code", "channel")
    numbers = ("recency", "history", "mens", "womens", "newbie")
    assert features == {
        **{name: [64_000, 64_000, 0, 64_000] for name in numbers},
        **{name: [64_000, 0, 64_000, 64_000] for name in labels},
    }
    sums = dict(
        duckdb.sql(
            f"SELECT feature, sum(value) FROM '{whole.target}/experiment_features.parquet' "
            "WHERE label IS NULL GROUP BY 1"
        ).fetchall()
    )
    assert sums == {name: pytest.approx(raw[name].sum()) for name in numbers}


def test_features_outcomes_and_arm_of_a_row_stay_together(whole, folder) -> None:
    raw = pd.read_parquet(folder / "hillstrom.parquet")
    expected = raw.groupby(["segment", "channel", "newbie"])["spend"].sum().round(2)
    found = duckdb.sql(f"""
        SELECT variant, channel.label, CAST(newbie.value AS BIGINT), round(sum(spend.value), 2)
        FROM '{whole.target}/experiment_units.parquet' unit
        JOIN '{whole.target}/experiment_features.parquet' channel USING (customer_id)
        JOIN '{whole.target}/experiment_features.parquet' newbie USING (customer_id)
        JOIN '{whole.target}/experiment_outcomes.parquet' spend USING (customer_id)
        WHERE channel.feature = 'channel' AND newbie.feature = 'newbie' AND outcome = 'spend'
        GROUP BY ALL""").fetchall()
    assert {tuple(key): money for *key, money in found} == expected.to_dict()


def test_who_spent_has_one_order_and_nobody_else(whole, folder) -> None:
    raw = pd.read_parquet(folder / "hillstrom.parquet")
    assert whole.rows("orders", "count(*), count(DISTINCT customer_id)") == [
        ((raw["spend"] > 0).sum(),) * 2
    ]
    spent = Decimal(str(round(raw["spend"].sum(), 2)))
    assert whole.rows("order_lines", "sum(buyer_paid)") == [(spent,)]
    assert [step.money for step in whole.ingested.bridge] == [spent, spent]
    assert all(account.rows_unexplained == 0 for account in whole.ingested.tables.values())


def test_the_last_complete_month_holds_the_whole_test(whole) -> None:
    ((first, last),) = whole.rows("orders", "min(paid_at)::DATE, max(paid_at)::DATE")
    month = last_complete_month(last)
    assert (month.start, month.end) == (date(2008, 2, 1), date(2008, 2, 29))
    assert first == last == month.end
    ((starts, days),) = whole.rows("experiments", "starts_at, window_days")
    assert month.contains(starts.date())
    assert (last - starts.date()).days == days == 14


def test_a_small_file_is_mapped_by_hand(read, challenge) -> None:
    found = read(challenge(NONE, MENS, WOMENS))
    assigned, counted = datetime(2008, 2, 15), datetime(2008, 2, 29)
    assert found.rows("experiments", "control, starts_at, window_days, contact_cost") == [
        ("No E-Mail", assigned, 14, None)
    ]
    assert found.rows("experiment_units", "customer_id, variant, assigned_at") == [
        (str(number), arm, assigned) for number, arm in enumerate(ARMS, 1)
    ]
    assert found.rows("experiment_outcomes", "customer_id, outcome, value, observed_at") == [
        ("2", "conversion", 1.0, counted), ("2", "spend", 49.95, counted),
        ("2", "visit", 1.0, counted), ("3", "visit", 1.0, counted),
    ]  # fmt: skip
    first = found.rows("experiment_features", "customer_id, feature, value, label")
    assert {row[1:] for row in first if row[0] == "1"} == {
        ("recency", 10.0, None), ("history", 142.44, None), ("mens", 1.0, None),
        ("womens", 0.0, None), ("newbie", 0.0, None), ("zip_code", None, "Surburban"),
        ("channel", None, "Phone"), ("history_segment", None, "6) $750 - $1,000"),
    }  # fmt: skip
    assert found.rows("orders", "customer_id, paid_at") == [("2", counted)]
    assert [note.key for note in found.ingested.notes] == ["nominal_days"]


def test_text_and_parquet_number_the_same_customers(read, challenge, tmp_path) -> None:
    path = challenge(NONE, MENS, WOMENS)
    other = tmp_path / "other"
    other.mkdir()
    pd.read_csv(path).to_parquet(other / "hillstrom.parquet", index=False)
    text, parquet = read(path), read(other)
    for table in text.ingested.tables:
        assert text.rows(table) == parquet.rows(table)


def test_a_row_that_breaks_a_rule_goes_to_quarantine(read, challenge) -> None:
    path = challenge(
        NONE,
        MENS,
        MENS.replace(",1,1,49.95", ",1,0,49.95"),
        WOMENS.replace(",1,0,0\n", ",2,0,0\n"),
        NONE.replace("No E-Mail", ""),
        MENS.replace("49.95", "many"),
        WOMENS,
    )
    found = read(path)
    assert found.quarantine("experiment_units") == [
        (path.name, 4, "spend is above 0 without a conversion"),
        (path.name, 5, "visit is neither 0 nor 1"),
        (path.name, 6, "segment is empty"),
        (path.name, 7, "spend is no amount such as 1234.50"),
    ]
    assert found.rows("experiment_units", "customer_id") == [("1",), ("2",), ("7",)]
    units, lines = (found.ingested.tables[name] for name in ("experiment_units", "order_lines"))
    assert (units.rows_in, units.accepted, units.quarantined) == (7, 3, 4)
    assert units.rows_unexplained == lines.rows_unexplained == 0
    assert [float(step.money) for step in found.ingested.bridge] == [99.90, -49.95, 49.95]


def test_a_file_without_the_control_is_refused(read, challenge) -> None:
    with pytest.raises(
        BadInput, match="names Mens E-Mail, Womens E-Mail; a test needs 'No E-Mail'"
    ):
        read(challenge(MENS, WOMENS))


@pytest.mark.parametrize("column", ["channel", "conversion", "segment"])
def test_a_missing_column_is_named(read, challenge, column) -> None:
    rows = pd.read_csv(challenge(NONE, MENS)).drop(columns=column)
    path = challenge()
    rows.to_csv(path, index=False)
    with pytest.raises(BadInput, match=f"column '{column}' is missing"):
        read(path)


def test_the_test_in_two_files_is_refused(read, challenge) -> None:
    path = challenge(NONE, MENS)
    pd.read_csv(path).to_parquet(path.parent / "hillstrom.parquet")
    with pytest.raises(BadInput, match="the test is there twice"):
        read(path.parent)
