"""Downloads open right in spreadsheets, hold every row, and never run."""

import csv
import re
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook

from helpers.report import downloads

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


def test_a_workbook_holds_the_same_values_and_neither_formula_nor_link(tmp_path):
    path = tmp_path / "t.xlsx"
    downloads.write_workbook([TABLE, TABLE], path)
    workbook = CalamineWorkbook.from_path(str(path))
    assert workbook.sheet_names == ["20 segments", "20 segments 2"]
    rows = workbook.get_sheet_by_index(0).to_python()
    assert rows[1] == ["Loyal 忠诚", 12, 1234.5]
    assert rows[2][0] == "=cmd|' /C calc'!A1"
    with zipfile.ZipFile(path) as archive:
        sheet = archive.read("xl/worksheets/sheet1.xml").decode()
    assert "<f>" not in sheet
    assert "<hyperlink" not in sheet
    assert re.search(r'<pane [^>]*ySplit="1"[^>]*state="frozen"', sheet)


def test_a_workbook_is_the_same_bytes_for_the_same_tables(tmp_path):
    first, second = tmp_path / "a.xlsx", tmp_path / "b.xlsx"
    downloads.write_workbook([TABLE], first)
    downloads.write_workbook([TABLE], second)
    assert first.read_bytes() == second.read_bytes()


def test_a_workbook_without_tables_can_still_be_opened(tmp_path):
    path = tmp_path / "t.xlsx"
    downloads.write_workbook([], path)
    assert CalamineWorkbook.from_path(str(path)).sheet_names


@pytest.mark.parametrize("name", ["a" * 60, "a[b]:c*?/d\\", "'quoted'"])
def test_a_sheets_name_is_one_that_excel_takes(name):
    found = downloads.sheet_name({"name": name, "chapter": "20_demo"}, set())
    assert 0 < len(found) <= 31
    assert not set(found) & set("[]:*?/\\'")
