"""Breaks the running service on purpose, with a seed, and counts what was lost or doubled: `make chaos`."""
