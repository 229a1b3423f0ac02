"""Verification and repair, against the simulated org."""
