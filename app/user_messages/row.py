"""The shape of a row of advice."""

AdviceRow = tuple[str, str, str, tuple[str, ...], str | None]
"""Code, title, explanation, steps, link."""
