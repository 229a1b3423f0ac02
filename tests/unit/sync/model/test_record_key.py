"""Which field of an org is the one for unique keys."""

from typing import Any

import pytest

from app.salesforce.package import KEY
from app.sync.model.record_key import KeyRules, RecordKey, is_unique_create, key_fields
from tests.unit.sync.builders import described, field
from tests.unit.sync.planning.builders import slot

AS_BROUGHT: dict[str, Any] = {"length": 64, "is_unique": True, "is_external_id": True}
UNKNOWN = {
    "not unique": {"is_unique": False},
    "no external id": {"is_external_id": False},
    "read-only": {"is_createable": False},
    "not to be asked for": {"is_filterable": False},
    "too short": {"length": 40},
    "another type": {"type": "double"},
}


def found(*names: str, namespace: str | None = None, **changes: Any) -> str | None:
    fields = [field(name, **{**AS_BROUGHT, **changes}) for name in names]
    return key_fields({"Lead": described(*fields)}, namespace).get("Lead")


def test_the_field_counts_under_the_namespace_that_is_set() -> None:
    assert found(f"evs__{KEY}", namespace="evs") == f"evs__{KEY}"
    assert found(f"evs__{KEY}", namespace="otter") is None
    assert found(KEY, namespace="evs") is None
    assert found(f"evs__{KEY}", f"otter__{KEY}", KEY, namespace="otter") == f"otter__{KEY}"


def test_without_a_namespace_it_counts_where_it_is_the_only_one() -> None:
    assert found(KEY) == KEY
    assert found(f"otter__{KEY}") == f"otter__{KEY}"
    assert found(KEY, f"otter__{KEY}") is None
    assert found("Other__c") is None


@pytest.mark.parametrize("changes", UNKNOWN.values(), ids=UNKNOWN.keys())
def test_a_field_that_is_not_as_the_package_brings_it_does_not_count(changes: dict[str, Any]) -> None:
    assert found(KEY, **changes) is None


def test_people_have_keys_only_where_a_pepper_lasts() -> None:
    written = frozenset({"Lead", "Task", "Account", "CampaignMember"})
    assert KeyRules().objects(written) == {"Task"}
    assert KeyRules(are_people_keyed=True).objects(written) == {"Lead", "Task"}


@pytest.mark.parametrize(
    ("reference", "fields", "is_unique"),
    [
        ("EVS-A", {"Task": KEY}, True),
        ("EVS-B", {"Task": KEY}, False),
        ("EVS-A", {"Task": f"evs__{KEY}"}, False),
        ("EVS-A", {"Event": KEY}, False),
        (None, {"Task": KEY}, False),
    ],
)
def test_a_lost_create_is_unique_by_the_key_that_a_new_one_would_carry(
    reference: str | None, fields: dict[str, str], is_unique: bool
) -> None:
    lost = slot("ambiguous", "Task", reference=reference, details={"sent_key": RecordKey(KEY, "EVS-A").text})
    assert is_unique_create(lost, fields) is is_unique
