"""A host connected to a simulated org, as the tests of the engine have it."""

from tests.integration.sync.conftest import rig as rig
