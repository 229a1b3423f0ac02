"""Disconnecting: the grant is revoked, tokens are deleted, the change is audited, a new connection works."""

from sqlalchemy import func, select

from app.models import PendingRevocation
from tests.api.conftest import Service
from tests.api.connections.steps import audited, grants, stored


async def test_disconnect_revokes_forgets_and_keeps_what_was_synced(service: Service) -> None:
    await service.connect()
    answer = await service.http.post("/v1/hosts/host_a/salesforce/disconnect", json={"confirm": True})
    card = answer.json()
    assert (card["state"], card["reason"]["code"]) == ("disconnected", "disconnected_by_host")
    assert card["connection"]["org"]["name"] == "Northwind Events"
    assert card["connection"]["user"] is None
    assert grants(service) == []
    row = await stored(service)
    assert row is not None
    assert (row.access_token, row.refresh_token) == (None, None)
    async with service.resources.database.system() as session:
        assert await session.scalar(select(func.count()).select_from(PendingRevocation)) == 0
    assert await audited(service) == ["salesforce.connected", "salesforce.disconnected"]


async def test_disconnect_must_be_confirmed(service: Service) -> None:
    await service.connect()
    for body in ({}, {"confirm": False}):
        answer = await service.http.post("/v1/hosts/host_a/salesforce/disconnect", json=body)
        assert (answer.status_code, answer.json()["code"]) == (422, "PayloadInvalid")
    assert len(grants(service)) == 1


async def test_disconnecting_twice_changes_nothing_more(service: Service) -> None:
    await service.connect()
    url = "/v1/hosts/host_a/salesforce/disconnect"
    first = (await service.http.post(url, json={"confirm": True})).json()
    second = (await service.http.post(url, json={"confirm": True})).json()
    assert (first["version"], first["state_since"]) == (second["version"], second["state_since"])


async def test_host_that_never_connected_cannot_disconnect(service: Service) -> None:
    answer = await service.http.post("/v1/hosts/host_a/salesforce/disconnect", json={"confirm": True})
    assert (answer.status_code, answer.json()["code"]) == (409, "NotConnected")


async def test_reconnecting_after_a_disconnect_works(service: Service) -> None:
    await service.connect()
    await service.http.post("/v1/hosts/host_a/salesforce/disconnect", json={"confirm": True})
    card = await service.connect()
    assert (card["state"], card["reason"], card["version"]) == ("connected", None, 3)
