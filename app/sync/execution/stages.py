"""Batches of one turn that overlap: one creates its people while another writes what depends on people."""

import asyncio
from collections.abc import AsyncIterator, Collection, Hashable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

from app.sync.model.row_caps import Caps

UNDER_WAY_MAX: Final = 4
"""Batches of a turn at once: one each in the look, in people, in the rest, and being settled."""


class Halted(Exception):
    """Another batch of the turn was interrupted, or found a describe old: this one sends nothing more."""


@dataclass
class Stages:
    """What the batches of one turn share. At most one of them creates people at a time, and at most one
    writes Tasks, members and changes; what the calls of each stage need is planned while the other's are out.

    `is_halted`: one of them was interrupted, so that nothing more is sent for any. `has_old_describe`: one of
    them was contradicted by Salesforce, so that the others are looked up anew once it is settled.
    """

    caps: Caps = field(default_factory=Caps)
    is_halted: bool = False
    has_old_describe: bool = False
    interruptions: list[Exception] = field(default_factory=list)
    under_way: "list[BatchUnderWay]" = field(default_factory=list)
    people: asyncio.Lock = field(default_factory=asyncio.Lock)
    rest: asyncio.Lock = field(default_factory=asyncio.Lock)
    settling: asyncio.Lock = field(default_factory=asyncio.Lock)
    _ended: asyncio.Event = field(default_factory=asyncio.Event)

    async def wait_for_room(self) -> None:
        """Until one more batch may be under way."""
        while len(self.under_way) >= UNDER_WAY_MAX:
            self._ended.clear()
            await self._ended.wait()

    def end(self, batch: "BatchUnderWay") -> None:
        self.under_way.remove(batch)
        self._ended.set()

    def interrupt(self, error: Exception, *, halts_others: bool) -> None:
        """Nothing more begins; what is under way is halted, where the same would meet it."""
        self.is_halted |= halts_others
        self.interruptions.append(error)

    @property
    def is_stopped(self) -> bool:
        """Whether the turn ends before its work does."""
        return self.is_halted or bool(self.interruptions)

    @property
    def is_over(self) -> bool:
        """Whether nothing more may begin."""
        return self.is_stopped or self.has_old_describe

    @property
    def are_written(self) -> bool:
        """Whether all that is under way stands in Salesforce: a look is not too old when it is used."""
        return all(batch.is_written for batch in self.under_way)

    def are_known(self, names: Collection[Hashable]) -> bool:
        """Whether a batch that is under way names one of these people."""
        return not all(batch.names.isdisjoint(names) for batch in self.under_way)

    def begin(self, names: frozenset[Hashable], *, may_overlap: bool) -> "BatchUnderWay":
        batch = BatchUnderWay(self, names, may_overlap, others=list(self.under_way))
        for other in self.under_way:
            other.others.append(batch)
        self.under_way.append(batch)
        return batch


@dataclass
class BatchUnderWay:
    """One batch's way through the stages, and whom it is about: `names` before anybody was looked up, then
    `record_ids`. `others` are those that were under way at some time while this one was. `is_written`: all of
    its calls were answered.
    """

    stages: Stages
    names: frozenset[Hashable] = frozenset()
    may_overlap: bool = False
    is_written: bool = False
    is_contradicted: bool = False
    has_rest: bool = False
    others: "list[BatchUnderWay]" = field(default_factory=list)
    record_ids: set[str] = field(default_factory=set)
    next_may_begin: asyncio.Event = field(default_factory=asyncio.Event)

    def check(self) -> None:
        """Raises Halted once a batch was interrupted. To be asked before anything is intended."""
        if self.stages.is_halted:
            raise Halted

    def has_alone(self, record_ids: Collection[str]) -> bool:
        """Note whom the look found; whether no other batch found any of these records.

        Where one did, nothing more begins beside it: its people would be looked up again and again.
        """
        self.record_ids.update(record_ids)
        is_alone = all(other.record_ids.isdisjoint(record_ids) for other in self.others)
        self.may_overlap = self.may_overlap and is_alone
        return is_alone

    @asynccontextmanager
    async def creating_people(self) -> AsyncIterator[None]:
        """The stage of people. The next batch may begin. After a locked record nothing is written beside.

        Raises Halted where a describe turned out old.
        """
        async with AsyncExitStack() as held:
            await held.enter_async_context(self.stages.people)
            if self.stages.caps.has_met_locks:
                await held.enter_async_context(self.writing_rest())
            self._check_describes()
            self._let_next_begin()
            yield

    @asynccontextmanager
    async def writing_rest(self) -> AsyncIterator[None]:
        """The stage of what depends on people. The next batch may begin. Raises Halted as the other one.

        A batch that has it may ask for it again.
        """
        if self.has_rest:
            yield
            return
        async with self.stages.rest:
            self._check_describes()
            self._let_next_begin()
            self.has_rest = True
            try:
                yield
            finally:
                self.has_rest = False

    def end(self) -> None:
        """It is settled: what it wrote is found by every look from now on."""
        self.stages.end(self)
        # Those that go on still know it; a long turn keeps no more than these.
        self.others = []
        self.next_may_begin.set()

    def contradict_describe(self) -> None:
        """Salesforce takes something else than what this batch was planned by."""
        self.is_contradicted = self.stages.has_old_describe = True

    def _check_describes(self) -> None:
        if self.stages.has_old_describe and not self.is_contradicted:
            raise Halted

    def _let_next_begin(self) -> None:
        """Where batches may not overlap, or a record was locked by somebody, it has to wait for the end."""
        if self.may_overlap and not self.stages.caps.has_met_locks:
            self.next_may_begin.set()


def alone() -> BatchUnderWay:
    """A batch beside which there is no other."""
    return BatchUnderWay(Stages())
