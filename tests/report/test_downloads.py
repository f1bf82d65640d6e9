"""Downloads open right in spreadsheets, hold every row, and never run."""

import csv
import re
import zipfile
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook

from helpers.plan import metrics
from helpers.report import downloads, formats

TABLE = {
    "name": "segments",
    "chapter": "20_demo",
    "title": {"en": "Segments", "zh": "人群"},
    "currency": "CNY",
    "columns": [
        {"name": "segment", "unit": "value", "header": {"en": "Segment", "zh": "人群"}},
        {"name": "customers", "unit": "customers", "header": {"en": "Customers", "zh": "客户数"}},
        {"name": "sales", "unit": "money", "header": {"en": "=Sales", "zh": "销售额"}},
    ],
    "rows": [
        [{"en": "Loyal", "zh": "忠诚"}, 12.0, 1234.5],
        ["=cmd|' /C calc'!A1", "<10", None],
        ["https://example.org", 10.0, -3.25],
    ],
}
# OWASP, CSV injection: a cell that begins with one of these can be taken for a formula.
FORMULA_BEGINNINGS = ("=", "+", "-", "@", "\t", "\r")


def read(path):
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.reader(file))


def test_a_csv_file_begins_with_the_mark_by_which_excel_knows_utf_8(tmp_path):
    path = tmp_path / "t.csv"
    downloads.write_csv(TABLE, path)
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    rows = read(path)
    assert rows[0] == ["Segment 人群", "Customers 客户数", "'=Sales 销售额 (CNY)"]
    assert rows[1] == ["Loyal 忠诚", "12", "1234.5"]
    assert rows[2] == ["'=cmd|' /C calc'!A1", "<10", ""]
    assert rows[3][2] == "-3.25"


@given(text=st.text(min_size=1))
def test_no_text_begins_like_a_formula(text):
    assert not downloads.safe_text(text).startswith(FORMULA_BEGINNINGS)
    assert not downloads.safe_text(text).lstrip(" ").startswith(FORMULA_BEGINNINGS)


def write(tables, path):
    downloads.write_workbook(tables, path, period="2025-11", as_of="2025-11-30")
    return CalamineWorkbook.from_path(str(path))


def part(path, name):
    with zipfile.ZipFile(path) as archive:
        return archive.read(name).decode()


def shown_as(path, sheet, cell):
    """The number format of a cell, as the workbook's own styles say."""
    style = int(re.search(rf'<c r="{cell}" s="(\d+)"', part(path, f"xl/worksheets/{sheet}.xml"))[1])
    styles = part(path, "xl/styles.xml")
    cells = re.search(r"<cellXfs.*?</cellXfs>", styles, re.DOTALL)[0]
    number = re.findall(r'<xf numFmtId="(\d+)"', cells)[style]
    own = dict(re.findall(r'<numFmt numFmtId="(\d+)" formatCode="([^"]+)"', styles))
    # ECMA-376, 18.8.30: the formats that every spreadsheet knows by number.
    return own.get(number, {"2": "0.00", "3": "#,##0", "4": "#,##0.00"}.get(number))


def test_a_workbook_holds_the_same_values_and_neither_formula_nor_link_to_outside(tmp_path):
    path = tmp_path / "t.xlsx"
    workbook = write([TABLE], path)
    assert workbook.sheet_names == ["Contents 目录", "20 segments"]
    rows = workbook.get_sheet_by_index(1).to_python()
    assert rows[1] == ["Loyal 忠诚", 12, 1234.5]
    assert rows[2][0] == "=cmd|' /C calc'!A1"
    sheet = part(path, "xl/worksheets/sheet2.xml")
    assert "<f>" not in sheet
    assert "<hyperlink" not in sheet
    assert re.search(r'<pane [^>]*ySplit="1"[^>]*state="frozen"', sheet)
    with zipfile.ZipFile(path) as archive:
        assert not [name for name in archive.namelist() if "worksheets/_rels" in name]


def test_the_first_sheet_lists_every_table_and_leads_to_its_sheet(tmp_path):
    path = tmp_path / "t.xlsx"
    other = {**TABLE, "name": "win_back", "chapter": "30_product", "rows": []}
    rows = write([TABLE, other], path).get_sheet_by_index(0).to_python()
    assert rows[1] == [
        "Segments", "人群", "20 segments", 3, "20_demo", "2025-11", date(2025, 11, 30),
    ]  # fmt: skip
    assert rows[2][2:5] == ["30 win back", 0, "30_product"]
    links = re.findall(
        r'<hyperlink [^>]*location="([^"]+)"', part(path, "xl/worksheets/sheet1.xml")
    )
    assert links == ["'20 segments'!A1", "'30 win back'!A1"]


def test_figures_dates_and_shares_have_the_formats_of_a_spreadsheet(tmp_path):
    path = tmp_path / "t.xlsx"
    named = {"en": "Repurchase rate", "zh": "复购率"}
    assert metrics.metric("repurchase_rate").name == named
    units = ("metric", "by_metric", "money", "customers", "ratio", "pp", "date", "month", "days")
    columns = [{"name": u, "unit": u, "header": {"en": u, "zh": u}} for u in units]
    row = [named, 0.284, 1234.5, 12.0, 0.25, -0.012, "2025-11-03", "2025-11-01", 4.25]
    table = {**TABLE, "columns": columns, "rows": [row, [named, *[None] * 8]]}
    rows = write([table], path).get_sheet_by_index(1).to_python()
    assert rows[1][6:8] == [date(2025, 11, 3), date(2025, 11, 1)]
    assert rows[0][2:6] == ["money (CNY)", "customers", "ratio", "pp (pp 百分点)"]
    assert [shown_as(path, "sheet2", f"{letter}2") for letter in "BCDEFGHI"] == [
        "0.0%", "#,##0.00", "#,##0", "0.0%", "0.0%", "yyyy-mm-dd", "yyyy-mm", "#,##0.0",
    ]  # fmt: skip


@pytest.mark.parametrize("unit", formats.NUMERIC_UNITS)
def test_every_unit_of_figures_has_a_format_of_its_own(tmp_path, unit):
    path = tmp_path / "t.xlsx"
    columns = [{"name": "a", "unit": unit, "header": {"en": "A", "zh": "甲"}}]
    write([{**TABLE, "columns": columns, "rows": [[0.5]]}], path)
    assert shown_as(path, "sheet2", "A2")


def test_a_workbook_is_the_same_bytes_for_the_same_tables(tmp_path):
    first, second = tmp_path / "a.xlsx", tmp_path / "b.xlsx"
    write([TABLE], first)
    write([TABLE], second)
    assert first.read_bytes() == second.read_bytes()


def test_a_workbook_without_tables_can_still_be_opened(tmp_path):
    assert write([], tmp_path / "t.xlsx").sheet_names == ["Contents 目录"]


@pytest.mark.parametrize("name", ["a" * 60, "a[b]:c*?/d\\", "'quoted'", "cost_by_definition"])
def test_a_sheets_name_is_one_that_excel_takes(name):
    found = downloads.sheet_name("20_demo", name)
    assert found.startswith("20 ")
    assert len(found) <= 31
    assert not set(found) & set("[]:*?/\\'")


def test_long_names_that_begin_alike_stay_two_sheets():
    names = {downloads.sheet_name("20_demo", "a" * 40 + letter) for letter in "abcdefgh"}
    assert len(names) == 8
