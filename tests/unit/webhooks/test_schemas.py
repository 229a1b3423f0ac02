"""Payload shapes: what each type requires, what is refused, and what is let through for later."""

import json
from copy import deepcopy
from datetime import UTC, datetime
from typing import Any

import pytest

from app.webhooks.openapi import WEBHOOK_REQUEST
from app.webhooks.parse import InvalidDelivery, Outcome, parse_delivery
from app.webhooks.schemas import TYPES
from tests.deliveries import event, registration, webhook
from tools.openapi.operation_examples import WEBHOOKS

AT = "2026-11-24T08:12:00Z"
EMAIL = {"id": "em_77", "subject": "Otters", "at": AT}

COMPLETE: dict[str, dict[str, Any]] = {
    "registration.confirmed": {},
    "registration.updated": {"registration": registration(status="waitlisted")},
    "registration.cancelled": {
        "registration": registration(status="cancelled", cancelled_at=AT),
        "reason": "Ill",
    },
    "registration.checked_in": {"registration": registration(status="pending", checked_in_at=AT)},
    "registration.check_in_reverted": {"registration": registration(checked_in_at=None)},
    "registration.no_show": {},
    "registration.completed": {},
    "registration.rescheduled": {"previous": {"starts_at": AT, "ends_at": None}},
    "event.published": {},
    "event.updated": {"event": event(kind="on_demand", starts_at=None)},
    "event.cancelled": {"reason": "Flood"},
    "replay.watched": {"replay": {"watched_at": AT, "seconds": 1840, "percent": 76}},
    "email.sent": {"email": EMAIL},
    "email.opened": {"email": {"id": "em_77", "at": AT}},
    "email.replied": {"email": EMAIL | {"snippet": "Yes"}},
    "attendee.erased": {"event": None, "registration": None, "attendee": {"id": "per_51"}},
}


def read(payload: Any) -> Any:
    return parse_delivery("msg_1", json.dumps(payload).encode())


def without(payload: dict[str, Any], path: str) -> dict[str, Any]:
    *parents, last = path.split(".")
    changed = deepcopy(payload)
    node = changed
    for name in parents:
        node = node[name]
    del node[last]
    return changed


def with_value(path: str, value: Any) -> dict[str, Any]:
    *parents, last = path.split(".")
    payload = webhook()
    node: Any = payload["data"]
    for name in parents:
        node = node[name]
    node[last] = value
    return payload


def test_every_type_is_covered() -> None:
    assert COMPLETE.keys() == TYPES.keys()


@pytest.mark.parametrize("type_", COMPLETE)
def test_complete_delivery_of_each_type_is_accepted(type_: str) -> None:
    delivery = read(webhook(type_, **COMPLETE[type_]))
    assert delivery.outcome is Outcome.ACCEPTED
    assert (delivery.registration is None) == type_.startswith(("event.", "attendee."))
    assert (delivery.event is None) == (type_ == "attendee.erased")


@pytest.mark.parametrize(
    ("type_", "blocks", "path"),
    [
        (
            "registration.confirmed",
            {"registration": registration(status="pending")},
            "data.registration.status",
        ),
        ("registration.confirmed", {"event": None}, "data.event"),
        ("registration.confirmed", {"registration": None}, "data.registration"),
        (
            "registration.cancelled",
            {"registration": registration(cancelled_at=AT)},
            "data.registration.status",
        ),
        (
            "registration.cancelled",
            {"registration": registration(status="cancelled")},
            "data.registration.cancelled_at",
        ),
        (
            "registration.checked_in",
            {"registration": registration(checked_in_at=None)},
            "data.registration.checked_in_at",
        ),
        ("registration.check_in_reverted", {}, "data.registration.checked_in_at"),
        (
            "registration.check_in_reverted",
            {"registration": registration(checked_in_at=AT)},
            "data.registration.checked_in_at",
        ),
        (
            "registration.no_show",
            {"registration": registration(status="declined")},
            "data.registration.status",
        ),
        ("registration.rescheduled", {}, "data.previous"),
        ("event.published", {"event": event(starts_at=None)}, "data.event.starts_at"),
        ("replay.watched", {}, "data.replay"),
        ("email.sent", {"email": {"id": "em_77", "at": AT}}, "data.email.subject"),
        ("email.opened", {}, "data.email"),
        ("attendee.erased", {"attendee": {"email": ""}}, "data.attendee"),
    ],
)
def test_type_names_what_it_lacks(type_: str, blocks: dict[str, Any], path: str) -> None:
    with pytest.raises(InvalidDelivery) as refused:
        read(webhook(type_, **blocks))
    assert refused.value.reason == "incomplete"
    assert path in [error.path for error in refused.value.errors]


