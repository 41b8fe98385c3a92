"""Text that is safe to print: no control characters, and a count with its noun."""

from __future__ import annotations

import re

_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def clean(text: str) -> str:
    """``text`` with control characters and lone surrogates written out, so that no terminal obeys them."""
    return text if text.isascii() and text.isprintable() else _CONTROL.sub(_escape, text)


def one_line(text: str) -> str:
    """``clean``, with line breaks and tabs written out too."""
    return clean(text).replace("\n", "\\n").replace("\t", "\\t")


def count(number: int, noun: str) -> str:
    """``1 error``, ``2 errors``, ``no errors``."""
    return f"{number or 'no'} {noun}{'' if number == 1 else 's'}"


class Style:
    """ANSI colours, or none. Rich is for live tables; a report needs seven codes."""

    CODES = {"error": "1;31", "warning": "1;33", "info": "1;36", "good": "1;32", "bold": "1", "dim": "2"}

    def __init__(self, color: bool) -> None:
        self.color = color

    def __call__(self, text: str, style: str) -> str:
        """``text`` in the colour of ``style``, one of ``CODES``."""
        if not self.color or not text:
            return text
        return f"\x1b[{self.CODES[style]}m{text}\x1b[0m"
