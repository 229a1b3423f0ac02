"""The simulated queue: nobody is faster than the service, and load costs time."""

import statistics

from bench.queueing import ARRIVALS, Service, delays

SERVICE = Service(waiting=0.3, cpu=0.01)


def test_capacity_is_what_is_used_up_first() -> None:
    assert SERVICE.capacity == 20 / 0.31
    assert Service(waiting=0.01, cpu=0.1).capacity == 10


def test_everybody_is_served_and_nobody_faster_than_a_drain_takes() -> None:
    found = delays(SERVICE, 0.5)
    assert min(found) >= 0.31 - 1e-9
    assert len(found) > ARRIVALS * 0.99


def test_more_load_means_longer_waits() -> None:
    calm, busy = (statistics.median(delays(SERVICE, load)) for load in (0.1, 0.95))
    assert calm < busy
