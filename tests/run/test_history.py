"""When a run may say that nothing has changed."""

import json
import os
import sqlite3
from pathlib import Path

import pytest

from helpers.run import arguments, history, publication
from helpers.run.places import Places
from helpers.store import fingerprints


@pytest.fixture
def places(tmp_path) -> Places:
    folders = [tmp_path / name for name in ("reports", "cache", "notebooks", "plan")]
    for folder in folders:
        folder.mkdir()
    (folders[1] / "runs").mkdir()
    (folders[2] / "10_traffic.ipynb").write_text("{}")
    (folders[3] / "targets.csv").write_text("a\n")
    (tmp_path / "requirements.lock").write_text("x==1\n")
    return Places(*folders, tmp_path / "requirements.lock")


@pytest.fixture
def shop(tmp_path) -> Path:
    folder = tmp_path / "shop"
    (folder / "more").mkdir(parents=True)
    (folder / "orders.csv").write_text("a\n1\n")
    (folder / "more" / "lines.csv").write_text("a\n1\n")
    return folder


def state(places: Places, shop: Path, *more: str) -> str | None:
    options = arguments.read(["--data", str(shop), "--output", str(places.output), *more])
    return history.state_of(options, places)


def test_the_same_input_and_arguments_are_the_same_state(places, shop):
    assert state(places, shop) == state(places, shop)
    assert state(places, shop) == state(places, shop, "--jobs", "2", "--force")
    (shop / ".hidden").write_text("x")
    assert state(places, shop) == state(places, shop)


@pytest.mark.parametrize("name", ["orders.csv", "more/lines.csv"])
def test_another_size_or_time_of_an_input_is_another_state(places, shop, name):
    before = state(places, shop)
    path = shop / name
    os.utime(path, ns=(1, 1))
    later = state(places, shop)
    path.write_text("a\n12\n")
    os.utime(path, ns=(1, 1))
    assert len({before, later, state(places, shop)}) == 3


def test_a_new_input_another_chapter_plan_or_package_is_another_state(places, shop):
    states = [state(places, shop)]
    for path in (shop / "returns.csv", places.notebooks / "10_traffic.ipynb",
                 places.plan / "targets.csv", places.lock):  # fmt: skip
        path.write_text("changed\n")
        states.append(state(places, shop))
    assert len(set(states)) == 5


@pytest.mark.parametrize(
    "more", [["--period", "2011-11"], ["--store", "x"], ["--languages", "en"], ["--chapters", "a"]]
)
def test_other_arguments_are_another_state(places, shop, more):
    assert state(places, shop) != state(places, shop, *more)


def test_last_month_is_another_state_in_another_month(places, shop, monkeypatch):
    class Today(history.date):
        @classmethod
        def today(cls):
            return cls(2011, month, 15)

    monkeypatch.setattr("helpers.plan.periods.date", Today)
    month = 11
    november = [state(places, shop, "--period", "last-month") for _ in range(2)]
    month = 12
    december = state(places, shop, "--period", "last-month")
    assert november[0] == november[1] != december


def test_the_settings_beside_a_file_belong_to_the_state(places, shop):
    before = state(places, shop / "orders.csv")
    (shop / "another.csv").write_text("x")
    assert state(places, shop / "orders.csv") == before
    (shop / "store.toml").write_text("currency = 'EUR'\n")
    assert state(places, shop / "orders.csv") != before


def test_an_absent_input_has_no_state(places, tmp_path):
    assert state(places, tmp_path / "absent") is None


def test_a_database_has_a_state_only_where_it_is_a_file(places, tmp_path, monkeypatch):
    path = tmp_path / "shop.sqlite"
    sqlite3.connect(path).execute("CREATE TABLE orders (a)").connection.close()
    options = arguments.read(["--data", "env:SHOP_DATABASE", "--output", str(places.output)])
    states = []
    for address in (f"sqlite://{path}", str(path), "postgres://u:p@host/db", ""):
        monkeypatch.setenv("SHOP_DATABASE", address)
        states.append(history.state_of(options, places))
    assert states[0] == states[1] is not None
    assert states[2:] == [None, None]


def published(places: Places, run: str = "r1") -> None:
    facts = {"run": run, "store": "shop", "published_at": "2011-12-01", "period": {}}
    with publication.staging(places, run) as staged:
        (staged / "run.json").write_text(json.dumps(facts))
        publication.publish(staged, places, store="shop", period="2011-11", run=run, pages=(),
                            site_index="")  # fmt: skip
    history.remember(places, run, {"store": "shop", "period": "2011-11", "run": run})


def test_a_run_that_still_stands_published_is_found(places):
    published(places)
    past = history.same_run(places, "r1")
    assert past is not None
    assert past.run == "r1"
    assert past.index == places.output / "shop" / "2011-11" / "index.html"
    assert history.same_run(places, "r2") is None
    assert history.same_run(places, None) is None


def test_a_run_whose_pages_were_replaced_changed_or_deleted_is_not_found(places):
    published(places, "r1")
    published(places, "r2")
    assert history.same_run(places, "r1") is None
    (places.output / "shop" / "2011-11" / "run.json").write_text('{"run": "r2", "x": 1}')
    assert history.same_run(places, "r2") is None
    published(places, "r3")
    (places.output / "index.html").unlink()
    assert history.same_run(places, "r3") is None


def test_only_the_latest_states_are_remembered(places):
    for number in range(history.KEPT_STATES + 5):
        history.remember(places, str(number), {})
    assert len(history.files.read_json(places.runs / "state.json")) == history.KEPT_STATES


def test_the_code_of_the_project_belongs_to_the_state(places, shop, monkeypatch):
    before = state(places, shop)
    monkeypatch.setattr(fingerprints, "HELPERS", fingerprints.HELPERS / "plan")
    assert state(places, shop) != before
