"""The attacks. They run in processes of their own, so that they slow nothing but the service."""

import asyncio
import faulthandler
import itertools
import json
import os
import signal
import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any

from abuse.wire import ANSWER_SECONDS, LOST, Asker, Target, head, read_answer, request
from app.cli.serve import allow_descriptors
from bench.load import registration, request_bytes
from devtools.local_stack.local_services import die_with_parent

HOST, EVENT = "host_hostile", "evt_hostile"
H = f"/v1/hosts/{HOST}/salesforce"
E = f"/v1/hosts/{HOST}/events/{EVENT}/salesforce"
LARGE = 150_000_000
PIECE = b"a" * 65_536
NESTED = b"[" + b"[]," * 349_000 + b"[]]"
"""Valid JSON of a mebibyte, as costly to read as that can be."""
LATE_SECONDS = 8.0
"""An attacker that does not stop by itself is stopped after so many more."""
CONNECTIONS = 1_800
"""Below HTTP_CONNECTIONS: beyond it every caller receives 503."""
FORGED = "eyJhbGciOiJFUzI1NiIsImtpZCI6ImxvY2FsIn0.eyJzdWIiOiJ4In0." + "A" * 86

Counts = Counter[str]
Attack = Callable[[Target, Counts], Awaitable[None]]
Step = Callable[[Target], Awaitable[int]]


async def bodies(target: Target, counts: Counts) -> None:
    """Large, chunked, nested and dripping bodies, with a token and without."""
    large = {"Content_Type": "application/json", "Content_Length": str(LARGE)}
    chunked = {"Content_Type": "application/json", "Transfer_Encoding": "chunked"}
    await _repeated(
        target,
        counts,
        {
            "stranger, 150 MB": (2, lambda to: _pour(to, head("POST", f"{H}/connect", **large), PIECE)),
            "stranger, chunked": (
                2,
                lambda to: _pour(to, head("POST", f"{H}/mapping", **chunked), b"10000\r\n" + PIECE + b"\r\n"),
            ),
            "webhook, 150 MB": (2, lambda to: _pour(to, head("POST", "/webhooks/eventship", **large), PIECE)),
            "owner, 150 MB": (
                2,
                lambda to: _pour(to, head("PUT", f"{H}/mapping", token=to.owner, **large), PIECE),
            ),
            "owner, nested": (
                2,
                lambda to: _once(to, request("PUT", f"{H}/mapping", NESTED, token=to.owner)),
            ),
            "webhook, dripping": (20, lambda to: _drip(to, head("POST", "/webhooks/eventship", **large))),
        },
    )


async def headers(target: Target, counts: Counts) -> None:
    """Many and long headers, and a path without end."""
    many = {f"X_{number}": "a" * 5_000 for number in range(200)}
    await _repeated(
        target,
        counts,
        {
            "200 headers, 1 MB": (4, lambda to: _once(to, head("GET", H, **many))),
            "a header of 60 MB": (2, lambda to: _pour(to, b"GET / HTTP/1.1\r\nX-Long: ", PIECE)),
            "a path of 60 MB": (2, lambda to: _pour(to, b"GET /", PIECE)),
        },
    )


async def connections(target: Target, counts: Counts) -> None:
    """As many as are let in: silent ones, half a head, and one byte at a time."""
    third = CONNECTIONS // 3
    await _repeated(
        target,
        counts,
        {
            "silent": (third, lambda to: _hold(to, b"")),
            "half a head": (third, lambda to: _hold(to, b"GET /livez HTTP/1.1\r\nHost: a\r\n")),
            "dripping": (third, lambda to: _drip(to, b"GET /livez HTTP/1.1\r\nX: ")),
        },
    )


