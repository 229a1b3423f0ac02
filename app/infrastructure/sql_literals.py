"""Values in the text of a statement, where what it goes with takes no parameters. Pure."""


def text_literal(value: str) -> str:
    """A literal of the text: in hexadecimal digits nothing can end it."""
    digits = value.encode().hex("x").replace("x", "\\x")
    return f"E'\\x{digits}'" if digits else "E''"
