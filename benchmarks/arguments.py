"""The command line of a benchmark: numbers, each with a default."""

from __future__ import annotations

import argparse


def numbers(page: str | None, **defaults: int) -> list[int]:
    """The numbers given, in the order of ``defaults``; ``page`` is what ``--help`` shows above them."""
    parser = argparse.ArgumentParser(
        description=page, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    for name, default in defaults.items():
        parser.add_argument(
            name,
            metavar=name.upper(),
            nargs="?",
            type=_positive,
            default=default,
            help=f"{default:,} unless given",
        )
    return list(vars(parser.parse_args()).values())


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number of at least 1")
    return int(text)
