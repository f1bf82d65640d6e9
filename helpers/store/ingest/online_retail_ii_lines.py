"""What each line of Online Retail II is, worked out from the typed lines in table `raw`."""

from __future__ import annotations

from collections.abc import Sequence

from helpers.store.ingest.source import literal

GOODS = r"\d{5}.*|DCGS.+|SP\d+"
CLASS_OF_CODE = {
    "postage": ("POST", "DOT", "C2", "C3"),
    "fee": ("BANK CHARGES", "AMAZONFEE", "CRUK"),
    "manual": ("M", "PADS"),
    "discount": ("D",),
    "voucher": ("GIFT",),
    "adjustment": ("B", "S", "ADJUST", "ADJUST2"),
    "test": ("TEST001", "TEST002"),
}
FILE_SPAN = 1_000_000_000
MOST_SHEETS = 20


def typed(accepted: str, files: Sequence[str]) -> str:
    """SQL of the accepted lines, product codes in one spelling, placed in order of delivery."""
    places = " ".join(f"WHEN {literal(file)} THEN {n}" for n, file in enumerate(files))
    return f"""
        SELECT CASE __file {places} END * {FILE_SPAN} + __line AS position,
            trim("Invoice") AS invoice, upper(trim("StockCode")) AS product_id,
            nullif(trim("Description"), '') AS name, "Quantity" AS quantity,
            "InvoiceDate" AS moment, "Price" AS price, trim("Customer ID") AS customer_id,
            trim("Country") AS country, hash("StockCode", "Description") AS wording,
            "StockCode" AS code_delivered, coalesce("sheet", '') AS sheet_delivered,
            CAST("Quantity" * "Price" AS DECIMAL(18,4)) AS exact,
            CAST(round("Quantity" * "Price", 2) AS DECIMAL(18,2)) AS money
        FROM ({accepted})"""


FALLS = f"""
    SELECT position FROM (
        SELECT position, moment, lag(moment) OVER (
            PARTITION BY position // {FILE_SPAN} ORDER BY position) AS earlier
        FROM raw WHERE sheet_delivered = '')
    WHERE moment < earlier - INTERVAL 1 DAY ORDER BY position"""
"""Positions from which a new sheet begins, where no column names the sheet: inside a sheet dates
never fall, and where the next one begins they fall by days."""


def sheeted(falls: Sequence[int]) -> str:
    """SQL of the lines with their sheet; lines in no order of time are all of one sheet."""
    in_order = falls if len(falls) <= MOST_SHEETS else ()
    begun = " + ".join(f"CAST(position >= {place} AS INTEGER)" for place in in_order) or "0"
    return (
        f"SELECT *, (position // {FILE_SPAN}) || '/' || sheet_delivered || '/' || ({begun}) "
        "AS sheet FROM raw"
    )


_ALL = "invoice, wording, quantity, moment, price, customer_id, country"
TWICE = f"""
    WITH shared AS (SELECT * FROM sheeted WHERE invoice IN (
        SELECT invoice FROM sheeted GROUP BY invoice HAVING min(sheet) <> max(sheet))),
    numbered AS (SELECT *, row_number() OVER (
        PARTITION BY {_ALL}, sheet ORDER BY position) AS copy FROM shared)
    SELECT position FROM numbered
    QUALIFY row_number() OVER (PARTITION BY {_ALL}, copy ORDER BY position) > 1"""
"""Positions of lines that an earlier sheet holds as well, copy by copy: a line that stands twice
in one sheet and twice in the other is two lines."""


def classed() -> str:
    """SQL of all lines with `kind` (what a line does) and `item_class` (what it charges)."""
    listed = " ".join(
        f"WHEN product_id IN ({', '.join(map(literal, codes))}) THEN {literal(name)}"
        for name, codes in CLASS_OF_CODE.items()
    )
    return f"""
        SELECT *, CASE
            WHEN twice THEN 'delivered_twice'
            WHEN invoice LIKE 'A%' THEN 'bad_debt'
            WHEN price = 0 AND (quantity < 0 OR NOT charged) THEN 'stock_booking'
            WHEN invoice LIKE 'C%' THEN CASE WHEN quantity < 0 THEN 'cancellation'
                                             ELSE 'book_entry' END
            ELSE 'sale' END AS kind,
            CASE {listed} WHEN product_id LIKE 'GIFT\\_%' ESCAPE '\\' THEN 'voucher'
                WHEN regexp_full_match(product_id, {literal(GOODS)}) THEN 'goods'
                ELSE 'manual' END AS item_class,
            CAST(row_number() OVER (PARTITION BY invoice ORDER BY twice, position) AS VARCHAR)
                AS line_id
        FROM (SELECT sheeted.*, t.position IS NOT NULL AS twice,
                  bool_or(price > 0 AND quantity > 0) OVER (PARTITION BY invoice) AS charged
              FROM sheeted LEFT JOIN twice t USING (position))"""


