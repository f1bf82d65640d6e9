"""A language is a folder of texts: how it writes and what it says; English is the spare."""

from dataclasses import replace

import pytest
from nbformat.v4 import new_markdown_cell, new_notebook

from helpers.report import languages, text
from helpers.report.exporter import read_chapter

GERMAN = replace(languages.language("en"), decimal=",", thousands=".", units={"ratio": "{}\u00a0%"})


def test_numbers_take_the_signs_of_the_language():
    assert GERMAN.number("1,234.5") == "1.234,5"
    assert GERMAN.with_unit("−12.3", "ratio") == "−12,3\u00a0%"
    assert GERMAN.with_unit("1,234", "count") == "1.234"


def test_english_stands_first_and_every_language_can_be_read():
    assert languages.LANGUAGES[0] == "en"
    assert "zh" in languages.LANGUAGES
    for code in languages.LANGUAGES:
        found = languages.language(code)
        assert len(found.dates["months"]) == 12
        assert len(found.dates["quarters"]) == 4
        assert [size for size, _ in found.scales] == sorted(dict(found.scales), reverse=True)


def test_an_unknown_language_is_refused_by_name():
    with pytest.raises(ValueError, match=r"language == 'xx', must be one of \('en', "):
        languages.language("xx")


def test_a_file_that_lacks_an_entry_is_refused_with_the_model_to_follow(tmp_path, monkeypatch):
    (tmp_path / "en").mkdir()
    (tmp_path / "en" / "language.toml").write_text('name = "E"\nscales = []\n')
    monkeypatch.setattr(languages, "FOLDER", tmp_path)
    languages.language.cache_clear()
    try:
        with pytest.raises(ValueError, match=r"text/en/language\.toml: .*'html'.*as a model"):
            languages.language("en")
    finally:
        languages.language.cache_clear()


@pytest.fixture
def catalogues(tmp_path):
    """A folder with a catalogue `part` that Chinese has only half of."""
    for code, words in (("en", '[a]\nx = "X"\ny = "Y"\n'), ("zh", '[a]\nx = "甲"\n')):
        (tmp_path / code).mkdir()
        (tmp_path / code / "part.toml").write_text(words, encoding="utf-8")
    text.folders.append(tmp_path)
    yield
    text.folders.remove(tmp_path)


def test_what_a_language_does_not_say_stands_in_english(catalogues):
    assert text.load("zh", "part") == {"a": {"x": "甲", "y": "Y"}}
    assert text.own("zh", "part") == {"a": {"x": "甲"}}


def test_a_chapter_without_texts_in_a_language_shows_the_english_ones():
    notebook = new_notebook(
        cells=[new_markdown_cell("## Weekdays\n\nLate.", metadata={"language": "en"})]
    )
    (section,) = read_chapter(notebook, "zh").sections
    assert (section.title, section.anchor) == ("Weekdays", "weekdays")
    assert "Late." in section.body
