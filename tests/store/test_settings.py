"""What `store.toml` may say."""

import pytest

from helpers.store.errors import BadInput
from helpers.store.settings import StoreSettings, load_settings


def settings_of(tmp_path, text: str) -> StoreSettings:
    (tmp_path / "store.toml").write_text(text, encoding="utf-8")
    return load_settings(tmp_path)


def test_without_a_file_everything_is_left_to_the_source(tmp_path) -> None:
    assert load_settings(tmp_path) == StoreSettings()
    assert load_settings("env:SHOP") == StoreSettings()


def test_everything_can_be_said(tmp_path) -> None:
    found = settings_of(
        tmp_path,
        'currency = "EUR"\ntime_zone = "Europe/Berlin"\nencoding = "gb18030"\n'
        '[name]\nen = "Mugs"\nzh = "杯子店"\n[targets]\nrepurchase_rate = 0.4\norders = 12\n',
    )
    assert found == StoreSettings(
        {"en": "Mugs", "zh": "杯子店"}, "EUR", "Europe/Berlin", "gb18030",
        {"repurchase_rate": 0.4, "orders": 12.0},
    )  # fmt: skip


def test_a_file_has_its_settings_beside_it(tmp_path) -> None:
    settings_of(tmp_path, 'currency = "EUR"')
    (tmp_path / "orders.parquet").touch()
    assert load_settings(tmp_path / "orders.parquet").currency == "EUR"


def test_one_name_holds_in_both_languages(tmp_path) -> None:
    assert settings_of(tmp_path, 'name = "Mugs"').name == {"en": "Mugs", "zh": "Mugs"}
    assert settings_of(tmp_path, '[name]\nzh = "杯"').name == {"en": "杯", "zh": "杯"}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('curency = "EUR"', "unknown key 'curency'; known are name, currency, time_zone"),
        ('currency = "euro"', "currency is 'euro'; it must be three capitals"),
        ("currency = 5", "currency is 5"),
        ('time_zone = "Mars/Base"', "time_zone is 'Mars/Base'"),
        ('time_zone = "../etc/passwd"', "time_zone is '../etc/passwd'"),
        ('encoding = "klingon"', "encoding is 'klingon'"),
        ('encoding = "rot13"', "encoding is 'rot13'"),
        ("name = 3", "name is 3"),
        ('[name]\nfr = "Tasses"', "name.fr"),
        ('[targets]\norders = "many"', "targets.orders is 'many'; it must be a number"),
        ("targets = 3", "targets is 3"),
        ("currency = ", "is no TOML in UTF-8"),
    ],
)
def test_what_can_not_be_is_refused_with_the_value_and_the_rule(tmp_path, text, told) -> None:
    with pytest.raises(BadInput) as caught:
        settings_of(tmp_path, text)
    assert told in str(caught.value)
    assert "store.toml" in str(caught.value)