async def floods(target: Target, counts: Counts) -> None:
    """Bad tokens, bad signatures, unknown paths, changes with keys, sign-ins: as fast as answered."""
    number = itertools.count()

    def keyed() -> bytes:
        return request("PUT", f"{H}/mapping", {}, token=target.owner, Idempotency_Key=f"key-{next(number)}")

    signed = {"webhook_id": "msg_x", "webhook_timestamp": "1700000000", "webhook_signature": "v1,AAAA"}
    await _asked(
        target,
        counts,
        {
            "bad token": (6, lambda: request("GET", E + "/stats", token="a.b.c")),
            "forged token": (6, lambda: request("GET", E + "/stats", token=FORGED)),
            "bad signature": (6, lambda: request("POST", "/webhooks/eventship", b"{}" * 2_000, **signed)),
            "unknown path": (4, lambda: request("GET", "/v1/nothing")),
            "keyed change": (8, keyed),
            "connect": (4, lambda: request("POST", f"{H}/connect", {}, token=target.owner)),
        },
    )


async def reading(target: Target, counts: Counts) -> None:
    """What one member can ask for: forty at a time of the dearest."""
    letters = itertools.cycle("abcdefghijklmnopqrstuvwxyz")

    def asked(path: str) -> Callable[[], bytes]:
        return lambda: request("GET", path + next(letters), token=target.member)

    await _asked(
        target,
        counts,
        {
            "list, searched": (12, asked(f"{E}/registrations?limit=200&q=o{next(letters)}")),
            "export": (8, asked(f"{E}/registrations.csv?q=gu")),
            "stats": (8, asked(f"{E}/stats?")),
            "campaigns": (8, asked(f"{E}/campaigns?q=z")),
            "preview": (4, asked(f"{E}/registrations/reg_000000")),
        },
    )


async def mapping(target: Target, counts: Counts) -> None:
    """The largest legal mapping, of fields that the org lacks, and 600 registrations under it."""
    template = "{attendee.name} {answers.a} {event.title} " * 8
    rules = [{"object": "Lead", "field": f"F{number}__c", "template": template} for number in range(499)]
    asker = Asker(target)
    status, _ = await asker.ask(request("PUT", f"{H}/mapping", {"fields": rules}, token=target.owner))
    counts[f"saved {status}"] += 1
    wire = iter([_webhook(target, number, {}) for number in range(100_000, 100_600)])
    validated = request("POST", f"{H}/mapping/validate", {"fields": rules}, token=target.owner)
    await asyncio.gather(
        _drain(target, counts, "registration", wire),
        _drain(target, counts, "validate", itertools.repeat(validated)),
    )


async def registrations(target: Target, counts: Counts) -> None:
    """What an attendee may type, signed by the platform."""
    texts = [
        "@{person0.id}", "hi @{x.y}", "a\0b", "\ud800", "=cmd|' /C calc'!A0", "' OR Name != '", "l" * 9_000,
        "\u202e\u200b" * 50, "<script>alert(1)</script>", "{{7*7}} {attendee.email}", "", "Z\u0335" * 2_000,
    ]  # fmt: skip
    names = ("email", "first_name", "last_name", "company", "phone", "job_title", "id")
    hostile: list[dict[str, Any]] = [{name: text} for text in texts for name in names]
    deep: Any = "x"
    for _ in range(60):
        deep = [deep]
    many = [{"key": "k", "label": "l", "value": "v" * 1_000}] * 180
    hostile += [{"answers": deep}, {"answers": many}]
    numbers = itertools.count(200_000)
    wire = (_webhook(target, number, hostile[number % len(hostile)]) for number in numbers)
    await asyncio.gather(*(_drain(target, counts, "registration", wire) for _ in range(8)))


ATTACKS: Mapping[str, Attack] = {
    each.__name__: each for each in (bodies, headers, connections, floods, reading, mapping, registrations)
}


def _webhook(target: Target, number: int, attendee: Mapping[str, Any]) -> bytes:
    payload = registration(number, host_id=HOST, event_id=EVENT)
    answers = attendee.get("answers")
    if answers is None:
        payload["data"]["registration"]["attendee"] |= attendee
    else:
        payload["data"]["registration"]["answers"] = answers
    return request_bytes(target.url, target.webhook_secret, f"msg_{number}", payload)


