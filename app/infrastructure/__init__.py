"""Postgres, Redis, encryption, logs and metrics. Knows no domain."""
