from pathlib import Path

import pytest

from helpers.run import arguments
from helpers.store.fingerprints import PROJECT


def test_without_arguments_the_sample_shop_is_reported_in_both_languages():
    options = arguments.read([])
    assert options == arguments.Options(
        data="sample",
        store="",
        period="",
        chapters=(),
        languages=("en", "zh"),
        output=PROJECT / "reports",
        jobs=1,
        force=False,
        notify="",
    )


def test_every_argument_of_the_contract_is_read(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    options = arguments.read(
        ["--data", "in", "--store", "Shop", "--period", "2011-10-24..2011-11-20",
         "--chapters", "traffic,90_evaluation", "--languages", "zh,en", "--output", "out",
         "--jobs", "2", "--force", "--notify", "print"]
    )  # fmt: skip
    assert options == arguments.Options(
        data=str(tmp_path / "in"),
        store="Shop",
        period="2011-10-24..2011-11-20",
        chapters=("traffic", "90_evaluation"),
        languages=("zh", "en"),
        output=tmp_path / "out",
        jobs=2,
        force=True,
        notify="print",
    )


def test_empty_values_mean_the_defaults():
    assert arguments.read(["--data=", "--store=", "--period="]) == arguments.read([])


@pytest.mark.parametrize("period", ["2011-11", "2011-Q4", "2011", "last-month"])
def test_periods_of_the_contract_are_taken(period):
    assert arguments.read(["--period", period]).period == period


@pytest.mark.parametrize(
    "line",
    ["--jobs 1.5", "--jobs -1", "--jobs 007x", "--period 2011-Q5", "--period NO", "--store !!!",
     "--chapters ,", "--languages ,", "positional", "--data env:", "--data env:A-B", "--forc",
     "--output run_all.py"],
)  # fmt: skip
def test_a_wrong_argument_ends_with_2(line, monkeypatch, capsys):
    monkeypatch.chdir(PROJECT)
    with pytest.raises(SystemExit) as ended:
        arguments.read(line.split())
    assert ended.value.code == 2
    assert "error: " in capsys.readouterr().err


def test_an_address_on_the_command_line_is_refused_without_being_repeated(capsys):
    with pytest.raises(SystemExit):
        arguments.read(["--data", "postgres://me:secret-word@host/db"])
    assert "secret-word" not in capsys.readouterr().err


def given(**changed: object) -> dict[str, object]:
    return {"data": "a", "store": "b", "period": "c", "run": "d", "languages": "e", **changed}


def test_declared_parameters_pass():
    assert arguments.checked_parameters(given()) == given()


@pytest.mark.parametrize(
    "changed", [{"data; import os": "x"}, {"period": 7}, {"period": True}, {"store": None}]
)
def test_an_undeclared_name_or_another_type_is_refused(changed):
    with pytest.raises(ValueError, match=r"parameter"):
        arguments.checked_parameters(given(**changed))


def test_a_missing_parameter_is_refused():
    with pytest.raises(ValueError, match="run: unknown or missing"):
        arguments.checked_parameters({n: v for n, v in given().items() if n != "run"})


def test_the_output_must_not_be_a_file(tmp_path, capsys):
    Path(tmp_path, "file").touch()
    with pytest.raises(SystemExit):
        arguments.read(["--output", str(tmp_path / "file")])
    assert "is a file; give a folder" in capsys.readouterr().err
