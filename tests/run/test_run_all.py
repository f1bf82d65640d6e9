"""The run's contract, by its exit codes and what stands published afterwards."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from helpers.run import locks
from helpers.store.fingerprints import PROJECT

HEAVY = ("pandas", "ibis", "duckdb", "papermill", "nbclient", "nbconvert", "zmq", "pyarrow", "rich")


@pytest.fixture(scope="module")
def once(shop_for_module):
    """A shop whose two chapters have been published once."""
    shop = shop_for_module
    shop.chapter("10_traffic", "x = 1")
    shop.chapter("90_evaluation", "x = 1")
    done = shop.run()
    assert done.returncode == 0, done.stderr
    return shop, done


def test_all_that_the_contract_names_is_published(once):
    shop, done = once
    names = {"index.html", "10_traffic.html", "90_evaluation.html"}
    wanted = names | {f"zh/{name}" for name in names} | {
        "facts.json", "numbers.json", "quality.json", "run.json", "manifest.json", "tables.xlsx",
        "tables/10_traffic-t.csv", "tables/90_evaluation-t.csv", "index of the site",
    }  # fmt: skip
    assert set(shop.bytes_published()) == wanted
    assert shop.published.is_symlink()
    assert not os.path.isabs(os.readlink(shop.published))
    assert (shop.output / ".releases") in shop.published.resolve().parents
    assert done.stdout.splitlines()[-1] == str(shop.published / "index.html")


def test_no_executed_notebook_and_no_path_of_the_machine_is_published(once):
    shop, _ = once
    for name, content in shop.bytes_published().items():
        assert not name.endswith(".ipynb")
        assert str(shop.folder).encode() not in content, name


def test_run_json_says_how_the_release_came_about(once):
    shop, _ = once
    found = shop.run_json()
    assert found["parameters"]["data"] == "shop"
    assert found["period"] == {"label": "2011-11", "start": "2011-11-01", "end": "2011-11-30"}
    assert set(found["fingerprints"]) >= {"data", "code"}
    assert found["packages"]["duckdb"].startswith("1.")
    assert [each["status"] for each in found["chapters"]] == ["executed", "executed"]


def test_a_second_run_with_nothing_changed_starts_nothing_and_imports_nothing_heavy(once):
    shop, _ = once
    before = shop.bytes_published()
    done = subprocess.run(
        [sys.executable, "-c", f"""
import sys, subprocess
sys.path.insert(0, {str(PROJECT)!r})
def no_child(*_, **__): raise AssertionError("a child was started")
subprocess.Popen.__init__ = no_child
import run_all
code = run_all.main({shop.command()[2:]!r})
print(sorted(set(sys.modules) & set({HEAVY!r})))
sys.exit(code)
"""],
        env=shop.environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    said = done.stdout.splitlines()
    assert said[0].startswith("nothing changed")
    assert said[1] == str(shop.published / "index.html")
    assert said[2] == "[]"
    assert shop.bytes_published() == before


def test_a_second_runner_leaves_with_75(once):
    shop, _ = once
    with locks.held(shop.output):
        done = shop.run()
    assert done.returncode == 75
    assert "another run holds" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--frobnicate"], "unrecognized arguments"),
        (["--perio", "2011-11"], "unrecognized arguments"),
        (["--period", "2011-13"], "is no period"),
        (["--period", "2031-01"], "has no data"),
        (["--languages", "en,xx"], "'xx' has no texts"),
        (["--chapters", "traffik"], "'traffik' is no chapter"),
        (["--jobs", "0"], "whole number"),
        (["--data", "no/such/folder"], "no such file or folder"),
        (["--data", "env:NOT_SET_ANYWHERE"], "is not set"),
        (["--data", "postgres://me:secret-word@host/db"], "environment variable"),
    ],
)
def test_bad_usage_and_bad_input_end_with_2_and_change_nothing(once, arguments, said):
    shop, _ = once
    before = shop.bytes_published()
    done = shop.run(*arguments)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert "secret-word" not in done.stderr.partition("error:")[2]
    assert shop.bytes_published() == before


def test_bad_data_end_with_2_and_the_last_good_pages_stand(once):
    shop, _ = once
    before, orders = shop.bytes_published(), shop.orders.read_text()
    shop.orders.write_text("bad")
    done = shop.run()
    shop.orders.write_text(orders)
    assert done.returncode == 2
    assert "column 'paid_at' is missing" in done.stderr
    assert shop.bytes_published() == before


def test_a_crash_while_preparing_publishes_nothing_and_shows_no_address(once):
    shop, _ = once
    before, orders = shop.bytes_published(), shop.orders.read_text()
    shop.orders.write_text("crash")
    done = shop.run(SHOP_DATABASE="duckdb:///a/very/secret.db", DB_URL="duckdb:///a/very/secret.db")
    shop.orders.write_text(orders)
    assert done.returncode == 1
    assert "could not be prepared" in done.stderr
    assert "Traceback" not in done.stderr
    assert shop.bytes_published() == before
    log = max(shop.cache.glob("runs/*/log.txt")).read_text()
    assert "crash while reading [withheld]" in log


def test_a_page_that_holds_the_address_is_not_published(shop):
    address = "duckdb:////nowhere/at-all/shop.duckdb"
    shop.chapter("10_leaky", "x = 1")
    done = shop.run("--data", "env:SHOP_DATABASE", "--store", "shop",
                    SHOP_DATABASE=address, LEAKED=f"see {address}")  # fmt: skip
    assert done.returncode == 1
    assert "holds a secret" in done.stderr
    assert not shop.published.exists()


@pytest.mark.slow
def test_what_becomes_of_chapters_from_run_to_run(shop):
    good = shop.chapter("10_traffic", "x = 1").read_text()
    shop.chapter("20_lifecycle", "x = 1")
    shop.chapter("90_evaluation", "x = 1")
    assert shop.run("--chapters", "traffic").returncode == 0
    assert shop.statuses() == {
        "10_traffic": "executed", "20_lifecycle": "left_out", "90_evaluation": "left_out"
    }  # fmt: skip
    assert "left out ['20_lifecycle', '90_evaluation']" in shop_index(shop)
    assert not (shop.published / "20_lifecycle.html").exists()

    assert shop.run("--chapters", "20_lifecycle,evaluation").returncode == 0
    assert shop.statuses() == {
        "10_traffic": "carried", "20_lifecycle": "executed", "90_evaluation": "executed"
    }  # fmt: skip
    executed_at = shop.run_json()["chapters"][0]["executed_at"]

    shop.chapter("10_traffic", "1 / 0")
    done = shop.run("--languages", "en,zh")
    assert done.returncode == 1
    assert shop.statuses() == {
        "10_traffic": "stale", "20_lifecycle": "unchanged", "90_evaluation": "executed"
    }  # fmt: skip
    assert f"stale since {executed_at}" in (shop.published / "10_traffic.html").read_text()
    assert "last good page shown (a cell raised an error)" in done.stdout
    facts = json.loads((shop.published / "facts.json").read_text())
    assert {fact["id"] for fact in facts} == {"20_lifecycle.fact", "90_evaluation.fact"}
    assert len(list((shop.output / ".releases" / "shop" / "2011-11").iterdir())) == 3

    (shop.notebooks / "10_traffic.ipynb").write_text(good)
    done = shop.run()
    assert done.returncode == 0
    assert shop.statuses() == dict.fromkeys(shop.statuses(), "unchanged")
    assert len(list((shop.output / ".releases" / "shop" / "2011-11").iterdir())) == 3


def shop_index(shop):
    return (shop.published / "index.html").read_text()
