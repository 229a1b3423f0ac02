"""Registrations as hosts see them: state, listing, stats, retry, exclusion, history, export."""
