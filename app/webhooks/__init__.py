"""Receives signed webhooks: parses, merges and stores them, and enqueues sync jobs."""
