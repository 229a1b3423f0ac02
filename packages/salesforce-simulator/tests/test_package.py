"""An org with the package: its fields, what they refuse, and what happens to keys by and by."""

import asyncio
from typing import Any

import httpx
import pytest

from support.client import OrgClient

KEY = "evs__Eventship_Key__c"
OBJECTS = ("Task", "Event", "Lead", "Contact", "Case", "CampaignMember")
TAKEN = "duplicate value found: {} duplicates value on record with id: {}"
NEEDED: dict[str, dict[str, Any]] = {
    "Event": {"StartDateTime": "2026-11-21T10:00:00Z", "DurationInMinutes": 30},
    "Lead": {"LastName": "Doe", "Company": "Acme"},
    "Contact": {"LastName": "Doe"},
}
UNKNOWN = TAKEN.format("<unknown>", "<unknown>")


@pytest.fixture
async def packaged(org: OrgClient) -> OrgClient:
    await org.configure(preset="packaged")
    return org


async def fields(org: OrgClient, sobject: str) -> dict[str, Any]:
    described = (await org.data("GET", f"/sobjects/{sobject}/describe")).json()["fields"]
    return {field["name"]: field for field in described}


async def body(org: OrgClient, sobject: str, key: str | None) -> dict[str, Any]:
    """What a new row takes, with the key."""
    needed = dict(NEEDED.get(sobject, {}))
    if sobject == "CampaignMember":
        needed = {"CampaignId": await org.create("Campaign", Name="Fair"), "LeadId": await org.lead()}
    return {**needed, KEY: key}


async def post(org: OrgClient, sobject: str, key: str | None) -> httpx.Response:
    return await org.data("POST", f"/sobjects/{sobject}", await body(org, sobject, key))


def refusal(answer: httpx.Response) -> tuple[int, dict[str, Any]]:
    (error,) = answer.json()
    return answer.status_code, error


def taken(record_id: str) -> tuple[int, dict[str, Any]]:
    message = TAKEN.format(KEY, record_id[:15])
    return 400, {"message": message, "errorCode": "DUPLICATE_VALUE", "fields": []}


async def stored(org: OrgClient, sobject: str, resource: str = "query") -> list[str]:
    return [row["Id"] for row in await org.rows(f"SELECT Id FROM {sobject} WHERE {KEY} != null", resource)]


@pytest.mark.parametrize("sobject", OBJECTS)
async def test_a_key_is_described_as_a_unique_external_id(packaged: OrgClient, sobject: str) -> None:
    key = (await fields(packaged, sobject))[KEY]
    expected = {"type": "string", "length": 64, "unique": True, "externalId": True, "caseSensitive": False}
    expected |= {"createable": True, "updateable": True, "nillable": True, "permissionable": True}
    assert {name: key[name] for name in expected} == expected


async def test_a_package_without_namespace_has_names_without_it(org: OrgClient) -> None:
    assert not any("Eventship" in name for name in await fields(org, "Task"))
    await org.configure(preset="packaged", package={"namespace": ""})
    assert {"Eventship_Key__c", "Event_Status__c"} <= set(await fields(org, "Event"))
    await org.configure(package=None)
    assert not any("Eventship" in name for name in await fields(org, "Event"))


@pytest.mark.parametrize("sobject", OBJECTS)
async def test_a_key_stands_once_whatever_its_case(packaged: OrgClient, sobject: str) -> None:
    first = (await post(packaged, sobject, "t:Abc")).json()["id"]
    assert refusal(await post(packaged, sobject, "T:aBC")) == taken(first)
    assert (await post(packaged, sobject, "t:abd")).status_code == 201
    assert len(await stored(packaged, sobject)) == 2


async def test_a_key_is_unique_by_object(packaged: OrgClient) -> None:
    assert [(await post(packaged, name, "same")).status_code for name in OBJECTS] == [201] * len(OBJECTS)


@pytest.mark.parametrize("nothing", [None, ""])
async def test_rows_without_a_key_never_collide(packaged: OrgClient, nothing: str | None) -> None:
    answers = [await post(packaged, "Task", nothing) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]


