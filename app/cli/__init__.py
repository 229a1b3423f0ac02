"""The command line, one module per theme; `main` only parses."""
