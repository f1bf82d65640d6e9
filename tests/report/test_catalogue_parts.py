"""A long chapter's texts stand in a file and a folder of parts; together they are its catalogue."""

import pytest

from helpers.report import text


@pytest.fixture
def catalogue(tmp_path):
    """Write files of a catalogue `long` and load it."""

    def load(**parts):
        folder = tmp_path / "en"
        (folder / "long").mkdir(parents=True)
        for name, content in parts.items():
            path = folder / "long.toml" if name == "whole" else folder / "long" / f"{name}.toml"
            path.write_text(content, encoding="utf-8")
        return text.load("en", "long")

    text.folders.append(tmp_path)
    text.load.cache_clear()
    text.own.cache_clear()
    yield load
    text.folders.remove(tmp_path)
    text.load.cache_clear()
    text.own.cache_clear()


def test_parts_add_their_blocks_and_columns(catalogue):
    found = catalogue(
        whole='[chapter]\ntitle = "Long"\n[columns]\nrate = "Rate"',
        first='[blocks.a]\nname = "A"\n[columns]\ncustomers = "Customers"',
        second='[blocks.b]\nname = "B"\n[columns]\nrate = "Rate"',
    )
    assert set(found["blocks"]) == {"a", "b"}
    assert found["columns"] == {"rate": "Rate", "customers": "Customers"}
    assert text.names().count("long") == 1


def test_parts_that_differ_on_a_text_are_refused(catalogue):
    with pytest.raises(ValueError, match=r"b\.toml.*columns\.rate.*'Ratio' here and 'Rate'"):
        catalogue(whole='[columns]\nrate = "Rate"', b='[columns]\nrate = "Ratio"')
