"""The version is defined in one place; copies that cannot read it agree."""

import json
import tomllib
from pathlib import Path

from app.version import VERSION


def test_the_package_takes_its_version_from_the_service() -> None:
    project = tomllib.loads(Path("pyproject.toml").read_text())
    assert project["project"]["dynamic"] == ["version"]
    assert project["tool"]["setuptools"]["dynamic"]["version"] == {"attr": "app.version.VERSION"}


def test_the_elements_and_the_api_have_the_same_version() -> None:
    package = json.loads(Path("web/package.json").read_text())
    document = json.loads(Path("openapi/openapi.json").read_text())
    assert package["version"] == document["info"]["version"] == VERSION


def test_the_changelog_begins_with_this_version_or_what_follows_it() -> None:
    heads = [line for line in Path("CHANGELOG.md").read_text().splitlines() if line.startswith("## ")]
    versions = heads[1:] if heads[0] == "## Unreleased" else heads
    assert versions[0].startswith(f"## {VERSION} - ")
