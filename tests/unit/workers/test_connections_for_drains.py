"""A worker's connections suffice for all of its drains."""

from pathlib import Path

import pytest

from devtools.local_stack.local_services import LocalServices
from tests.factories import settings_for
from workers.main import with_pool_for_drains


@pytest.mark.parametrize(
    ("pool", "room"),
    [pytest.param(5, 16, id="four-for-five-drains"), pytest.param(40, 40, id="more-stays-more")],
)
def test_a_worker_has_connections_for_its_drains(engines: LocalServices, pool: int, room: int) -> None:
    settings = settings_for(engines, jwks_file=Path("keys.json"), database_pool=pool, worker_drains=20)
    assert with_pool_for_drains(settings).database_pool == room
