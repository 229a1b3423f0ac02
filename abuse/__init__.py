"""A hostile quarter of an hour in two minutes: what strangers and bad tenants cost the others."""
