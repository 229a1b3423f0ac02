"""The main job on real input, through the public endpoints only: `make run` shows it, `make smoke` checks
it."""
