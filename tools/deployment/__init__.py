"""Checks what stands in deploy/ and .github/ against schemas and against the code: `make check`."""
