"""The platform's endpoint for notifications: takes all of them, or none."""

import asyncio
from dataclasses import dataclass, field

ANSWER = b"HTTP/1.1 %d x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


@dataclass
class Platform:
    """While `is_away` it answers 503."""

    is_away: bool = False
    port: int = field(default=0)

    async def serve(self) -> asyncio.Server:
        server = await asyncio.start_server(self._take, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        return server

    def environment(self, secret: str) -> dict[str, str]:
        """What the service needs to notify it."""
        return {
            "NOTIFY_URL": f"http://127.0.0.1:{self.port}/notifications",
            "NOTIFY_SECRETS": secret,
            "NOTIFY_PRIVATE": "true",
        }

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(ANSWER % (503 if self.is_away else 200))
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # a sender that was killed
        finally:
            writer.close()
