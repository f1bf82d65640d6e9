"""The notice says in plain text what the front page says."""

import pytest

from helpers.report import front
from helpers.report.summary import failure, summary
from helpers.report.voice import Voice
from tests.report import shop

ADDRESS = "https://reports.example.com/demo/2025-11"


@pytest.fixture(scope="module", params=["en", "zh"])
def told(request, record):
    context = shop.context(dict(record), language=request.param, prefix="")
    title, body = summary(context, context["records"], request.param, ADDRESS)
    return request.param, context, title, body


def test_it_names_store_and_period(told):
    language, _, title, _ = told
    assert {"en": "Lotus", "zh": "荷塘"}[language] in title
    assert "2025" in title


def test_it_has_the_goals_with_their_status_and_the_decisions(told):
    language, context, _, body = told
    voice = Voice("", language, "CNY")
    known = front.all_facts(context["records"])
    status = voice.say(f"status.{known['repurchase_rate']['status']}")
    assert status in body
    for decision in front.decisions(context["records"], context["pages"], voice):
        assert decision["text"] in body


def test_links_lead_to_the_pages_of_its_language(told):
    language, context, _, body = told
    own = "" if language == context["languages"][0] else f"/{language}"
    assert f"{ADDRESS}{own}/index.html" in body
    assert "</" not in body


def test_a_fault_is_told_with_its_reason_and_what_still_stands():
    title, body = failure("demo", "orders.csv is empty", "en")
    assert title.startswith("demo")
    assert body.startswith("orders.csv is empty")
    assert "still stands" in body
