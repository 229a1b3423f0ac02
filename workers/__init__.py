"""The worker processes: they run the engine and the periodic tasks."""
