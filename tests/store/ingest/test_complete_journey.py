"""Complete Journey: against plain pandas on the raw files, and against receipts written by hand."""

from datetime import datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from helpers.store import engine
from helpers.store.errors import BadInput
from helpers.store.ingest import recognise
from helpers.store.settings import StoreSettings
from tests.store.ingest.conftest import Read

COLUMNS = (
    "household_id,store_id,basket_id,product_id,quantity,sales_value,retail_disc,coupon_disc,"
    "coupon_match_disc,week,transaction_timestamp"
)
PRODUCTS = (
    "product_id,manufacturer_id,department,brand,product_category,product_type,package_size\n"
    "11,1,GROCERY,National,BREAD,WHITE BREAD,20 OZ\n"
    "12,1,GROCERY,National,BREAD,WHITE BREAD,22 OZ\n"
    "13,2,FUEL,National,COUPON/MISC ITEMS,GASOLINE-REG UNLEADED,NA\n"
    "14,3,MISCELLANEOUS,National,COUPON/MISC ITEMS,MASTERCARD GIFT CARD,NA\n"
    "15,3,MISCELLANEOUS,National,NA,NA,NA\n"
)
DESCRIPTIONS = (
    "campaign_id,campaign_type,start_date,end_date\n"
    "1,Type B,2017-03-03,2017-04-09\n2,Type A,2017-04-01,2017-05-09\n"
)
LOCAL = "America/New_York"


def line(basket: int, product: int, quantity: int, money: str, *, household: int = 1,
         retail: str = "0", coupon: str = "0", match: str = "0",
         moment: str = "2017-03-01 15:00:00") -> str:  # fmt: skip
    """One row of `transactions`."""
    return (
        f"{household},300,{basket},{product},{quantity},{money},{retail},{coupon},{match},9,"
        f"{moment}\n"
    )


@pytest.fixture
def receipts(tmp_path: Path):
    """A folder with these lines as its transactions, and other files by name."""

    def write(*lines: str, **files: str) -> Path:
        made = tmp_path / "journey"
        made.mkdir(exist_ok=True)
        (made / "transactions.csv").write_text(f"{COLUMNS}\n{''.join(lines)}")
        for name, content in files.items():
            (made / f"{name}.csv").write_text(content)
        return made

    return write


@pytest.fixture(scope="module")
def folder(shared_data: Path) -> Path:
    """The folder of the public data set."""
    found = shared_data / "complete_journey"
    if not found.exists():
        pytest.skip("real data: complete_journey is not beside the project")
    return found


@pytest.fixture(scope="module")
def journey(folder, tmp_path_factory) -> Read:
    """The whole data set, read once."""
    target = tmp_path_factory.mktemp("complete_journey")
    temporary = engine.fresh_temporary()
    connection = engine.connect(temporary)
    ingested = recognise(folder).read(
        folder, target, connection=connection, settings=StoreSettings()
    )
    connection.close()
    engine.remove(temporary)
    return Read(ingested, target)


def one(read: Read, table: str, what: str) -> tuple:
    """The one row of an aggregate."""
    return read.rows(table, what)[0]


def test_every_line_basket_and_household_is_there(journey) -> None:
    assert one(journey, "order_lines", "count(*)") == (1_469_307,)
    assert one(journey, "orders", "count(*), count(DISTINCT customer_id)") == (155_848, 2_469)
    assert one(journey, "customers", "count(*)") == (2_469,)
    accounts = journey.ingested.tables.values()
    assert all(account.quarantined == 0 for account in accounts)
    assert all(account.rows_unexplained == account.money_unexplained == 0 for account in accounts)


def test_the_publishers_totals_are_kept_to_the_cent(journey) -> None:
    sums = "sum(merchant_receivable), sum(merchant_discount), sum(platform_subsidy)"
    received, loyalty, coupons = one(journey, "order_lines", sums)
    assert (received, loyalty) == (Decimal("4596039.58"), Decimal("791650.64"))
    spread = next(n for n in journey.ingested.notes if n.key == "coupons_spread").values
    assert spread["coupons"] == "26359.90"
    assert coupons + Decimal(spread["left_out"]) == Decimal("26359.90")
    assert journey.ingested.tables["order_lines"].money_in == received


