"""Messages for people: one catalog, its rows by theme."""
