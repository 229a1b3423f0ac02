"""Limits that a request meets before a route sees it."""
