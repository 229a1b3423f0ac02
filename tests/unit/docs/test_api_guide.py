"""The guide for the dashboard's developers names existing endpoints, and every task has its example."""

import re
from pathlib import Path
from typing import Any

from tools.openapi.command import describe_api

GUIDE = (Path(__file__).parents[3] / "docs" / "api.md").read_text()
BASES = {
    "$API": "",
    "$H": "/v1/hosts/host_1/salesforce",
    "$E": "/v1/hosts/host_1/events/evt_summit/salesforce",
}
ADDRESS = re.compile(r"(?<![\w{])(\$(?:API|H|E))((?:/[\w.$-]+)*)(?![\w=])")


def path_patterns() -> list[re.Pattern[str]]:
    paths: dict[str, Any] = describe_api()["paths"]
    return [re.compile(re.sub(r"\{\w+\}", "[^/]+", path)) for path in paths]


def named() -> set[str]:
    return {BASES[base] + rest for base, rest in ADDRESS.findall(GUIDE) if BASES[base] + rest}


def test_every_address_of_the_guide_is_an_endpoint() -> None:
    known = path_patterns()
    events_base = BASES["$E"]
    unknown = {
        path
        for path in named()
        if path != events_base and not any(pattern.fullmatch(path) for pattern in known)
    }
    assert unknown == set()


TASKS = [
    "connect",
    "campaign",
    "backfill",
    "stats",
    "registrations",
    "stream",
    "history",
    "dry-run",
    "mapping",
    "preview",
    "retry",
    "exclude",
    "erase",
    "audit",
    "imports",
    "replay",
    "discard",
    "release",
]


def test_guide_shows_every_task() -> None:
    assert [task for task in TASKS if not any(task in path for path in named())] == []
