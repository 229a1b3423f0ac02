"""The platform's public keys for bearer tokens: one pinned key set, read seldom and kept while it is away."""

import asyncio
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import httpx
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from app.api.errors import KeysUnavailable

MIN_SECONDS: Final = 60.0
FIRST_SECONDS: Final = 5.0
"""Between two looks while no key was ever read: until then every token is answered 503."""
FRESH_SECONDS: Final = 600.0
READ_SECONDS: Final = 5.0
LOOK_SECONDS: Final = 0.5


class JwksCache:
    """A file, or a URL that is read at most once a minute, by one request for all that wait for it."""

    def __init__(
        self,
        *,
        url: str | None,
        file: Path | None,
        http: httpx.AsyncClient,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._url, self._file, self._http, self._clock = url, file, http, clock
        self._keys: KeySet | None = None
        self._read_at = float("-inf")
        self._reading: asyncio.Task[None] | None = None

    async def keys(self, *, must_refetch: bool = False) -> KeySet:
        """The current keys. Raises KeysUnavailable while none could ever be read.

        Whoever has no key to go by waits for the read that is under way; others go on with those they have.
        """
        is_waiting = self._begin(must_refetch=must_refetch) or must_refetch or self._keys is None
        if is_waiting and self._reading is not None:
            await asyncio.shield(self._reading)
        if self._keys is None:
            raise KeysUnavailable(headers={"Retry-After": str(int(FIRST_SECONDS))})
        return self._keys

    async def are_known(self) -> bool:
        """Whether there are keys, or are within half a second; begins a read where none was."""
        if self._keys is None:
            self._begin(must_refetch=False)
            if self._reading is not None:
                await asyncio.wait([self._reading], timeout=LOOK_SECONDS)
        return self._keys is not None

    def _begin(self, *, must_refetch: bool) -> bool:
        """Begin a read if it is time for one; whether it was."""
        age = self._clock() - self._read_at
        is_wanted = self._keys is None or must_refetch or age > FRESH_SECONDS
        is_due = is_wanted and age > (FIRST_SECONDS if self._keys is None else MIN_SECONDS)
        if is_due and self._reading is None:
            self._reading = asyncio.create_task(self._read())
            return True
        return False

    async def _read(self) -> None:
        try:
            self._keys = KeySet.import_key_set(await self._document())
        except (OSError, httpx.HTTPError, ValueError, LookupError, TypeError, AttributeError, JoseError):
            pass  # LookupError to AttributeError: joserfc takes the shape of a key set on trust
        finally:
            self._read_at = self._clock()
            self._reading = None

    async def _document(self) -> Any:
        if self._file is not None:
            return json.loads(self._file.read_bytes())
        assert self._url is not None
        answer = await self._http.get(self._url, timeout=READ_SECONDS)
        answer.raise_for_status()
        return answer.json()
