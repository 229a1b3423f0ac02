"""What people are told, wherever advice stands: one table, its rows by theme."""
