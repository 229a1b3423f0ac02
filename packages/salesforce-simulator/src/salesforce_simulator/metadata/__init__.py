"""What objects and fields an org has."""