def test_the_bridge_leads_from_what_was_received_to_net_sales_of_goods(journey, folder) -> None:
    steps = journey.ingested.bridge
    money = {step.key: step.money for step in steps}
    assert money["raw_total"] == Decimal("4596039.58")
    assert sum(step.money for step in steps[:-1]) == steps[-1].money
    (cards,) = duckdb.sql(
        "SELECT CAST(sum(CAST(sales_value AS DECIMAL(18,2))) AS DECIMAL(18,2)) "
        f"FROM '{folder}/transactions.parquet' JOIN '{folder}/products.parquet' USING (product_id) "
        "WHERE product_type IN ('ELECTRONIC GIFT CARDS ACTIVATI', 'ELECTRONIC GIFT CARDS REFRESH', "
        "'OUTSIDE VENDORS GIFT CARDS', 'MASTERCARD GIFT CARD', 'AMERICAN EXPRESS GIFT CARD')"
    ).fetchone()
    assert money["voucher"] == -cards
    assert money["net_sales"] == Decimal("4596039.58") - cards


def test_each_basket_is_paid_for_as_pandas_has_it(journey, folder) -> None:
    raw = pd.read_parquet(folder / "transactions.parquet")
    cents = (raw[["sales_value", "coupon_disc"]] * 100).round().astype("int64")
    cents = cents.groupby(raw["basket_id"].astype(str)).sum()
    expected = (cents["sales_value"] - cents["coupon_disc"]).clip(lower=0)
    found = pd.DataFrame(
        journey.rows("order_lines", "order_id, CAST(buyer_paid * 100 AS BIGINT)"),
        columns=["order_id", "paid"],
    )
    assert (found["paid"] >= 0).all()
    paid = found.groupby("order_id")["paid"].sum()
    pd.testing.assert_series_equal(paid, expected, check_names=False)


def test_list_price_less_discounts_and_subsidy_is_what_the_buyer_paid(journey) -> None:
    wrong = one(
        journey,
        "order_lines",
        "count(*) FILTER (abs(list_price * quantity - merchant_discount - shop_coupon "
        "- platform_subsidy - buyer_paid) > 0.01 + 0.0001 * quantity), "
        "count(*) FILTER (merchant_receivable <> buyer_paid + platform_subsidy), "
        "count(*) FILTER (list_price IS NULL AND quantity > 0)",
    )
    assert wrong == (0, 0, 0)


def test_baskets_stand_on_the_day_they_were_bought_in_the_eastern_united_states(
    journey, folder
) -> None:
    raw = pd.read_parquet(folder / "transactions.parquet")
    raw = raw.drop_duplicates("basket_id")
    local = raw["transaction_timestamp"].dt.tz_localize("UTC").dt.tz_convert(LOCAL)
    expected = local.dt.tz_localize(None).dt.normalize().value_counts().sort_index()
    found = pd.Series(
        dict(
            duckdb.sql(
                f"SELECT date_trunc('day', paid_at)::TIMESTAMP, count(*) "
                f"FROM '{journey.target}/orders.parquet' GROUP BY 1 ORDER BY 1"
            ).fetchall()
        )
    )
    assert list(found.index) == list(expected.index)
    assert list(found) == list(expected)
    assert one(journey, "orders", "min(paid_at), max(paid_at)") == (
        datetime(2017, 1, 1, 6, 53, 26), datetime(2017, 12, 31, 23, 1, 20)
    )  # fmt: skip


def test_lines_that_sold_nothing_are_no_goods(journey, folder) -> None:
    raw = pd.read_parquet(folder / "transactions.parquet")
    nothing = raw[(raw["quantity"] == 0) & (raw["sales_value"].round(2) == 0)]
    found = dict(
        duckdb.sql(
            f"SELECT item_class, count(*) FROM '{journey.target}/order_lines.parquet' GROUP BY 1"
        ).fetchall()
    )
    assert found["discount"] == (nothing["coupon_disc"] > 0).sum()
    assert found["adjustment"] == (nothing["coupon_disc"] == 0).sum()
    assert found["goods"] + found["voucher"] == len(raw) - len(nothing)
    sold = one(journey, "order_lines", "count(*) FILTER (item_class = 'goods' AND quantity = 0)")
    assert sold[0] < 50


