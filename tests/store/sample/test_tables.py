"""Keys, references and rules that hold in every table."""

import pytest

from helpers.store.schema import TABLES

REFERENCES = [
    ("orders", "customer_id", "customers"),
    ("order_lines", "order_id", "orders"),
    ("order_lines", "product_id", "products"),
    ("payments", "order_id", "orders"),
    ("returns", "order_id", "orders"),
    ("returns", "product_id", "products"),
    ("returns", "customer_id", "customers"),
    ("settlements", "order_id", "orders"),
    ("shipments", "order_id", "orders"),
    ("shipments", "warehouse_id", "warehouses"),
    ("surveys", "customer_id", "customers"),
    ("products", "supplier_id", "suppliers"),
    ("price_history", "product_id", "products"),
    ("purchase_orders", "supplier_id", "suppliers"),
    ("purchase_orders", "product_id", "products"),
    ("purchase_orders", "warehouse_id", "warehouses"),
    ("stock_levels", "product_id", "products"),
    ("stock_levels", "warehouse_id", "warehouses"),
    ("messages", "customer_id", "customers"),
    ("messages", "campaign_id", "campaigns"),
    ("engagements", "customer_id", "customers"),
    ("engagements", "campaign_id", "campaigns"),
    ("members", "customer_id", "customers"),
    ("experiment_units", "customer_id", "customers"),
    ("experiment_units", "experiment_id", "experiments"),
    ("experiment_features", "customer_id", "experiment_units"),
    ("experiment_outcomes", "customer_id", "experiment_units"),
]


@pytest.mark.parametrize("name", TABLES)
def test_keys_are_unique_and_filled(full, name):
    key = ", ".join(TABLES[name].key)
    rows, keys = full.rows(f"SELECT count(*), count(DISTINCT ({key})) FROM {name}")[0]
    assert rows == keys
    for column in TABLES[name].key:
        assert full.value(f"SELECT count(*) FROM {name} WHERE {column} IS NULL") == 0


@pytest.mark.parametrize(("table", "column", "target"), REFERENCES)
def test_every_reference_has_its_row(full, table, column, target):
    missing = (
        f"SELECT count(*) FROM (FROM {table} WHERE {column} IS NOT NULL) ANTI JOIN {target}"
        f" USING ({column})"
    )
    assert full.value(missing) == 0


@pytest.mark.parametrize("name", TABLES)
def test_values_keep_the_rules_of_the_schema(full, name):
    for column in TABLES[name].columns:
        if not column.nullable:
            assert full.value(f"SELECT count(*) FROM {name} WHERE {column.name} IS NULL") == 0
        if column.minimum is not None:
            low = f"SELECT count(*) FROM {name} WHERE {column.name} < {column.minimum}"
            assert full.value(low) == 0, column.name
        if column.values:
            found = {row[0] for row in full.rows(f"SELECT DISTINCT {column.name} FROM {name}")}
            assert found <= set(column.values) | {None}


def test_every_refund_belongs_to_a_line_and_never_exceeds_it(full):
    query = (
        "SELECT count(*) FROM returns r LEFT JOIN order_lines l USING (order_id, line_id)"
        " WHERE l.order_id IS NULL OR l.product_id <> r.product_id OR r.amount > l.buyer_paid"
        " OR r.quantity > l.quantity"
    )
    assert full.value(query) == 0


def test_a_product_stands_once_in_an_order(full):
    assert full.value("SELECT max(n) FROM (SELECT count(*) n FROM order_lines"
                      " GROUP BY order_id, product_id)") == 1  # fmt: skip


def test_names_are_unique_and_in_two_languages(full):
    total, names, chinese, kanji = full.rows(
        "SELECT count(*), count(DISTINCT (name, line, category)), count(DISTINCT (name_zh,"
        " category)), count(*) FILTER (regexp_matches(name_zh, '^[\\x{4e00}-\\x{9fff}A-Za-z]+$'))"
        " FROM products"
    )[0]
    assert total == names == chinese == kanji


def test_no_two_measured_columns_of_a_table_agree_too_well(full):
    for table, columns in {
        "traffic_daily": ("visitors", "sessions", "cart_visitors", "buyers", "paid_sessions"),
        "ad_spend": ("spend", "impressions", "clicks", "attributed_sales"),
        "settlements": ("commission", "affiliate_commission", "return_insurance"),
        "shipments": ("freight_cost", "packaging_cost"),
        "order_lines": ("list_price", "merchant_discount", "shop_coupon", "buyer_paid"),
    }.items():
        for index, left in enumerate(columns):
            for right in columns[index + 1 :]:
                assert full.value(f"SELECT corr({left}, {right}) FROM {table}") < 0.998
