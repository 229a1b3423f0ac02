"""Floor 6: sends planned writes and records how each ended."""
