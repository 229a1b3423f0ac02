"""Floor 2: from a registration and mapping rules to field values."""
