"""Tables of the guides and of the README, made of the code."""
