"""Both languages say the same things: same keys, same placeholders, short titles, glyphs."""

import re

import pytest

from helpers.plan import metrics
from helpers.report import fonts, text
from helpers.report.languages import FILE, FOLDER, LANGUAGES
from helpers.report.text.template import parse, placeholders

NAMES = [name for name in text.names() if name != "demo"]
MOST_WORDS_IN_A_TITLE = 15
MOST_CHARACTERS_IN_A_TITLE = 26
_GAP = re.compile(r"\{[^}]*\}")
_NOT_COUNTED = re.compile(r"[，。、；：？！“”（）\s]")


def leaves(tree, path=()):
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from leaves(value, (*path, key))
        else:
            yield (*path, key), value


def is_template(path):
    return path[0] in ("sentences", "blocks") and path[-1] not in ("name", "missing", "nothing")


def catalogue(language, name):
    return dict(leaves(text.own(language, name)))


@pytest.mark.parametrize("name", NAMES)
def test_both_languages_have_the_same_keys(name):
    english, chinese = catalogue("en", name), catalogue("zh", name)
    assert set(english) == set(chinese)


@pytest.mark.parametrize("name", NAMES)
def test_both_languages_state_the_same_values(name):
    english, chinese = catalogue("en", name), catalogue("zh", name)
    for path in set(english) & set(chinese):
        if name == "common" or is_template(path):
            assert placeholders(english[path]) == placeholders(chinese[path]), path


def test_a_further_language_says_nothing_that_english_does_not():
    further = [code for code in LANGUAGES if code not in ("en", "zh")]
    for path in (path for code in further for path in (FOLDER / code).glob("*.toml")):
        if path.name == FILE:
            continue
        english, other = catalogue("en", path.stem), catalogue(path.parent.name, path.stem)
        assert set(other) <= set(english), path
        for key in other:
            if path.stem == "common" or is_template(key):
                assert placeholders(other[key]) == placeholders(english[key]), (path, key)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_text_can_be_read_and_only_a_sentence_or_an_action_may_be_empty(name, language):
    for path, written in catalogue(language, name).items():
        assert written.strip() or path[0] == "sentences" or "item" in path, path
        parse(written)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_font_has_every_glyph(name, language):
    missing = {path: found for path, written in catalogue(language, name).items()
               if (found := fonts.uncovered(written))}  # fmt: skip
    assert not missing


@pytest.mark.parametrize("name", NAMES)
def test_a_title_is_short(name):
    long = []
    for path, written in catalogue("en", name).items():
        if path[0] == "blocks" and path[-1] == "title":
            words = _GAP.sub("1", written).split()
            long += [written] if len(words) > MOST_WORDS_IN_A_TITLE else []
    for path, written in catalogue("zh", name).items():
        if path[0] == "blocks" and path[-1] == "title":
            signs = _NOT_COUNTED.sub("", _GAP.sub("数", written))
            long += [written] if len(signs) > MOST_CHARACTERS_IN_A_TITLE else []
    assert not long


@pytest.mark.parametrize("name", [name for name in NAMES if name != "common"])
def test_every_block_has_a_plain_name(name):
    blocks = text.load("en", name).get("blocks", {})
    assert [key for key, block in blocks.items() if not block.get("name")] == []


def test_chinese_text_has_chinese_punctuation():
    wrong = []
    for name in NAMES:
        for path, written in catalogue("zh", name).items():
            plain = _GAP.sub("数", written)
            if re.search(r"[\u4e00-\u9fff][,;:?!]|[,;:?!][\u4e00-\u9fff]", plain):
                wrong.append((name, path, written))
    assert not wrong


def test_the_font_has_every_glyph_of_the_metric_contract():
    for entry in metrics.load().values():
        texts = [entry.name, entry.window, entry.rule, entry.time]
        assert not fonts.uncovered("".join(t for one in texts for t in one.values())), entry.id


@pytest.mark.parametrize("why", ["absent", "empty", "failed", "short", "small"])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_reason_why_something_is_missing_has_its_words(why, language):
    assert text.common(language, f"missing.{why}")
    assert text.common(language, f"missing.{why}_columns")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_all_that_an_interval_can_rest_on_has_its_word(language):
    assert set(text.load(language, "common")["rests_on"]) == set(metrics.RESTS_ON)
