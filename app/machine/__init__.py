"""Everything on one machine: local secrets, child processes, and the stack made of them."""
