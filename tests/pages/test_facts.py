"""Every number on a page carries the id of its fact and equals it, the same in both languages."""

import json

import pytest

from tests.pages import facts


@pytest.fixture
def copy(site, tmp_path):
    """A chapter's page with one number changed; what the checks say of it."""
    for name in ("facts.json", "numbers.json", "quality.json"):
        (tmp_path / name).write_bytes((site / name).read_bytes())

    def changed(old, new):
        html = (site / "20_demo.html").read_text(encoding="utf-8")
        assert old in html
        (tmp_path / "20_demo.html").write_text(html.replace(old, new, 1), encoding="utf-8")
        return facts.faults(tmp_path)

    return changed


def test_every_number_of_a_page_equals_its_published_fact_in_both_languages(site):
    assert facts.faults(site) == []
    assert facts.count(site) > 1000


@pytest.mark.slow
@pytest.mark.parametrize("run", ["published_sample", "published_retail"])
def test_every_number_of_a_real_run_equals_its_published_fact_in_both_languages(request, run):
    folder = request.getfixturevalue(run)
    assert facts.faults(folder) == []
    assert facts.count(folder) > 5000


def test_a_number_that_is_not_its_fact_is_found(copy):
    (one,) = copy(">¥182</text>", ">¥183</text>")
    assert "20_demo/channels:0 ['cost']: '¥183'" in one


def test_a_number_without_a_fact_is_found(copy):
    (one,) = copy("<figcaption>", "<figcaption>7")
    assert "no fact: '7'" in one


def test_a_number_whose_fact_is_not_published_is_found(copy):
    (one,) = copy('data-fact="20_demo/channels:0"', 'data-fact="20_demo/channels:9"')
    assert "not published" in one


def test_small_groups_are_hidden_in_the_published_numbers_too(site):
    sheets = json.loads((site / "numbers.json").read_text())["sheets"]
    assert sheets["20_demo/channels"]["columns"]["n"][-1] == "<10"
