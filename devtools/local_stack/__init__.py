"""The whole service on one machine: embedded engines, secrets, processes."""
