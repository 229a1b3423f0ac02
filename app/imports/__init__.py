"""Bulk imports of registrations as NDJSON."""
