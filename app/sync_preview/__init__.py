"""Dry run of one registration, and the preview of a mapping."""
