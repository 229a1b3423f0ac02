"""Refusals are delayed in a queue, and nothing else is."""

import pytest
from starlette.types import Message

from app.api.edge.refusal_rate import A_SECOND, AT_ONCE, WAIT_SECONDS_MAX, Pace


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_few_do_not_wait_and_many_wait_their_turn_and_never_long() -> None:
    clock = Clock()
    line = Pace(clock)
    clock.now += 60
    assert [line.wait() for _ in range(AT_ONCE)] == [0.0] * AT_ONCE
    waits = [line.wait() for _ in range(A_SECOND)]
    assert waits == pytest.approx([number / A_SECOND for number in range(1, A_SECOND + 1)])
    assert max(line.wait() for _ in range(10_000)) == WAIT_SECONDS_MAX
    clock.now += WAIT_SECONDS_MAX + AT_ONCE / A_SECOND
    assert line.wait() == 0.0


@pytest.mark.parametrize("status", [200, 202, 204, 400, 401, 403, 404, 409, 422, 429, 500, 503])
async def test_refusals_alone_wait(monkeypatch: pytest.MonkeyPatch, status: int) -> None:
    sent: list[Message] = []
    slept: list[float] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr("asyncio.sleep", sleep)
    in_turn = Pace(Clock()).paced(send)
    for message in ({"type": "http.response.start", "status": status}, {"type": "http.response.body"}):
        await in_turn(message)
    assert len(sent) == 2
    assert len(slept) == (status in {401, 403, 404, 429})
