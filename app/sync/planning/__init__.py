"""Floor 6: which records to create or update."""
