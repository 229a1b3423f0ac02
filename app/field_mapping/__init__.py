"""The host's field mapping, and what the org offers to map to."""
