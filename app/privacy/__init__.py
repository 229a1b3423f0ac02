"""Erasure of attendees, and tombstones against their return."""
