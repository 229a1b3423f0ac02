"""The refusals of the REST API, row by row."""
