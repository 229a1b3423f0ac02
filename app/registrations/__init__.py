"""Everything asked of registrations: state, listing, stats, retry, exclusion, history, export."""
