"""Shapes, messages and encrypted columns that every part of a connection uses."""
