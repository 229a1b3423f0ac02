"""The main job on real input, through the front doors only: `make run` shows it, `make smoke` checks it."""
