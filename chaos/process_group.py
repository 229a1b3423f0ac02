"""The processes of `chaos.refresh`: started together, spoken to in lines, killed without a word."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from devtools.local_stack.local_services import die_with_parent

BIRTH_SECONDS: Final = 180.0
"""A busy machine takes its time to import everything several times at once."""
ROUND_SECONDS: Final = 60.0


@dataclass
class ProcessGroup:
    """The child processes; each answers a line for a line."""

    env: Mapping[str, str]
    children: list[asyncio.subprocess.Process] = field(default_factory=list)

    async def grow(self, count: int) -> None:
        """Start what is missing, all at once."""
        born = (self._born() for _ in range(count - len(self.children)))
        self.children += await asyncio.gather(*born)

    async def go(self, tasks: int) -> list[asyncio.Task[str]]:
        """Let every child begin a round at once; each task ends with what the child says."""
        for child in self.children:
            assert child.stdin is not None
            child.stdin.write(f"{tasks}\n".encode())
        return [asyncio.create_task(self._line(child)) for child in self.children]

    def kill(self, number: int) -> None:
        """kill -9; the answer of this child will be empty."""
        self.children.pop(number).kill()

    async def stop(self) -> None:
        for child in self.children:
            if child.returncode is None:
                child.kill()
                await child.wait()
        self.children.clear()

    async def _born(self) -> asyncio.subprocess.Process:
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "chaos.refresh_child"),
            env={**os.environ, **self.env},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            preexec_fn=die_with_parent(signal.SIGKILL),
        )
        assert await self._line(child, BIRTH_SECONDS) == "ready"
        return child

    async def _line(self, child: asyncio.subprocess.Process, within: float = ROUND_SECONDS) -> str:
        assert child.stdout is not None
        async with asyncio.timeout(within):
            return (await child.stdout.readline()).decode().strip()
