"""Each value of a state is defined once; the API's own types and the tables hold exactly the same ones."""

import ast
import json
import re
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel
from sqlalchemy import CheckConstraint

from app import states
from app.campaigns import schemas as campaigns
from app.connections.model import schemas as connections
from app.models import (
    Backfill,
    Base,
    CampaignLink,
    Connection,
    Notification,
    SyncJob,
    Verification,
    WrittenRecord,
)
from app.operations import notification_schemas
from app.operations import schemas as operations
from app.registrations import schemas as registrations
from app.registrations.listing import RowState
from app.salesforce.error_codes import ErrorClass
from app.webhooks import schemas as webhooks

ENUMS = [
    each
    for each in vars(states).values()
    if isinstance(each, type) and issubclass(each, StrEnum) and each is not StrEnum
]


@pytest.mark.parametrize(
    ("named", "enum"),
    [
        (operations.JobStateName, states.JobState),
        (operations.ErrorClassName, ErrorClass),
        (connections.ConnectionStateName, states.ConnectionState),
        (connections.AttemptStateName, states.AttemptState),
        (campaigns.LinkStateName, states.LinkState),
        (webhooks.Status, states.RegistrationStatus),
        (notification_schemas.NotificationStateName, states.NotificationState),
        (notification_schemas.NotificationTypeName, states.NotificationType),
    ],
)
def test_a_type_of_the_api_names_every_state(named: Any, enum: type[StrEnum]) -> None:
    assert set(get_args(named)) == set(enum)


def test_rows_are_listed_by_every_state_and_by_attendance() -> None:
    assert set(get_args(RowState)) == {*states.SyncState, "attended"}


@pytest.mark.parametrize(
    ("counted", "enum"),
    [
        (registrations.PendingBecause, states.PendingReason),
        (registrations.SkippedBecause, states.SkipReason),
        (campaigns.Statuses, states.StatusMeaning),
        (campaigns.StatusesChosen, states.StatusMeaning),
        (campaigns.StatusReasons, states.StatusMeaning),
    ],
)
def test_a_model_of_the_api_has_a_field_for_every_member(
    counted: type[BaseModel], enum: type[StrEnum]
) -> None:
    assert set(counted.model_fields) == set(enum)


@pytest.mark.parametrize(
    ("table", "values"),
    [
        (SyncJob, states.JobState),
        (WrittenRecord, states.WriteState),
        (CampaignLink, states.LinkState),
        (Backfill, states.BackfillState),
        (Verification, states.VerificationState),
        (Connection, states.STORED_CONNECTION_STATES),
        (Notification, states.STORED_NOTIFICATION_STATES),
    ],
)
def test_a_table_takes_every_stored_state_and_no_other(table: type[Base], values: Any) -> None:
    checks = table.metadata.tables[table.__tablename__].constraints
    conditions = [str(each.sqltext) for each in checks if isinstance(each, CheckConstraint)]
    [condition] = [each for each in conditions if each.startswith("state IN (")]
    assert re.findall("'([a-z_]+)'", condition) == list(values)


@pytest.mark.parametrize("enum", ENUMS)
def test_a_member_is_its_value_wherever_it_is_written(enum: type[StrEnum]) -> None:
    for member in enum:
        assert json.dumps(member) == f'"{member.value}"'
        assert f"{member}" == str(member) == member.value == member
        assert {member.value: 1}[member] == 1


ROOT = Path(__file__).parents[2]
WORDS = frozenset(
    {
        "already_pending", "already_synced", "ambiguous", "certainty", "checked_in", "confirming", "declined",
        "erased", "held", "intended", "needs_reconnect", "no_email", "no_match", "no_show", "not_configured",
        "not_connected", "nothing_wanted", "org_backoff", "reapply", "replay_watched", "retry_later",
        "salesforce_access", "skipped", "synced", "unlink", "waitlisted", "written",
    }
)  # fmt: skip
"""Values of states that mean nothing else: as bare texts they would be states that no enum holds."""


def test_no_module_writes_a_state_as_a_bare_text() -> None:
    assert {each.value for enum in ENUMS for each in enum} >= WORDS
    paths = [path for folder in ("app", "workers") for path in (ROOT / folder).rglob("*.py")]
    bare = [f"{path.relative_to(ROOT)}: {word}" for path in paths for word in _bare_words(path)]
    assert bare == ["app/salesforce/error_codes.py: ambiguous"]


def _bare_words(path: Path) -> Iterator[str]:
    if path.name == "states.py":
        return
    tree = ast.parse(path.read_text(encoding="utf-8"))
    typed = {id(each) for node in ast.walk(tree) if _is_literal_type(node) for each in ast.walk(node)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and node.value in WORDS and id(node) not in typed:
            yield node.value


def _is_literal_type(node: ast.AST) -> bool:
    return isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) and node.value.id == "Literal"
