"""Floor 5: sync jobs in Postgres: enqueue, claim, lease, load, store."""