async def _repeated(target: Target, counts: Counts, steps: Mapping[str, tuple[int, Step]]) -> None:
    """Each step over and over, as many at once as said."""
    async with asyncio.TaskGroup() as group:
        for name, (at_once, step) in steps.items():
            for _ in range(at_once):
                group.create_task(_again(target, counts, name, step))


async def _again(target: Target, counts: Counts, name: str, step: Step) -> None:
    while True:
        try:
            status = await step(target)
        except (OSError, EOFError, ValueError, TimeoutError, asyncio.LimitOverrunError):
            status = LOST
            await asyncio.sleep(0.02)
        counts[f"{name} {status or 'cut off'}"] += 1


async def _asked(
    target: Target, counts: Counts, asked: Mapping[str, tuple[int, Callable[[], bytes]]]
) -> None:
    async with asyncio.TaskGroup() as group:
        for name, (at_once, make) in asked.items():
            for _ in range(at_once):
                group.create_task(_drain(target, counts, name, iter(make, None)))


async def _drain(target: Target, counts: Counts, name: str, wire: Iterator[bytes]) -> None:
    asker = Asker(target)
    for each in wire:
        status, _ = await asker.ask(each)
        counts[f"{name} {status or 'cut off'}"] += 1


async def _once(target: Target, wire: bytes) -> int:
    reader, writer = await target.connect()
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            writer.write(wire)
            return (await read_answer(reader))[0]
    finally:
        writer.close()


async def _pour(target: Target, top: bytes, piece: bytes) -> int:
    """Send without end, until there is an answer or nobody takes it any more."""
    reader, writer = await target.connect()
    answer = asyncio.ensure_future(read_answer(reader))
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            writer.write(top)
            for _ in range(LARGE // len(piece)):
                if answer.done():
                    break
                writer.write(piece)
                with suppress(ConnectionError):
                    await writer.drain()
                await asyncio.sleep(0)
            return (await answer)[0]
    finally:
        answer.cancel()
        writer.close()


async def _hold(target: Target, top: bytes) -> int:
    """Say so much and no more, until an answer or the end."""
    reader, writer = await target.connect()
    try:
        writer.write(top)
        return (await read_answer(reader))[0]
    finally:
        writer.close()


async def _drip(target: Target, top: bytes) -> int:
    reader, writer = await target.connect()
    answer = asyncio.ensure_future(read_answer(reader))
    try:
        writer.write(top)
        while not answer.done():
            writer.write(b"a")
            await asyncio.wait([answer], timeout=1)
        return (await answer)[0]
    finally:
        answer.cancel()
        writer.close()


async def attack(name: str, target: Target, seconds: float) -> Counts:
    """Run one attack for so long; how often each part of it was answered how."""
    counts: Counts = Counter()
    running = asyncio.ensure_future(ATTACKS[name](target, counts))
    await asyncio.wait([running], timeout=seconds)
    if running.done():
        running.result()
    return counts.copy()


async def _attack_and_end(asked: Mapping[str, Any]) -> None:
    counts = await attack(asked["name"], Target(**asked["target"]), asked["seconds"])
    os.write(sys.stdout.fileno(), json.dumps(counts).encode() + b"\n")
    os._exit(0)  # connections that hang are not waited for


def main() -> None:
    """For each line of the input one attack, in a process of its own, and its counts as a line."""
    die_with_parent(signal.SIGKILL)()
    allow_descriptors()
    os.write(sys.stdout.fileno(), b"ready\n")
    for line in sys.stdin:
        if os.fork() == 0:
            die_with_parent(signal.SIGKILL)()
            asked = json.loads(line)
            faulthandler.dump_traceback_later(asked["seconds"] + LATE_SECONDS, exit=True)
            asyncio.run(_attack_and_end(asked))
        os.wait()


if __name__ == "__main__":
    main()
