"""Each capability on the real engine, against the simulated org; and the README says what was shown here."""

import pytest

from tests.api.field_mapping.dashboard import MappingDashboard
from tests.capabilities.__main__ import README, with_capabilities
from tests.capabilities.table import CAPABILITIES, Capability

EVERY_ROW = {*range(48, 74), *range(78, 81)}


@pytest.mark.parametrize("capability", [pytest.param(each, id=str(each.number)) for each in CAPABILITIES])
async def test_capability(dashboard: MappingDashboard, capability: Capability) -> None:
    await capability.check(dashboard)


def test_every_row_of_the_comparison_is_shown_once() -> None:
    assert sorted(EVERY_ROW) == [each.number for each in CAPABILITIES]
    assert len({each.check for each in CAPABILITIES}) == len(CAPABILITIES)


def test_the_readme_tells_them_all() -> None:
    text = README.read_text()
    assert with_capabilities(text) == text
    assert all(each.what in text for each in CAPABILITIES)
