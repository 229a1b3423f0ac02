"""Values in the text of a statement, where what it goes with takes no parameters. Pure."""


def text_literal(value: str) -> str:
    """An expression for the text: in hexadecimal digits nothing can end its literal."""
    return f"convert_from(decode('{value.encode().hex()}', 'hex'), 'UTF8')"
