"""What the command line does, one file per theme; `app/cli.py` only parses."""
