"""Everything that a developer runs on one machine; not part of the service."""
