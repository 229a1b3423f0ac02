"""Ids: checksum, prefixes, and ids that people paste."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.salesforce.ids import MalformedId, find_id, is_id, sobject_of, to18

CAMPAIGN = "7015g000000KqRs"
CAMPAIGN18 = to18(CAMPAIGN)


@pytest.mark.parametrize(
    ("short", "suffix"),
    [
        ("a0D30000001n7Pi", "EAI"),
        ("a01M00000062mPg", "IAI"),
        ("001M000000qfPyS", "IAU"),
        ("a0FE000000D6r3F", "MAR"),
        ("0F9E000000092w2", "KAA"),
    ],
)
def test_published_pairs_get_their_suffix(short: str, suffix: str) -> None:
    assert to18(short) == short + suffix


@given(st.from_regex(r"[a-zA-Z0-9]{15}", fullmatch=True))
def test_to18_is_idempotent(short: str) -> None:
    assert to18(to18(short)) == to18(short)


@given(st.from_regex(r"[A-Z]{15}", fullmatch=True), st.integers(0, 14))
def test_one_letter_in_another_case_breaks_the_checksum(short: str, place: int) -> None:
    long = to18(short)
    with pytest.raises(MalformedId) as refused:
        to18(long[:place] + long[place].lower() + long[place + 1 :])
    assert refused.value.reason == "checksum"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("7015g000000KqR", id="14"),
        pytest.param("7015g000000KqRsA", id="16"),
        pytest.param("7015g000000KqRsAAKx", id="19"),
        pytest.param("7015g000000KqR-", id="punctuation"),
        pytest.param("7015g000000KqRs\n", id="newline"),
        pytest.param("7015g000000KqRé", id="not-ascii"),
        pytest.param("７015g000000KqRs", id="full-width-digit"),
    ],
)
def test_other_lengths_and_characters_are_malformed(text: str) -> None:
    with pytest.raises(MalformedId) as refused:
        to18(text)
    assert refused.value.reason == "format"
    assert not is_id(text)


def test_an_id_is_of_the_object_its_prefix_names() -> None:
    assert is_id(CAMPAIGN, "701")
    assert is_id(CAMPAIGN18, "701")
    assert not is_id(CAMPAIGN, "00Q")
    assert not is_id(None)
    assert not is_id(7015)


@pytest.mark.parametrize(
    ("prefix", "sobject"),
    [("00v", "CampaignMember"), ("00Q", "Lead"), ("003", "Contact"), ("00T", "Task"), ("00V", None)],
)
def test_the_key_prefix_names_the_object(prefix: str, sobject: str | None) -> None:
    assert sobject_of(f"{prefix}5g000000KqRs") == sobject


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(CAMPAIGN, id="15"),
        pytest.param(CAMPAIGN18, id="18"),
        pytest.param(f"  {CAMPAIGN18}\n", id="spaces"),
        pytest.param(
            f"https://acme.lightning.force.com/lightning/r/Campaign/{CAMPAIGN18}/view", id="lightning"
        ),
        pytest.param(f"https://acme.lightning.force.com/lightning/r/{CAMPAIGN18}/view", id="lightning-short"),
        pytest.param(f"acme.lightning.force.com/lightning/r/Campaign/{CAMPAIGN18}/view", id="without-scheme"),
        pytest.param(f"https://acme.my.salesforce.com/{CAMPAIGN}", id="classic"),
        pytest.param(f"https://acme.my.salesforce.com/{CAMPAIGN}?nooverride=1", id="classic-query"),
        pytest.param(f"https://acme.my.salesforce.com/{CAMPAIGN}/e?retURL=%2F{CAMPAIGN}", id="classic-edit"),
        pytest.param(
            f"https://acme.lightning.force.com/one/one.app#/sObject/{CAMPAIGN18}/view", id="one-app"
        ),
        pytest.param(f"https://acme.my.salesforce.com/p?id={CAMPAIGN}&x=1", id="parameter"),
        pytest.param(f"https://x.my.salesforce.com/s?startURL=%2F{CAMPAIGN}", id="percent-encoded"),
    ],
)
def test_a_pasted_id_or_url_gives_the_id(text: str) -> None:
    assert find_id(text, "701") == CAMPAIGN18


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param("", "format", id="empty"),
        pytest.param("Spring campaign", "format", id="a-name"),
        pytest.param(f"see {CAMPAIGN}", "format", id="words-around"),
        pytest.param("00Q5g00000AbCdE", "format", id="another-object"),
        pytest.param("https://acme.lightning.force.com/lightning/o/Campaign/list", "format", id="list-view"),
        pytest.param(CAMPAIGN + "AAA", "checksum", id="wrong-suffix"),
        pytest.param(f"https://acme.my.salesforce.com/{CAMPAIGN}AAA", "checksum", id="url-wrong-suffix"),
        pytest.param(f"{CAMPAIGN}" * 5000, "format", id="very-long"),
    ],
)
def test_what_holds_no_id_says_why(text: str, reason: str) -> None:
    assert CAMPAIGN18 != CAMPAIGN + "AAA"
    with pytest.raises(MalformedId) as refused:
        find_id(text, "701")
    assert refused.value.reason == reason
