"""Access tokens: stored, refreshed, and what ends a connection."""
