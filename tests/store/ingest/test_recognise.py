"""Which source the data are of."""

from pathlib import Path

import pytest

from helpers.store.errors import UnknownSource
from helpers.store.ingest import recognise
from helpers.store.ingest.sources import SOURCES


@pytest.mark.parametrize(
    ("data", "name"),
    [
        ("online_retail_II", "online_retail_II"),
        ("online_retail_II/online_retail_II_stacked.parquet", "online_retail_II"),
        ("cdnow", "cdnow"),
        ("cdnow/CDNOW_sample.parquet", "cdnow"),
        ("complete_journey", "complete_journey"),
        ("complete_journey/transactions.parquet", "complete_journey"),
        ("hillstrom", "hillstrom"),
        ("hillstrom/hillstrom.parquet", "hillstrom"),
    ],
)
def test_the_public_data_sets_are_known_by_their_headers(shared_data: Path, data, name) -> None:
    assert recognise(shared_data / data).name == name


@pytest.mark.parametrize("data", ["olist_10k", "mmm_example", "fx"])
def test_another_data_set_is_refused_with_what_was_found_and_what_is_known(
    shared_data: Path, data
) -> None:
    with pytest.raises(UnknownSource) as caught:
        recognise(shared_data / data)
    told = str(caught.value)
    assert min((shared_data / data).iterdir()).name in told
    assert all(source.name in told for source in SOURCES)
    assert "helpers/store/ingest/" in told


@pytest.mark.parametrize("name", ["empty", "notes.txt", "broken.parquet", "broken.xlsx"])
def test_nothing_usable_is_refused_without_a_crash(tmp_path, name) -> None:
    path = tmp_path / name
    path.mkdir() if name == "empty" else path.write_bytes(b"PK\x03\x04 nothing")
    with pytest.raises(UnknownSource, match="no known source"):
        recognise(path)


def test_a_canonical_folder_is_known_even_where_a_header_is_broken(folder) -> None:
    assert recognise(folder(orders=b"\xff\xfe\x00")).name == "canonical"


def test_every_source_says_what_it_is() -> None:
    for source in SOURCES:
        assert source.about
        assert source.headers
        assert source.defaults.currency
        assert set(source.defaults.name) in (set(), {"en", "zh"})
