"""Messages for people: one catalog, its rows in TOML files by theme."""
