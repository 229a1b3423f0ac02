"""OAuth grants: approval limit, superseded grants, revocation."""