ORDERS = """
    SELECT invoice AS order_id, any_value(customer_id) AS customer_id,
        min(moment) AS created_at, min(moment) AS paid_at, any_value(country) AS country
    FROM lines WHERE kind = 'sale' GROUP BY invoice ORDER BY min(position)"""

ORDER_LINES = """
    SELECT invoice AS order_id, line_id, product_id, item_class, quantity, price AS list_price,
        money AS buyer_paid, money AS merchant_receivable
    FROM lines WHERE kind = 'sale' ORDER BY position"""

RETURNS = """
    SELECT back.invoice || '-' || back.line_id
            || CASE WHEN number > 1 THEN '-' || number ELSE '' END AS return_id,
        sold.invoice AS order_id, sold.line_id, back.product_id, back.customer_id,
        back.item_class, back.moment AS applied_at, back.moment AS settled_at, parts.quantity,
        CAST(parts.quantity * back.price AS DECIMAL(18,2)) AS amount
    FROM parts JOIN lines back ON back.position = parts.cancellation
    LEFT JOIN lines sold ON sold.position = parts.sale
    ORDER BY parts.cancellation, number"""

CUSTOMERS = """
    SELECT customer_id, arg_min(country, position) AS region FROM lines
    WHERE customer_id IS NOT NULL GROUP BY 1 ORDER BY 1"""

PRODUCTS = """
    SELECT product_id, coalesce(
        (array_agg(name ORDER BY uses DESC, last DESC, name))[1], product_id) AS name
    FROM (SELECT product_id, name, count(*) FILTER (name IS NOT NULL) AS uses,
              max(position) AS last
          FROM lines WHERE kind = 'sale' AND item_class = 'goods' GROUP BY product_id, name)
    GROUP BY product_id ORDER BY product_id"""

REMARKS = {
    ("repeats_kept", "{rows} lines ({money}) repeat a line of their own sheet; they are the "
     "shop's own and stay"): f"""
        SELECT coalesce(sum(copies - 1), 0), coalesce(sum((copies - 1) * exact), 0)
        FROM (SELECT count(*) AS copies, any_value(exact) AS exact FROM sheeted
              GROUP BY {_ALL}, sheet HAVING count(*) > 1)""",
    ("codes_merged", "{spellings} spellings of stock codes are {codes} codes: capitals and spaces "
     "say nothing"): """
        SELECT count(DISTINCT code_delivered), count(DISTINCT product_id) FROM lines""",
    ("no_customer", "{rows} lines ({money}) name no customer; they count as sales, not as "
     "customers"): """
        SELECT count(*), coalesce(sum(money), 0) FROM lines
        WHERE customer_id IS NULL AND kind = 'sale'""",
    ("free_lines", "{rows} lines ({pieces} pieces) without a price stand on invoices with one; "
     "they stay as goods given free"): """
        SELECT count(*), coalesce(sum(quantity), 0) FROM lines WHERE kind = 'sale' AND price = 0""",
    ("codes_unknown", "{rows} lines have stock codes that are no article numbers and not known "
     "({codes}); they are classed as manual, not sold as goods"): """
        SELECT count(*), string_agg(DISTINCT product_id, ', ' ORDER BY product_id)
        FROM lines WHERE item_class = 'manual' AND product_id NOT IN ('M', 'PADS')""",
    ("returns_unlinked", "{rows} refunds of goods ({money}) match no earlier sale of the same "
     "customer, product and price; they net on the day of the refund"): """
        SELECT count(*), coalesce(sum(CAST(p.quantity * price AS DECIMAL(18,2))), 0)
        FROM parts p JOIN lines ON position = p.cancellation
        WHERE sale IS NULL AND item_class = 'goods'""",
}  # fmt: skip
"""What is worth saying of the lines: key, text, and SQL of the figures that it names in order."""
