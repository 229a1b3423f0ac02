"""A host connected to a simulated org: its mapping saved by the API, its attendees written by the engine."""

import pytest

pytest.register_assert_rewrite(
    *(
        f"tests.capabilities.{name}"
        for name in ("emails", "fields", "going_live", "helpers", "meetings", "owners", "people", "switches")
    )
)

from tests.api.field_mapping.conftest import dashboard  # noqa: E402 - after the assertions are rewritten

__all__ = ["dashboard"]
