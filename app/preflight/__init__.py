"""Checks of an org before the first registration is written."""
