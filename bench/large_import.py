"""A very long import: minutes, and how far the API's memory grows from its first tenth to its end."""

import asyncio
import json
import time
from typing import Any
from urllib.parse import urlsplit

from bench.load import registration
from bench.rig import Rig, Service
from bench.sizes import Size
from bench.stage import HOST, connect_host

PATH = "/v1/imports/registrations"
LINES_A_CHUNK = 500
TENTH = 10


async def measure(rig: Rig, size: Size) -> dict[str, Any]:
    """Sent as fast as it is taken, on one connection that reads its answers meanwhile."""
    await rig.empty()
    await connect_host(rig, rig.org)
    api = rig.api()
    reader, writer = await asyncio.open_connection(*_address(api))
    writer.write(_head(rig, api))
    began = time.perf_counter()
    sending = asyncio.create_task(_send(writer, size.large_import))
    peaks = await _read(reader, api, size.large_import, began)
    await sending
    seconds = time.perf_counter() - began
    writer.close()
    rig.stop(api)
    return {
        "lines": size.large_import,
        "minutes": seconds / 60,
        "per_second": size.large_import / seconds,
        "first_mebibytes": peaks[0],
        "peak_mebibytes": peaks[-1],
        "growth_mebibytes": peaks[-1] - peaks[0],
    }


def _address(api: Service) -> tuple[str, int]:
    parts = urlsplit(api.url)
    return str(parts.hostname), int(parts.port or 80)


def _head(rig: Rig, api: Service) -> bytes:
    lines = [
        f"POST {PATH} HTTP/1.1",
        f"host: {urlsplit(api.url).netloc}",
        f"authorization: Bearer {rig.secrets.token({HOST: 'owner'}, scope='import')}",
        "content-type: application/x-ndjson",
        "transfer-encoding: chunked",
    ]
    return "\r\n".join([*lines, "", ""]).encode()


def _template() -> str:
    """One line with `%(n)d` where its number goes."""
    data = registration(0)["data"]
    text = json.dumps(data, separators=(",", ":")).replace("%", "%%")
    for part in ("reg_", "per_", "guest", "No", "Company "):
        text = text.replace(f'"{part}0', f'"{part}%(n)d')
    return text + "\n"


async def _send(writer: asyncio.StreamWriter, count: int) -> None:
    template = _template()
    for first in range(0, count, LINES_A_CHUNK):
        numbers = range(first, min(count, first + LINES_A_CHUNK))
        body = "".join(template % {"n": number} for number in numbers).encode()
        writer.write(f"{len(body):x}\r\n".encode() + body + b"\r\n")
        await writer.drain()
    writer.write(b"0\r\n\r\n")
    await writer.drain()


async def _read(reader: asyncio.StreamReader, api: Service, count: int, began: float) -> list[float]:
    """The API's peak of memory after each tenth of the answers. Raises AssertionError: some are missing."""
    status = await reader.readline()
    if b" 200 " not in status:
        raise AssertionError(f"the import was answered {status.decode().strip()}")
    answered, peaks = 0, list[float]()
    while answered < count:
        chunk = await reader.read(1 << 16)
        if not chunk:
            raise AssertionError(f"the import broke off after {answered:,} answers")
        answered += chunk.count(b'"outcome":"accepted"') + chunk.count(b'"outcome":"unchanged"')
        if answered * TENTH >= count * (len(peaks) + 1):
            peaks.append(api.peak_mebibytes)
            took = time.perf_counter() - began
            print(f"bench: large_import: {answered:,} lines, {took:.0f} s", flush=True)
        if b"\r\n0\r\n\r\n" in chunk:
            break
    # An answer that two chunks share is not counted.
    return [*peaks, api.peak_mebibytes]
