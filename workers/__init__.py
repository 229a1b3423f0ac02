"""The worker processes: thin doors to the engine, and what must be done from time to time."""
