"""The release before: its tree where git has its tag, and what a run of it left behind, which is kept here.

`python -m tests.upgrade.earlier` plays a release and keeps what it left. Once there is a newer one: change
`VERSION`, run it, and remove the folder of the one before.
"""

import gzip
import io
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import asyncpg

from devtools.local_stack.extras import local_package
from devtools.local_stack.local_services import POSTGRES_PACKAGE, LocalServices, free_port

ROOT: Final = Path(__file__).parents[2]
VERSION: Final = "0.2.0"
KEPT: Final = Path(__file__).parent / VERSION
DATABASE, SIMULATOR, SECRETS = "database.sql", "simulator.sqlite", "secrets.json"
HOST, EVENT = "host_acme", "evt_summit"
PLAY_SECONDS: Final = 120
PLAYED: Final = "Ctrl-C stops everything"
NOT_SQL: Final = ("\\", "SET transaction_timeout")
"""What only psql, or only a newer Postgres, understands."""


@contextmanager
def earlier_tree() -> Iterator[Path | None]:
    """The release's files in a directory of their own; None without git or the tag, as in a shallow clone."""
    git = shutil.which("git")
    packed = subprocess.run(
        [str(git), "archive", f"v{VERSION}"], cwd=ROOT, capture_output=True, check=False
    ) if git else None  # fmt: skip
    if packed is None or packed.returncode:
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="earlier-") as scratch:
        with tarfile.open(fileobj=io.BytesIO(packed.stdout)) as archive:
            archive.extractall(scratch, filter="data")
        yield Path(scratch)


def environment_of(tree: Path) -> dict[str, str]:
    """For a process that is to import `tree`: start it there, too."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return kept | {"PYTHONPATH": f"{tree}:{tree}/packages/salesforce-simulator/src"}


@dataclass(frozen=True)
class Left:
    """A home as a run of the release left it, unpacked from what is kept."""

    home: Path

    @classmethod
    def unpacked(cls, home: Path) -> "Left":
        """Its simulator and secrets in `home`; the database is loaded by `load`."""
        home.mkdir(exist_ok=True)
        home.chmod(0o755)
        (home / SIMULATOR).write_bytes(gzip.decompress((KEPT / f"{SIMULATOR}.gz").read_bytes()))
        shutil.copy(KEPT / SECRETS, home)
        return cls(home)


async def load(url: str) -> None:
    """Put the database of the release with all rows into an empty one; the three roles are there already."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(gzip.decompress((KEPT / f"{DATABASE}.gz").read_bytes()).decode())
    finally:
        await connection.close()


def play(tree: Path, home: Path) -> None:
    """`make run` of a tree: until everything is synced, then it is stopped."""
    ports = {"PORT": str(free_port()), "SIMULATOR_PORT": str(free_port())}
    env: Mapping[str, str] = environment_of(tree) | {"LOCAL_HOME": str(home)} | ports
    with subprocess.Popen(
        [sys.executable, "-m", "devtools.demo", "run"], cwd=tree, env=env, text=True, stdout=subprocess.PIPE
    ) as running:  # fmt: skip
        assert running.stdout is not None
        for line in running.stdout:
            if PLAYED in line:
                running.terminate()
        running.wait(PLAY_SECONDS)


def keep() -> int:
    """Play the release, and keep its database, its orgs and its secrets, which are nobody's."""
    with earlier_tree() as tree, tempfile.TemporaryDirectory() as scratch:
        if tree is None:
            sys.stderr.write(f"git has no v{VERSION} here\n")
            return 2
        home = Path(scratch)
        home.chmod(0o755)
        play(tree, home)
        KEPT.mkdir(exist_ok=True)
        shutil.copy(home / SECRETS, KEPT)
        _pack(SIMULATOR, (home / SIMULATOR).read_bytes())
        engines = LocalServices(home)
        engines.start_postgres()
        try:
            _pack(DATABASE, dumped(engines).encode())
        finally:
            engines.discard()
    return 0


def dumped(engines: LocalServices) -> str:
    """All tables and rows as statements that any client can run."""
    program = local_package(POSTGRES_PACKAGE) / "pginstall" / "bin" / "pg_dump"
    address = engines.database_url.replace("+asyncpg", "")
    done = subprocess.run(
        [str(program), "--rows-per-insert=200", address], capture_output=True, text=True, check=True
    )  # fmt: skip
    return "".join(f"{line}\n" for line in done.stdout.split("\n") if not line.startswith(NOT_SQL))


def _pack(name: str, content: bytes) -> None:
    (KEPT / f"{name}.gz").write_bytes(gzip.compress(content, mtime=0))


if __name__ == "__main__":
    sys.exit(keep())
