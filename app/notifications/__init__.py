"""Signed notifications of the platform, from an outbox (docs/notifications.md)."""
