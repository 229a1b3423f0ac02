"""Floor 7: drains an org, batch by batch."""