def test_campaigns_mailings_and_redemptions_are_all_there(journey, folder) -> None:
    assert one(journey, "products", "count(*), count(DISTINCT product_id)") == (92_331, 92_331)
    assert one(journey, "campaigns", "count(*), min(starts_on), max(ends_on)") == (
        27, datetime(2016, 11, 14).date(), datetime(2018, 2, 28).date()
    )  # fmt: skip
    mailed = "count(*), count(DISTINCT message_id), count(DISTINCT customer_id), count(opened_at)"
    assert one(journey, "messages", mailed) == (6_589, 6_589, 1_559, 0)
    redeemed = pd.read_parquet(folder / "coupon_redemptions.parquet")
    counts = "count(*), count(DISTINCT engagement_id), count(DISTINCT customer_id)"
    assert one(journey, "engagements", counts) == (
        2_102, 2_102, redeemed["household_id"].nunique()
    )  # fmt: skip
    ignored = {n.values["file"] for n in journey.ingested.notes if n.key == "file_unknown"}
    assert ignored == {"coupons.parquet", "demographics.parquet"}


def test_the_user_guides_examples_come_out_as_it_says(read, receipts) -> None:
    data = receipts(
        line(1, 11, 2, "2.00", retail="1.34"),
        line(1, 12, 2, "2.89", coupon="0.55", match="0.45"),
    )
    columns = ("list_price, merchant_discount, shop_coupon, platform_subsidy, buyer_paid, "
               "merchant_receivable")  # fmt: skip
    found = [[float(value) for value in row] for row in read(data).rows("order_lines", columns)]
    assert found == [
        [1.67, 1.34, 0, 0, 2.00, 2.00],
        [1.67, 0, 0.45, 0.55, 2.34, 2.89],
    ]


def test_a_coupon_without_an_article_is_spread_over_its_basket(read, receipts) -> None:
    found = read(
        receipts(
            line(1, 11, 1, "3.00"), line(1, 12, 1, "1.00"), line(1, 99, 0, "0", coupon="2.00"),
            line(2, 11, 1, "1.00"), line(2, 12, 1, "1.00"), line(2, 13, 1, "1.00"),
            line(2, 99, 0, "0", coupon="1.00"),
            line(3, 11, 1, "0.50", coupon="0.75"), line(3, 99, 0, "0", coupon="1.00"),
        )
    )  # fmt: skip
    paid = found.rows("order_lines", "order_id, product_id, item_class, buyer_paid")
    assert [(order, product, float(money)) for order, product, kind, money in paid
            if kind == "goods"] == [
        ("1", "11", 1.5), ("1", "12", 0.5),
        ("2", "11", 0.67), ("2", "12", 0.66), ("2", "13", 0.67),
        ("3", "11", 0.0),
    ]  # fmt: skip
    assert {float(money) for _, _, kind, money in paid if kind == "discount"} == {0.0}
    note = next(note for note in found.ingested.notes if note.key == "coupons_spread")
    assert note.values == {"coupons": "4.75", "own": "0.50", "spread": "3.00", "left_out": "1.25"}


def test_a_line_is_goods_when_a_piece_was_sold_or_money_came_for_it(read, receipts) -> None:
    data = receipts(
        line(1, 11, 1, "0.00", retail="1.99"), line(1, 12, 0, "0.25"), line(1, 15, 0, "0.00"),
        line(1, 13, 9876, "25.00"), line(1, 14, 1, "50.00"),
        products=PRODUCTS,
    )  # fmt: skip
    found = read(data)
    assert found.rows("order_lines", "product_id, item_class, quantity, list_price") == [
        ("11", "goods", 1, Decimal("1.9900")), ("12", "goods", 0, None),
        ("13", "goods", 1, Decimal("25.0000")), ("14", "voucher", 1, Decimal("50.0000")),
        ("15", "adjustment", 0, None),
    ]  # fmt: skip
    steps = {step.key: (step.rows, float(step.money)) for step in found.ingested.bridge}
    assert steps == {
        "raw_total": (5, 75.25), "voucher": (1, -50.0), "discount": (0, 0), "adjustment": (1, 0),
        "net_sales": (3, 25.25),
    }  # fmt: skip


