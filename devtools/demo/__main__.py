"""`python -m devtools.demo run` and `python -m devtools.demo smoke [--fault …] [--org …]`."""

import sys

from devtools.local_stack.extras import ExtraMissing, local_package


def main() -> int:
    """Play, where what it is shown with is installed; else 2 and one line."""
    try:
        local_package("rich")
    except ExtraMissing as missing:
        sys.stderr.write(f"{missing}\n")
        return 2
    from devtools.demo import command  # noqa: PLC0415 -- it imports rich

    return command.main()


if __name__ == "__main__":
    sys.exit(main())
