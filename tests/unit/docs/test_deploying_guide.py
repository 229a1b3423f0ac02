"""docs/deploying.md: its figures are those of the code."""

import re

import pytest

from app.config.settings import Settings
from app.infrastructure.database import connections_up_to
from tools.deployment.processes import ROOT
from workers.main import with_pool_for_drains

TEXT = (ROOT / "docs/deploying.md").read_text()


def defaults() -> Settings:
    return Settings.model_construct()


def held_by(role: str) -> int:
    settings = defaults()
    return connections_up_to(with_pool_for_drains(settings) if role == "worker" else settings)


@pytest.mark.parametrize("role", ["api", "worker"])
def test_connections_of_a_process(role: str) -> None:
    assert re.findall(rf"<!-- {role} -->(\d+)<!-- -->", TEXT) == [str(held_by(role))]


def test_connections_of_fleets() -> None:
    rows = re.findall(r"(?m)^\| (\d+) \| (\d+) \| (\d+) \| (\d+)", TEXT)
    assert len(rows) == 3
    for row in rows:
        apis, workers, at_most, limit = map(int, row)
        assert at_most == apis * held_by("api") + workers * held_by("worker")
        assert at_most + 10 <= limit


def test_all_files_are_named() -> None:
    section = TEXT.partition("## Kubernetes")[2].partition("## systemd")[0]
    there = {path.name for path in (ROOT / "deploy/kubernetes").iterdir()}
    assert there - set(re.findall(r"`([\w.-]+\.yaml)`", section)) == set()


def test_versions_of_python_are_those_of_the_workflow() -> None:
    workflow = (ROOT / ".github/workflows/ci.yml").read_text()
    found = re.search(r"python: \[(.*)\]", workflow)
    assert found is not None
    assert f"| Python | {found[1].replace(chr(34), '')} |" in TEXT