def test_products_of_one_type_are_told_apart(read, receipts) -> None:
    found = read(receipts(line(1, 11, 1, "1.00"), products=PRODUCTS))
    assert found.rows("products", "product_id, name, category, line")[::2] == [
        ("11", "WHITE BREAD #11", "BREAD", None),
        ("13", "GASOLINE-REG UNLEADED #13", "COUPON/MISC ITEMS", None),
        ("15", "#15", None, None),
    ]


@pytest.mark.parametrize(
    ("utc", "local"),
    [
        ("2017-03-12 06:59:59", datetime(2017, 3, 12, 1, 59, 59)),
        ("2017-03-12 07:00:00", datetime(2017, 3, 12, 3, 0, 0)),
        ("2017-11-05T05:30:00Z", datetime(2017, 11, 5, 1, 30)),
        ("2017-11-05T06:30:00Z", datetime(2017, 11, 5, 1, 30)),
        ("2018-01-01T04:01:20Z", datetime(2017, 12, 31, 23, 1, 20)),
    ],
)
def test_times_follow_the_clocks_of_the_shop(read, receipts, utc, local) -> None:
    found = read(receipts(line(1, 11, 1, "1.00", moment=utc)))
    assert found.rows("orders", "created_at, paid_at") == [(local, local)]


def test_times_that_carry_a_zone_are_understood(read, tmp_path) -> None:
    path = tmp_path / "transactions.parquet"
    zoned = "2017-07-01 12:00:00+02:00"
    csv = tmp_path / "lines.csv"
    csv.write_text(f"{COLUMNS}\n{line(1, 11, 1, '1.00', moment=zoned)}")
    with duckdb.connect() as connection:
        connection.execute(
            "COPY (SELECT * REPLACE (CAST(transaction_timestamp AS TIMESTAMPTZ) "
            f"AS transaction_timestamp) FROM read_csv('{csv}', types = "
            f"{{'transaction_timestamp': 'VARCHAR'}})) TO '{path}' (FORMAT parquet)"
        )
    assert read(path).rows("orders", "paid_at") == [(datetime(2017, 7, 1, 6, 0),)]


def test_a_household_redeems_several_coupons_on_a_day(read, receipts) -> None:
    found = read(
        receipts(
            line(1, 11, 1, "1.00"),
            campaign_descriptions=DESCRIPTIONS,
            coupon_redemptions="household_id,coupon_upc,campaign_id,redemption_date\n"
            "1,5001,1,2017-03-05\n1,5002,1,2017-03-05\n1,5001,2,2017-03-05\n",
        )
    )
    rows = found.rows("engagements", "engagement_id, customer_id, kind, occurred_at, campaign_id")
    assert len({row[0] for row in rows}) == 3
    assert {row[1:4] for row in rows} == {("1", "coupon_redeemed", datetime(2017, 3, 5))}
    assert sorted(row[4] for row in rows) == ["1", "1", "2"]


