"""Which sale a cancellation takes back: hand counts, and what must hold for any history."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from helpers.store.ingest.cancellations import matched

HISTORIES = st.lists(st.tuples(st.integers(1, 9), st.booleans()), max_size=12).map(
    lambda moves: [(number, pieces, cancels) for number, (pieces, cancels) in enumerate(moves)]
)


def test_the_latest_sale_is_taken_back_first() -> None:
    assert list(matched([(1, 5, False), (2, 5, False), (3, 4, True)])) == [(3, 2, 1, 4)]


def test_what_the_latest_sale_can_not_cover_is_taken_from_the_one_before() -> None:
    assert list(matched([(1, 5, False), (2, 2, False), (3, 4, True)])) == [
        (3, 2, 1, 2),
        (3, 1, 2, 2),
    ]


def test_pieces_taken_back_once_are_gone() -> None:
    assert list(matched([(1, 3, False), (2, 3, True), (3, 1, True)])) == [
        (2, 1, 1, 3),
        (3, None, 1, 1),
    ]


def test_a_later_sale_is_never_taken_back() -> None:
    assert list(matched([(1, 2, True), (2, 2, False)])) == [(1, None, 1, 2)]


@given(HISTORIES)
def test_every_piece_comes_back_once_and_no_sale_gives_more_than_it_had(history) -> None:
    parts = list(matched(history))
    sold = {position: pieces for position, pieces, cancels in history if not cancels}
    cancelled = {position: pieces for position, pieces, cancels in history if cancels}
    by_cancellation, by_sale = Counter(), Counter()
    for cancellation, sale, _, pieces in parts:
        by_cancellation[cancellation] += pieces
        if sale is not None:
            assert sale < cancellation
            by_sale[sale] += pieces
    assert by_cancellation == Counter(cancelled)
    assert all(pieces <= sold[sale] for sale, pieces in by_sale.items())


@given(HISTORIES)
def test_nothing_stays_unlinked_while_a_sale_has_pieces_left(history) -> None:
    left = 0
    loose = Counter()
    for position, pieces, cancels in history:
        if cancels:
            loose[position] = max(pieces - left, 0)
            left = max(left - pieces, 0)
        else:
            left += pieces
    found = Counter()
    for cancellation, sale, _, pieces in matched(history):
        if sale is None:
            found[cancellation] += pieces
    assert +found == +loose
