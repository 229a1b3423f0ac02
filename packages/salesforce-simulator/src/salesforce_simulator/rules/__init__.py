"""What an org refuses or changes by itself when a row is written."""
