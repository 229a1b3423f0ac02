"""Encrypted values: readable for their host and column alone, and not once altered."""

import pytest

from app.config.encryption_key import KeyInvalid, parse_key
from app.infrastructure.encryption import (
    DecryptionFailed,
    Encryptor,
    KeyMissing,
    fingerprint,
    kid_of,
    new_key,
)

SECRET = "5Aep861 the otter's token ü"
HOST, COLUMN = "host_a", "connections.refresh_token"


@pytest.fixture(scope="module")
def sealed(vault: Encryptor) -> bytes:
    return vault.seal(SECRET, host_id=HOST, column=COLUMN)


def test_sealed_value_opens_for_its_host_and_column(vault: Encryptor, sealed: bytes) -> None:
    assert vault.open(sealed, host_id=HOST, column=COLUMN) == SECRET
    assert b"5Aep" not in sealed


@pytest.mark.parametrize(
    ("host_id", "column"),
    [
        pytest.param("host_b", COLUMN, id="other host"),
        pytest.param(HOST, "connections.access_token", id="other column"),
        pytest.param("", COLUMN, id="no host"),
        pytest.param("token\x1fhost_a", "connections.refresh", id="shifted border"),
    ],
)
def test_sealed_value_does_not_open_elsewhere(
    vault: Encryptor, sealed: bytes, host_id: str, column: str
) -> None:
    with pytest.raises(DecryptionFailed):
        vault.open(sealed, host_id=host_id, column=column)


def test_any_flipped_byte_breaks_the_seal(vault: Encryptor, sealed: bytes) -> None:
    for place in range(len(sealed)):
        altered = bytearray(sealed)
        altered[place] ^= 1
        with pytest.raises((DecryptionFailed, KeyMissing)):
            vault.open(bytes(altered), host_id=HOST, column=COLUMN)


def test_any_cut_breaks_the_seal(vault: Encryptor, sealed: bytes) -> None:
    for length in range(len(sealed)):
        with pytest.raises((DecryptionFailed, KeyMissing)):
            vault.open(sealed[:length], host_id=HOST, column=COLUMN)


def test_same_secret_is_never_sealed_the_same_way(vault: Encryptor, sealed: bytes) -> None:
    assert vault.seal(SECRET, host_id=HOST, column=COLUMN) != sealed


def test_parts_of_two_sealed_values_do_not_mix(vault: Encryptor, sealed: bytes) -> None:
    other = vault.seal("another secret of the same length", host_id=HOST, column=COLUMN)
    border = 2 + len(vault.current_kid) + 12 + 48
    with pytest.raises(DecryptionFailed):
        vault.open(sealed[:border] + other[border:], host_id=HOST, column=COLUMN)


def test_rotation_rewraps_the_key_and_keeps_the_secret() -> None:
    old, new = new_key("old"), new_key("new")
    sealed = Encryptor.from_texts([old]).seal(SECRET, host_id=HOST, column=COLUMN)
    both = Encryptor.from_texts([new, old])
    assert both.open(sealed, host_id=HOST, column=COLUMN) == SECRET
    rewrapped = both.rewrap(sealed, host_id=HOST, column=COLUMN)
    assert (kid_of(sealed), kid_of(rewrapped)) == ("old", "new")
    assert rewrapped[-len(SECRET.encode()) - 28 :] == sealed[-len(SECRET.encode()) - 28 :]
    assert Encryptor.from_texts([new]).open(rewrapped, host_id=HOST, column=COLUMN) == SECRET
    assert both.rewrap(rewrapped, host_id=HOST, column=COLUMN) == rewrapped


def test_rotation_refuses_a_value_of_another_host() -> None:
    old, new = new_key("old"), new_key("new")
    sealed = Encryptor.from_texts([old]).seal(SECRET, host_id=HOST, column=COLUMN)
    with pytest.raises(DecryptionFailed):
        Encryptor.from_texts([new, old]).rewrap(sealed, host_id="host_b", column=COLUMN)


def test_missing_key_is_named(sealed: bytes) -> None:
    with pytest.raises(KeyMissing, match="'test'"):
        Encryptor.from_texts([new_key("new")]).open(sealed, host_id=HOST, column=COLUMN)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "k1",
        "k1:",
        ":AAAA",
        "k1:!!!",
        "k1:é",
        "k1:" + "A" * 42,
        "é:" + "A" * 43 + "=",
        "k" * 33 + ":" + "A" * 43 + "=",
    ],
)
def test_malformed_key_is_refused_without_showing_it(text: str) -> None:
    with pytest.raises(KeyInvalid) as caught:
        parse_key(text)
    assert "AAAA" not in str(caught.value)


def test_new_key_has_the_form_that_settings_take() -> None:
    kid, key = parse_key(new_key("k9"))
    assert (kid, len(key)) == ("k9", 32)
    assert new_key("k9") != new_key("k9")


def test_fingerprint_shows_a_secret_without_telling_it() -> None:
    assert fingerprint("a") == "ca978112ca1b"


def test_vault_tells_which_keys_it_has() -> None:
    vault = Encryptor.from_texts([new_key("k2"), new_key("k1")])
    assert (vault.kids, vault.current_kid) == (frozenset({"k1", "k2"}), "k2")
