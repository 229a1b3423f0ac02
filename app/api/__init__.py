"""What every endpoint shares: errors, authentication, dependencies, idempotency, pagination, health."""
