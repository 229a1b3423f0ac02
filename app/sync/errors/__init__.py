"""Floor 3: errors of one row, and groups of the same error."""