async def test_a_key_is_not_cut_to_its_length(packaged: OrgClient) -> None:
    assert (await post(packaged, "Task", "x" * 64)).status_code == 201
    assert refusal(await post(packaged, "Task", "x" * 65))[1]["errorCode"] == "STRING_TOO_LONG"


async def test_a_key_can_be_changed_but_not_to_anothers(packaged: OrgClient) -> None:
    first, other = [(await post(packaged, "Task", key)).json()["id"] for key in ("a", "b")]
    path = f"/sobjects/Task/{other}"
    assert refusal(await packaged.data("PATCH", path, {KEY: "A"})) == taken(first)
    assert (await packaged.data("PATCH", path, {KEY: "B", "Subject": "same row"})).status_code == 204


async def test_of_creates_at_one_time_one_wins(packaged: OrgClient) -> None:
    await packaged.configure(latency_ms=20)
    answers = await asyncio.gather(*(post(packaged, "Task", "race") for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [201, 400, 400, 400]
    assert len(await stored(packaged, "Task")) == 1


@pytest.mark.parametrize("kind", ["late_apply", "reset_after_write", "reset_before_write"])
async def test_a_create_whose_answer_is_lost_stands_once(packaged: OrgClient, kind: str) -> None:
    """It is applied at once, late or never: the client sends it again at once, and never waits."""
    await packaged.door("POST", "faults", {"kind": kind, "count": 1, "seconds": 60})
    with pytest.raises(httpx.HTTPError):
        await post(packaged, "Task", "lost")
    again = await post(packaged, "Task", "lost")
    (found,) = await stored(packaged, "Task")
    assert refusal(again) == taken(found) if kind == "reset_after_write" else again.json()["id"] == found
    await packaged.door("POST", "settle")
    assert await stored(packaged, "Task") == [found]


async def test_a_create_under_way_holds_its_key_until_it_lands(packaged: OrgClient) -> None:
    fault = {"kind": "late_apply", "count": 1, "seconds": 60, "holds_values": True}
    await packaged.door("POST", "faults", fault)
    with pytest.raises(httpx.HTTPError):
        await post(packaged, "Task", "Held")
    assert refusal(await post(packaged, "Task", "hELD"))[1]["errorCode"] == "UNABLE_TO_LOCK_ROW"
    assert (await post(packaged, "Task", "another")).status_code == 201
    await packaged.door("POST", "settle")
    first = (await stored(packaged, "Task"))[-1]
    assert refusal(await post(packaged, "Task", "held")) == taken(first)


async def test_equal_keys_of_one_collection_name_a_record_that_may_not_stay(packaged: OrgClient) -> None:
    rows = [{"attributes": {"type": "Task"}, KEY: "twice"} for _ in range(2)]
    partial = (await packaged.data("POST", "/composite/sobjects", {"records": rows})).json()
    assert [row["success"] for row in partial] == [True, False]
    assert partial[1]["errors"][0]["message"] == TAKEN.format(KEY, partial[0]["id"][:15])
    (kept,) = await stored(packaged, "Task")
    await packaged.data("DELETE", f"/sobjects/Task/{kept}")

    whole = {"allOrNone": True, "records": rows}
    refused = (await packaged.data("POST", "/composite/sobjects", whole)).json()
    named = refused[1]["errors"][0]["message"].rpartition(" ")[2]
    assert await stored(packaged, "Task") == []
    assert (await packaged.data("GET", f"/sobjects/Task/{named}")).status_code == 404


async def test_a_deleted_record_gives_its_key_free_and_may_not_come_back(packaged: OrgClient) -> None:
    first = (await post(packaged, "Task", "bin")).json()["id"]
    await packaged.data("DELETE", f"/sobjects/Task/{first}")
    second = (await post(packaged, "Task", "bin")).json()["id"]
    answer = await packaged.http.post("/_simulator/undelete", json={"ids": [first]})
    assert answer.status_code == 400
    assert answer.json() == {"error": f"DUPLICATE_VALUE: {TAKEN.format(KEY, second[:15])}"}
    await packaged.data("DELETE", f"/sobjects/Task/{second}")
    assert await packaged.door("POST", "undelete", {"ids": [first]}) == {"undeleted": [first]}
    assert await stored(packaged, "Task") == [first]
    assert refusal(await post(packaged, "Task", "BIN")) == taken(first)


async def test_what_was_deleted_with_a_person_comes_back_with_him(packaged: OrgClient) -> None:
    lead = await packaged.lead(**{KEY: "p"})
    task, gone = [await packaged.create("Task", WhoId=lead, **{KEY: key}) for key in ("t", "u")]
    campaign = await packaged.create("Campaign", Name="Fair")
    await packaged.create("CampaignMember", CampaignId=campaign, LeadId=lead)
    await packaged.data("DELETE", f"/sobjects/Task/{gone}")
    packaged.clock.advance(minutes=1)
    await packaged.data("DELETE", f"/sobjects/Lead/{lead}")
    assert await stored(packaged, "Task") == []
    await packaged.door("POST", "undelete", {"ids": [lead]})
    assert (await stored(packaged, "Lead"), await stored(packaged, "Task")) == ([lead], [task])
    assert await packaged.rows("SELECT Id FROM CampaignMember") == []


async def test_the_key_of_a_merged_person_is_free(packaged: OrgClient) -> None:
    winner, loser = await packaged.lead(**{KEY: "w"}), await packaged.lead(**{KEY: "l"})
    await packaged.door("POST", "merge", {"masterId": winner, "mergedIds": [loser]})
    assert (await post(packaged, "Lead", "l")).status_code == 201
    assert refusal(await post(packaged, "Lead", "w")) == taken(winner)


async def test_a_converted_lead_keeps_its_key_and_its_contact_has_none(packaged: OrgClient) -> None:
    lead = await packaged.lead(**{KEY: "p"})
    contact = (await packaged.door("POST", "convert", {"leadId": lead}))["contactId"]
    assert refusal(await post(packaged, "Lead", "p")) == taken(lead)
    assert (await packaged.get("Contact", contact))[KEY] is None
    assert (await post(packaged, "Contact", "p")).status_code == 201


@pytest.mark.parametrize(
    ("switches", "message"),
    [
        ({}, UNKNOWN),
        ({"hidden_duplicate_value_message": TAKEN.format("", "")}, TAKEN.format("", "")),
        ({"hidden_duplicate_value_message": TAKEN.replace("{}", "{field}", 1).replace("{}", "{id}")}, None),
    ],
)
async def test_a_record_that_nobody_sees_is_not_named(
    packaged: OrgClient, switches: dict[str, Any], message: str | None
) -> None:
    first = (await post(packaged, "Task", "hidden")).json()["id"]
    await packaged.configure(hidden_records=[first], **switches)
    status, error = refusal(await post(packaged, "Task", "hidden"))
    assert (status, error["errorCode"]) == (400, "DUPLICATE_VALUE")
    assert error["message"] == (message or TAKEN.format(KEY, first[:15]))
    answer = await packaged.data("PATCH", f"/sobjects/Task/{KEY}/hidden", {"Subject": "x"})
    assert refusal(answer)[1]["errorCode"] == "DUPLICATE_VALUE"
    assert await stored(packaged, "Task") == []


async def test_a_german_org_says_it_in_german(packaged: OrgClient) -> None:
    first = (await post(packaged, "Task", "deutsch")).json()["id"]
    await packaged.configure(user_language="de")
    _, error = refusal(await post(packaged, "Task", "deutsch"))
    assert error["errorCode"] == "DUPLICATE_VALUE"
    assert error["message"].startswith("Doppelter Wert")
    assert error["message"].endswith(first[:15])


async def test_who_may_not_see_a_field_of_activities_sees_it_on_neither(packaged: OrgClient) -> None:
    assert (await post(packaged, "Task", "seen")).status_code == 201
    await packaged.configure(hidden_fields={"Activity": [KEY]})
    for sobject in ("Task", "Event"):
        assert KEY not in await fields(packaged, sobject)
        assert "No such column" in refusal(await post(packaged, sobject, "seen"))[1]["message"]
    await packaged.configure(hidden_fields={"Activity": []}, read_only_fields={"Activity": [KEY]})
    for sobject in ("Task", "Event"):
        assert (await fields(packaged, sobject))[KEY]["createable"] is False
        assert (
            refusal(await post(packaged, sobject, "x"))[1]["errorCode"] == "INVALID_FIELD_FOR_INSERT_UPDATE"
        )


@pytest.mark.parametrize("sobject", ["Task", "Event", "Lead", "Contact", "Case"])
async def test_a_row_is_upserted_by_its_key(packaged: OrgClient, sobject: str) -> None:
    sent = await body(packaged, sobject, None)
    del sent[KEY]
    path = f"/sobjects/{sobject}/{KEY}/a%3Ab"
    made = await packaged.data("PATCH", path, sent)
    assert (made.status_code, made.json()["created"]) == (201, True)
    again = await packaged.data("PATCH", path.replace("a%3Ab", "A%3AB"), {"Description": "again"})
    assert (again.status_code, again.json()["created"], again.json()["id"]) == (200, False, made.json()["id"])
    assert (await packaged.data("GET", path)).json()["Description"] == "again"
    rows = [{"attributes": {"type": sobject}, KEY: "A:b", "Description": "third"}]
    (third,) = (
        await packaged.data("PATCH", f"/composite/sobjects/{sobject}/{KEY}", {"records": rows})
    ).json()
    assert (third["id"], third["created"]) == (made.json()["id"], False)


async def test_a_member_is_made_by_its_key_but_an_upsert_cannot_name_what_it_is_of(
    packaged: OrgClient,
) -> None:
    sent = await body(packaged, "CampaignMember", None)
    del sent[KEY]
    path = f"/sobjects/CampaignMember/{KEY}/m"
    assert (await packaged.data("PATCH", path, sent)).status_code == 201
    assert (
        refusal(await packaged.data("PATCH", path, sent))[1]["errorCode"] == "INVALID_FIELD_FOR_INSERT_UPDATE"
    )
    assert (await packaged.data("PATCH", path, {"Status": "Responded"})).status_code == 200


async def test_a_member_that_stands_without_a_key_is_no_duplicate_value_of_the_key(
    packaged: OrgClient,
) -> None:
    sent = await body(packaged, "CampaignMember", "m")
    assert (await packaged.data("POST", "/sobjects/CampaignMember", {**sent, KEY: None})).status_code == 201
    _, error = refusal(await packaged.data("POST", "/sobjects/CampaignMember", sent))
    assert (error["errorCode"], error["message"]) == ("DUPLICATE_VALUE", "Already a campaign member.")


async def test_what_an_uninstalled_package_held_is_gone(packaged: OrgClient) -> None:
    first = (await post(packaged, "Task", "k")).json()["id"]
    await packaged.configure(package=None)
    await packaged.configure(preset="packaged")
    assert (await packaged.get("Task", first))[KEY] is None
    assert (await post(packaged, "Task", "k")).status_code == 201


async def test_where_a_field_of_activities_cannot_be_unique_two_rows_have_the_key(
    packaged: OrgClient,
) -> None:
    await packaged.configure(is_activity_unique=False)
    for sobject in ("Task", "Event"):
        assert [(await fields(packaged, sobject))[KEY][name] for name in ("unique", "externalId")] == [
            False,
            True,
        ]
        answers = [await post(packaged, sobject, "same") for _ in range(2)]
        assert [answer.status_code for answer in answers] == [201, 201]
        several = await packaged.data("PATCH", f"/sobjects/{sobject}/{KEY}/same", {"Subject": "x"})
        assert (several.status_code, len(several.json())) == (300, 2)
    assert (await fields(packaged, "Lead"))[KEY]["unique"] is True


@pytest.mark.parametrize(
    "package", [{"namespace": "9evs"}, {"namespace": "a" * 16}, {"registration_link": "javascript:alert(1)"}]
)
async def test_a_namespace_and_a_link_have_their_form(org: OrgClient, package: dict[str, str]) -> None:
    assert (await org.http.put("/_simulator/config", json={"package": package})).status_code == 400
