"""The REST resources under /services/data."""
