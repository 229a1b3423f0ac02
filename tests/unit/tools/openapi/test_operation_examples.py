"""The files of examples: what `$` names is there, and every shared value is used."""

import json
import re
import tomllib
from pathlib import Path

import pytest

from app.user_messages.catalog import advise
from tools.openapi.operation_examples import FILES, expanded

ROOT = Path(__file__).parents[4]


def test_members_beside_a_name_stand_in_place_of_its_own() -> None:
    budget = FILES["connection"]["values"]["budget"]
    used = expanded([{"$like": "connection.budget", "org_used": 1}])
    assert used == [budget | {"org_used": 1}]
    assert budget["org_used"] != 1


def test_a_member_of_a_shared_value_is_named_by_its_place() -> None:
    org = FILES["connection"]["values"]["connected"]["connection"]["org"]
    assert expanded({"$like": "connection.connected.connection.org"}) == expanded(org)


def test_advice_is_the_one_of_the_catalog() -> None:
    expected = advise("validation_rule", object="Lead").model_dump(mode="json")
    assert expanded({"$advice": "validation_rule", "object": "Lead"}) == expected


def test_events_are_the_text_of_a_stream() -> None:
    text = expanded({"$events": [{"id": 7, "event": "row", "data": {"state": "synced"}}]})
    assert text == 'id: 7\nevent: row\ndata: {"state": "synced"}\n\n'


@pytest.mark.parametrize("node", [{"$like": "connection.otter"}, {"$advice": "otter"}])
def test_a_name_that_is_nowhere_is_refused(node: dict[str, str]) -> None:
    with pytest.raises(KeyError, match="otter"):
        expanded(node)


def test_every_shared_value_is_used() -> None:
    used = set(re.findall(r'"\$like": "(\w+\.\w+)', json.dumps(FILES)))
    assert {f"{name}.{value}" for name, file in FILES.items() for value in file["values"]} == used


def test_examples_come_with_the_wheel() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert project["tool"]["setuptools"]["package-data"]["tools"] == ["openapi/examples/*.json"]
