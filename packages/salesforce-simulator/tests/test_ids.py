"""Ids of fifteen and eighteen characters."""

import pytest

from salesforce_simulator import ids

# Published pairs of a short id and its check suffix.
PAIRS = [
    ("a0D30000001n7Pi", "EAI"),
    ("a01M00000062mPg", "IAI"),
    ("001M000000qfPyS", "IAU"),
    ("a0FE000000D6r3F", "MAR"),
    ("0F9E000000092w2", "KAA"),
]


NUMBERS = [1, 61, 62, 123_456, 62**5 + 7]


@pytest.mark.parametrize(("short", "suffix"), PAIRS, ids=[pair[0] for pair in PAIRS])
def test_published_ids_get_their_published_suffix(short: str, suffix: str) -> None:
    assert ids.to18(short) == short + suffix
    assert ids.normalise(short) == short + suffix
    assert ids.normalise(short + suffix.lower()) == short + suffix


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("a0D30000001n7P", id="too short"),
        pytest.param("a0D30000001n7PiEA", id="between the two lengths"),
        pytest.param("a0D30000001n7PiAAA", id="wrong suffix"),
        pytest.param("a0D30000001n7P!", id="wrong character"),
        pytest.param("ä0D30000001n7Pi", id="no ASCII"),
    ],
)
def test_a_malformed_id_is_refused(text: str) -> None:
    with pytest.raises(ids.MalformedId):
        ids.normalise(text)


def test_minted_ids_carry_their_number() -> None:
    assert ids.new_id("00Q", 1) == "00Q5g0000000001EAA"
    assert [ids.number_of(ids.new_id("00Q", n)) for n in NUMBERS] == NUMBERS
    assert ids.number_of("001M000000qfPySIAU") == 0
