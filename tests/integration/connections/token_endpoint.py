"""Salesforce's token endpoint: rotates if configured, and ends a grant whose old token is used again."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import parse_qs

import httpx

INSTANCE = "http://127.0.0.1:8100"


def refused(error: str, description: str = "", *, status: int = 400) -> httpx.Response:
    return httpx.Response(status, json={"error": error, "error_description": description})


@dataclass
class TokenEndpoint:
    """Answers refresh requests after `latency` seconds; `next_answer` decides one answer instead."""

    is_rotating: bool = False
    latency: float = 0.0
    instance_url: str = INSTANCE
    refresh_token: str = "5Aep861otter.refresh.1"
    posts: list[str] = field(default_factory=list)
    reuses: int = 0
    is_revoked: bool = False
    revoked: list[str] = field(default_factory=list)
    revoke_status: int = 200
    next_answer: list[Callable[[httpx.Request], httpx.Response]] = field(default_factory=list)

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        form = {name: values[0] for name, values in parse_qs(request.content.decode()).items()}
        if request.url.path.endswith("/revoke"):
            self.revoked.append(form["token"])
            return httpx.Response(self.revoke_status)
        if not request.url.path.endswith("/token"):
            return httpx.Response(200, json={})
        self.posts.append(form["refresh_token"])
        await asyncio.sleep(self.latency)
        if self.next_answer:
            return self.next_answer.pop(0)(request)
        return self.answer(form["refresh_token"])

    def answer(self, token: str) -> httpx.Response:
        if token != self.refresh_token or self.is_revoked:
            self.reuses += token != self.refresh_token
            self.is_revoked = True
            return refused("invalid_grant", "expired access/refresh token")
        number = len(self.posts) + 1
        body = {
            "access_token": f"00D5g000004XyZa!otter.access.{number}",
            "instance_url": self.instance_url,
            "id": f"{INSTANCE}/id/00D5g000004XyZaEAK/0055g00000AbCdEAAV",
            "scope": "refresh_token api id",
            "issued_at": "1763719200000",
            "signature": "",
        }
        if self.is_rotating:
            self.refresh_token = f"5Aep861otter.refresh.{number}"
            body["refresh_token"] = self.refresh_token
        return httpx.Response(200, json=body)

    def lose(self, request: httpx.Request) -> httpx.Response:
        """Do what was asked, and lose the answer on its way back."""
        self.answer(parse_qs(request.content.decode())["refresh_token"][0])
        raise httpx.ReadError("the connection was reset", request=request)
