"""Values in the text of a statement, where what it goes with takes no parameters. Pure."""


def text_literal(value: str) -> str:
    """A literal of the text: in hexadecimal digits nothing can end it."""
    return "E'" + "".join(f"\\x{byte:02x}" for byte in value.encode()) + "'"
