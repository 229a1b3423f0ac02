"""jsforce, as released, against the simulator: one session in Node, looked at step by step."""

from typing import Any

import pytest

from salesforce_simulator.simulator import DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET
from support.process import running
from support.programs import output_of

USER = "ada.admin@northwind.example"


@pytest.fixture(scope="module")
def seen() -> Any:
    """What each step of the session saw."""
    with running() as (client, _):
        given = {
            "baseUrl": str(client.base_url).rstrip("/"),
            "clientId": DEFAULT_CLIENT_ID,
            "clientSecret": DEFAULT_CLIENT_SECRET,
            "callback": "https://app.example.com/callback",
            "username": USER,
        }
        return output_of("jsforce_session.js", given)


def test_a_person_logs_in_with_pkce(seen: Any) -> None:
    login = seen["login"]
    assert (login["state"], login["username"], login["isRefreshable"]) == ("x y", USER, True)
    assert login["user"]["id"].startswith("005")


def test_describe_names_objects_and_fields(seen: Any) -> None:
    described = seen["describe"]
    assert {"Lead", "CampaignMember"} <= set(described["names"])
    assert (described["email"], described["prefix"]) == ("email", "00Q")


def test_a_row_is_created_changed_read_and_deleted(seen: Any) -> None:
    rows = seen["rows"]
    assert [rows[step] for step in ("created", "updated", "title", "destroyed")] == [True, True, "CTO", True]
    assert rows["gone"]["name"] == "ENTITY_IS_DELETED"


def test_an_upsert_creates_then_updates(seen: Any) -> None:
    first, second = seen["upsert"]["first"], seen["upsert"]["second"]
    assert (first["created"], second["created"], first["id"] == second["id"]) == (True, False, True)


def test_any_text_is_found_by_itself_only(seen: Any) -> None:
    found = seen["texts"]["found"]
    assert len(found) == 5
    assert [one["rows"] for one in found] == [[one["text"]] for one in found]
    assert seen["texts"]["byFind"] == ["O'Brien"]


def test_a_backslash_that_find_leaves_alone_is_an_illegal_escape(seen: Any) -> None:
    refused = seen["texts"]["backslash"]
    assert refused["name"] == "MALFORMED_QUERY"
    assert refused["message"].endswith(r"Illegal character sequence '\s' in string literal.")


def test_2100_records_come_in_two_pages(seen: Any) -> None:
    assert seen["paging"] == {"sizes": [2000, 100, 2100], "done": [False, True]}


def test_a_bad_row_of_a_collection_leaves_the_others_unless_all_or_none(seen: Any) -> None:
    loose, strict = seen["collection"]["loose"], seen["collection"]["strict"]
    assert [row["success"] for row in loose] == [True, False, True]
    codes = [row["errors"][0]["statusCode"] for row in strict]
    rolled_back = "ALL_OR_NONE_OPERATION_ROLLED_BACK"
    assert codes == [rolled_back, "REQUIRED_FIELD_MISSING", rolled_back]


def test_a_composite_uses_what_its_parts_made(seen: Any) -> None:
    assert seen["composite"] == {"statuses": [201, 201, 200], "account": "Acme"}


def test_a_person_is_a_campaign_member_once(seen: Any) -> None:
    members = seen["members"]
    assert members["first"] is True
    assert members["again"]["name"] == "DUPLICATE_VALUE"
    assert members["again"]["message"] == "Already a campaign member."


def test_the_identity_of_the_session_is_read(seen: Any) -> None:
    assert seen["identity"] == {"username": USER, "org": "00D"}


def test_an_expired_session_is_renewed_and_the_call_repeated(seen: Any) -> None:
    assert seen["renewal"] == {"size": 2, "refreshes": 1, "isNew": True}


def test_errors_arrive_with_their_codes(seen: Any) -> None:
    errors = seen["errors"]
    assert errors["column"]["name"] == "INVALID_FIELD"
    assert errors["token"]["message"].endswith("ERROR at Row:1:Column:26\nunexpected token: '<EOF>'")
    assert errors["required"]["data"]["fields"] == ["Company"]
    assert {one["errorCode"] for one in errors["several"]["data"]} == {
        "STRING_TOO_LONG",
        "INVALID_EMAIL_ADDRESS",
    }
