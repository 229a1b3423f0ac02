"""Hosts and their events: settings, pause, audit log."""
