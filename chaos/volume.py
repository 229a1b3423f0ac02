"""A small data volume that can fill: a tmpfs that this process, and whom it starts, see alone."""

import ctypes
import os
import pwd
from pathlib import Path

SIZE = "64m"
CLONE_NEWNS = 0x20000
MS_REC, MS_PRIVATE = 0x4000, 0x40000
MNT_DETACH = 2
CHUNK = bytes(1 << 20)


class NoVolume(Exception):
    """The system does not let us mount one; the message says why."""


class Volume:
    """A mounted volume. Make it in the main thread, before the processes that use it are started."""

    def __init__(self, path: Path) -> None:
        """Raises NoVolume."""
        self.path = path
        path.mkdir(parents=True)
        owner = pwd.getpwnam("nobody") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
        options = f"size={SIZE},mode=0700,uid={owner.pw_uid},gid={owner.pw_gid}"
        try:
            self._call("unshare", CLONE_NEWNS)
            self._call("mount", b"none", b"/", None, MS_REC | MS_PRIVATE, None)
            self._call("mount", b"tmpfs", os.fsencode(path), b"tmpfs", 0, options.encode())
        except (OSError, AttributeError) as error:
            raise NoVolume(f"this system lets us mount none ({error})") from None

    def fill(self) -> int:
        """Leave no room, and make every new connection look for some; the megabytes that this took."""
        with self._ballast.open("wb", buffering=0) as ballast:
            size = len(CHUNK)
            while size:
                try:
                    ballast.write(CHUNK[:size])
                except OSError:
                    size //= 2
            megabytes = ballast.tell() >> 20
        # What a connection finds when the catalogue changed: a cache that it must write before it can begin.
        for cache in self.path.rglob("pg_internal.init"):
            cache.unlink()
        return megabytes

    def make_room(self) -> None:
        self._ballast.unlink(missing_ok=True)

    def close(self) -> None:
        self._call("umount2", os.fsencode(self.path), MNT_DETACH)

    @property
    def _ballast(self) -> Path:
        return self.path / "ballast"

    @staticmethod
    def _call(name: str, *arguments: bytes | int | None) -> None:
        if getattr(ctypes.CDLL(None, use_errno=True), name)(*arguments):
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
