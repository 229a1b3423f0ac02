"""The locks: what pyproject.toml asks for, pinned by hash, no address."""

import pytest

from tools.locks import lock_faults

PROJECT = {
    "dependencies": ["alpha>=2"],
    "optional-dependencies": {"dev": ["beta[toml]>=1"], "bench": ["gamma"]},
}
HASH = "    --hash=sha256:00\n"


def lock(**pins: str) -> str:
    return "".join(f"{name}=={version} \\\n{HASH}" for name, version in pins.items())


WHOLE = {
    "requirements.lock": lock(alpha="2.1"),
    "requirements-dev.lock": lock(alpha="2.1", beta="1.0"),
    "requirements-bench.lock": lock(gamma="1"),
}


def test_locks_that_agree_have_no_fault() -> None:
    assert list(lock_faults(PROJECT, WHOLE)) == []


@pytest.mark.parametrize(
    ("name", "text", "fault"),
    [
        ("requirements.lock", "", "requirements.lock lacks alpha"),
        ("requirements-dev.lock", lock(alpha="2.1"), "requirements-dev.lock lacks beta"),
        ("requirements-bench.lock", lock(delta="1"), "requirements-bench.lock lacks gamma"),
        ("requirements.lock", lock(alpha="1.9"), "pins alpha 1.9, pyproject.toml asks for >=2"),
        ("requirements.lock", lock(alpha="2.2"), "has alpha 2.2, requirements-dev.lock 2.1"),
        ("requirements.lock", "alpha==2.1\n", "has an entry without a hash (alpha==2.1)"),
        ("requirements.lock", "--index-url https://x\n" + lock(alpha="2.1"), "names an address"),
    ],
)
def test_a_lock_that_disagrees_is_named(name: str, text: str, fault: str) -> None:
    assert any(fault in one for one in lock_faults(PROJECT, WHOLE | {name: text}))