@pytest.mark.parametrize(
    "path",
    [
        "type",
        "timestamp",
        "data",
        "data.host",
        "data.host.id",
        "data.event.id",
        "data.event.title",
        "data.registration.id",
        "data.registration.status",
        "data.registration.attendee",
        "data.registration.attendee.email",
    ],
)
def test_required_member_must_be_there(path: str) -> None:
    with pytest.raises(InvalidDelivery) as refused:
        read(without(webhook(), path))
    assert [error.path for error in refused.value.errors] == [path]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        pytest.param("host.id", "host a", id="host-id-with-space"),
        pytest.param("host.id", "x" * 65, id="host-id-too-long"),
        pytest.param("registration.id", "reg/1", id="registration-id-with-slash"),
        pytest.param("event.id", "evt\n", id="event-id-with-newline"),
        pytest.param("event.title", "", id="empty-title"),
        pytest.param("event.title", "o" * 256, id="long-title"),
        pytest.param("event.url", "http://otter.example", id="plain-http"),
        pytest.param("event.url", "https://[otter", id="broken-url"),
        pytest.param("event.starts_at", "2026-11-24T08:00:00", id="time-without-offset"),
        pytest.param("event.starts_at", "2026-11-24", id="date-only"),
        pytest.param("event.starts_at", "2026-02-30T08:00:00Z", id="no-such-day"),
        pytest.param("event.starts_at", 1795255200, id="time-as-number"),
        pytest.param("event.starts_at", "0001-01-01T00:00:00+14:00", id="before-time"),
        pytest.param("event.starts_at", "9999-12-31T23:59:59-12:00", id="after-time"),
        pytest.param("event.version", -1, id="negative-version"),
        pytest.param("event.version", True, id="boolean-version"),
        pytest.param("event.version", "4", id="text-version"),
        pytest.param("registration.version", 1.0, id="float-version"),
        pytest.param("registration.status", "maybe", id="unknown-status"),
        pytest.param("registration.attendee.first_name", "o" * 256, id="long-first-name"),
        pytest.param("registration.attendee.email", 7, id="number-as-email"),
        pytest.param("registration.attendee.consent", {"marketing": "no"}, id="text-consent"),
        pytest.param("registration.answers", [{"key": "a", "value": 1}] * 101, id="many-answers"),
        pytest.param("registration.answers", [{"key": "a", "value": {"b": 1}}], id="nested-answer"),
        pytest.param("registration.ticket", {"id": "tkt"}, id="ticket-without-name"),
    ],
)
def test_wrong_shape_is_refused_and_located(path: str, value: Any) -> None:
    with pytest.raises(InvalidDelivery) as refused:
        read(with_value(path, value))
    assert refused.value.reason == "shape"
    assert any(error.path.startswith(f"data.{path}") for error in refused.value.errors)


def test_refusal_never_repeats_the_value() -> None:
    with pytest.raises(InvalidDelivery) as refused:
        read(with_value("registration.status", "mary@otter.example"))
    assert "otter" not in str(refused.value.errors) + str(refused.value)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        pytest.param("event.timezone", "Mars/Phobos", id="bad-zone"),
        pytest.param("event.kind", "hackathon", id="new-kind"),
        pytest.param("event.favourite", {"otter": 1}, id="unknown-field"),
        pytest.param("registration.attendee.email", "not an address", id="malformed-email"),
        pytest.param("registration.attendee.email", None, id="no-email"),
        pytest.param("registration.attendee.company", "o" * 300, id="300-character-company"),
        pytest.param("registration.salesforce_id", "forged", id="foreign-salesforce-id"),
        pytest.param("registration.answers", [{"key": "a", "value": ["x", "y"]}], id="list-answer"),
        pytest.param("host.name", None, id="no-host-name"),
    ],
)
def test_what_a_later_step_can_settle_is_let_in(path: str, value: Any) -> None:
    assert read(with_value(path, value)).outcome is Outcome.ACCEPTED


def test_time_is_kept_in_utc() -> None:
    delivery = read(webhook(timestamp="2026-11-10t15:03:00.25+01:00"))
    assert delivery.occurred_at == datetime(2026, 11, 10, 14, 3, 0, 250_000, tzinfo=UTC)


def test_unknown_type_needs_only_its_head() -> None:
    delivery = read({"type": "otter.fed", "timestamp": AT, "data": {"host": {"id": "host_a"}, "event": 7}})
    assert (delivery.outcome, delivery.event_id) == (Outcome.UNKNOWN_TYPE, None)
    with pytest.raises(InvalidDelivery):
        read({"type": "otter.fed", "timestamp": AT, "data": {}})


@pytest.mark.parametrize("name", WEBHOOKS)
def test_documented_example_is_accepted(name: str) -> None:
    assert read(WEBHOOKS[name]).outcome is Outcome.ACCEPTED


def test_documented_schema_is_self_contained() -> None:
    assert "$ref" not in json.dumps(WEBHOOK_REQUEST)
    assert "$defs" not in json.dumps(WEBHOOK_REQUEST)


@pytest.mark.parametrize(
    ("block", "path"),
    [
        pytest.param({"from": {"name": "Olga"}}, "data.email.from.email", id="sender without an address"),
        pytest.param({"url": "http://otter.example"}, "data.email.url", id="plain http"),
    ],
)
def test_sender_and_address_of_an_email_are_whole(block: dict[str, Any], path: str) -> None:
    email = {"id": "em_77", "at": AT, "subject": "See you"}
    assert read(webhook("email.sent", email=email | {"from": None, "url": None})).registration
    with pytest.raises(InvalidDelivery) as refused:
        read(webhook("email.sent", email=email | block))
    assert [error.path for error in refused.value.errors] == [path]
