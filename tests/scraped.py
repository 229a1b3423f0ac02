"""What a scraper reads at /metrics of one process."""

from app.infrastructure.database import Database
from app.infrastructure.job_queue import DrainQueue
from app.metrics import REGISTRY
from app.operations.gauges import Gauges


class NoQueue(DrainQueue):
    """Valkey is away, which takes no time to see."""

    def __init__(self) -> None:
        super().__init__("redis://127.0.0.1:1/0")

    async def is_up(self) -> bool:
        return False


async def scraped(database: Database, queue: DrainQueue | None = None) -> dict[str, float]:
    """Each sample by its name and labels, read now."""
    return samples_in(await Gauges(database, queue or NoQueue()).text())


def samples_in(text: bytes) -> dict[str, float]:
    lines = text.decode().splitlines()
    pairs = (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    return {name: float(value) for name, value in pairs}


def counted(name: str, **labels: str) -> float:
    """A sample of the process's own counters and histograms; 0 where nothing was counted."""
    return REGISTRY.get_sample_value(name, labels) or 0.0
