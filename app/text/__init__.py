"""Text and moments as people and platforms write them: pure functions that every part may use."""
