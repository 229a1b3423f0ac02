"""What differs, decided without a database."""