def test_a_household_or_campaign_that_is_not_known_goes_to_quarantine(read, receipts) -> None:
    found = read(
        receipts(
            line(1, 11, 1, "1.00"),
            campaign_descriptions=DESCRIPTIONS,
            campaigns="campaign_id,household_id\n1,1\n1,7\n9,1\n1,\n",
            coupon_redemptions="household_id,coupon_upc,campaign_id,redemption_date\n"
            "7,5001,1,2017-03-05\n1,5001,9,2017-03-05\n1,5001,1,5 March\n1,5001,1,2017-03-06\n",
        )
    )
    assert found.rows("messages", "message_id, customer_id, campaign_id, medium, sent_at") == [
        ("1-1", "1", "1", "mail", datetime(2017, 3, 3))
    ]
    assert found.quarantine("messages") == [
        ("campaigns.csv", 3, "household_id stands in no accepted row of transactions"),
        ("campaigns.csv", 4, "campaign_id stands in no accepted row of campaign_descriptions"),
        ("campaigns.csv", 5, "household_id is empty"),
    ]
    assert [reason for _, _, reason in found.quarantine("engagements")] == [
        "household_id stands in no accepted row of transactions",
        "campaign_id stands in no accepted row of campaign_descriptions",
        "redemption_date is no date YYYY-MM-DD",
    ]
    account = found.ingested.tables["messages"]
    assert (account.rows_in, account.accepted, account.rows_unexplained) == (4, 1, 0)


def test_a_bad_row_goes_to_quarantine_and_its_money_is_accounted_for(read, receipts) -> None:
    found = read(
        receipts(
            line(1, 11, 1, "1.00"),
            line(2, 11, 1, "2.00", moment="2017-13-01 10:00:00"),
            line(3, 11, 1, "4.00", moment=""),
            line(4, 11, -1, "8.00"),
            line(5, 11, 1, "16.00", retail="-0.50"),
            line(6, 11, 1, "32.00"), line(6, 12, 1, "64.00", household=2),
            line(7, 11, 1, "128.00"), line(7, 11, 1, "128.00"),
        )
    )  # fmt: skip
    assert found.quarantine("order_lines") == [
        ("transactions.csv", 3, "transaction_timestamp is no time YYYY-MM-DD HH:MM:SS"),
        ("transactions.csv", 4, "transaction_timestamp is empty"),
        ("transactions.csv", 5, "quantity is below 0"),
        ("transactions.csv", 6, "retail_disc is below 0"),
        ("transactions.csv", 7, "basket_id stands on rows of several households or times"),
        ("transactions.csv", 8, "basket_id stands on rows of several households or times"),
        ("transactions.csv", 10, "repeats an earlier row in full"),
    ]
    assert found.rows("orders", "order_id") == [("1",), ("7",)]
    steps = {step.key: float(step.money) for step in found.ingested.bridge}
    assert (steps["raw_total"], steps["quarantined"], steps["net_sales"]) == (383, -254, 129)
    assert found.ingested.tables["order_lines"].money_unexplained == 0


@pytest.mark.parametrize("column", ["coupon_match_disc", "transaction_timestamp", "sales_value"])
def test_a_missing_column_is_named(read, tmp_path, column) -> None:
    rows = pd.DataFrame([line(1, 11, 1, "1.00").strip().split(",")], columns=COLUMNS.split(","))
    rows.drop(columns=column).to_csv(tmp_path / "transactions.csv", index=False)
    with pytest.raises(BadInput, match=rf"transactions\.csv: column '{column}' is missing"):
        read(tmp_path)


def test_the_same_rows_in_two_files_are_refused(read, receipts) -> None:
    data = receipts(line(1, 11, 1, "1.00"))
    pd.read_csv(data / "transactions.csv").to_parquet(data / "transactions.parquet")
    with pytest.raises(BadInput, match=r"transactions\.parquet and transactions\.csv"):
        read(data)


def test_mailings_without_days_are_said_to_be_unused(read, receipts) -> None:
    found = read(receipts(line(1, 11, 1, "1.00"), campaigns="campaign_id,household_id\n1,1\n"))
    assert "messages" not in found.ingested.tables
    assert [note.key for note in found.ingested.notes if "campaigns" in note.key] == [
        "campaigns_undated"
    ]


def test_receipts_alone_will_do_and_their_order_does_not_matter(read, receipts) -> None:
    rows = [line(1, 11, 1, "1.00"), line(1, 12, 1, "2.00", coupon="2.50"), line(2, 11, 1, "3.00")]
    first = read(receipts(*rows) / "transactions.csv")
    again = read(receipts(*rows[::-1]))
    assert set(first.ingested.tables) == {"orders", "order_lines", "customers"}
    for table in first.ingested.tables:
        assert first.rows(table) == again.rows(table)
