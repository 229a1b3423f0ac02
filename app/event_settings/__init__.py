"""What a host chose for single events: whether they are written, and which kinds of write."""
