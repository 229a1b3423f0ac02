"""Request ids in answers and log lines, and the access log: templates instead of addresses."""

import json
import logging
from typing import Any

import pytest

from app.api.request_log import AccessLog
from tests.api.conftest import Service
from tests.api.secret_search import logging_into
from tests.deliveries import post, webhook

CARD = "/v1/hosts/host_a/salesforce"
GIVEN = "trace-of_the-dashboard-1"
ACCESS = "app.api.request_log"


def lines_of(text: str, **wanted: Any) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in text.splitlines()]
    return [line for line in lines if wanted.items() <= line.items()]


def access_log_of(service: Service) -> AccessLog:
    log = service.app._access_log  # type: ignore[attr-defined]
    assert isinstance(log, AccessLog)
    return log


@pytest.mark.parametrize("path", [CARD, "/livez", "/nowhere", "/openapi.json"])
async def test_every_answer_names_the_id_that_came_with_the_request(service: Service, path: str) -> None:
    answer = await service.http.get(path, headers={"X-Request-Id": GIVEN})
    assert answer.headers.get_list("x-request-id") == [GIVEN]


@pytest.mark.parametrize(
    "given", ["short", "x" * 65, "mary@otter.example", "eyJhbGciOiJub25lIn0.e30.c2ln", "id with spaces", ""]
)
async def test_an_id_that_is_not_well_formed_is_replaced(service: Service, given: str) -> None:
    answer = await service.http.get("/nowhere", headers={"X-Request-Id": given})
    [request_id] = answer.headers.get_list("x-request-id")
    assert request_id.startswith("req_")
    assert answer.json()["request_id"] == request_id


async def test_a_webhook_has_an_id_too_and_each_its_own(service: Service) -> None:
    answers = [await post(service.http, webhook(), f"msg_{number}") for number in range(2)]
    refused = await post(service.http, webhook(), "msg_9", key=b"a-forged-key-of-the-right-length")
    ids = [answer.headers.get_list("x-request-id") for answer in (*answers, refused)]
    assert [len(each) for each in ids] == [1, 1, 1]
    assert len({each[0] for each in ids}) == 3
    assert refused.json()["request_id"] == ids[2][0]


async def test_log_lines_of_a_request_have_its_id(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    with logging_into(monkeypatch) as log:
        await service.http.get(CARD, headers={"X-Request-Id": GIVEN, "Authorization": "Bearer no"})
        logging.getLogger("app.after").warning("outside")
    [refused] = lines_of(log.getvalue(), event="access_refused")
    assert refused["request_id"] == GIVEN
    assert "request_id" not in lines_of(log.getvalue(), event="outside")[0]


async def test_access_log_has_templates_and_no_addresses(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    with logging_into(monkeypatch) as log:
        await service.http.get(f"{CARD}?search=mary@otter.example", headers={"X-Request-Id": GIVEN})
        await service.http.get("/oauth/salesforce/start?ticket=of-otters")
        await service.http.get("/nowhere/of/mary@otter.example")
        await service.http.get("/livez")
    lines = lines_of(log.getvalue(), logger=ACCESS)
    card, start, nowhere = lines
    about = {"event": "request", "method": "GET", "status": 200, "request_id": GIVEN}
    assert about.items() <= card.items()
    assert card["route"] == "/v1/hosts/{host_id}/salesforce"
    assert 0 <= card["seconds"] < 60
    assert start["route"] == "/oauth/salesforce/start"
    assert (nowhere["route"], nowhere["status"]) == ("unknown", 404)
    assert not [each for each in ("mary", "of-otters", "host_a", "?") if each in json.dumps([card, start])]


async def test_webhooks_are_summed_up_by_status(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    with logging_into(monkeypatch) as log:
        accepted = [await post(service.http, webhook(), f"msg_{number}") for number in range(5)]
        await post(service.http, webhook(), "msg_9", key=b"a-forged-key-of-the-right-length")
        assert lines_of(log.getvalue(), logger=ACCESS) == []
        access_log_of(service).flush()
        access_log_of(service).flush()
    well, forged = sorted(lines_of(log.getvalue(), logger=ACCESS), key=lambda line: line["status"])
    assert (well["event"], well["route"], well["status"], well["count"]) == (
        "requests", "/webhooks/eventship", 202, 5,
    )  # fmt: skip
    assert well["request_id"] == accepted[0].headers["x-request-id"]
    assert well["longest"] >= well["seconds"] >= 0
    assert (forged["status"], forged["count"]) == (401, 1)


async def test_access_log_can_be_switched_off(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service.app, "_access_log", None)
    with logging_into(monkeypatch) as log:
        answer = await service.http.get(CARD)
    assert answer.headers["x-request-id"].startswith("req_")
    assert lines_of(log.getvalue(), logger=ACCESS) == []
