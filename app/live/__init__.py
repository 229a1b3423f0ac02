"""Live streams: change detection and server-sent events."""
