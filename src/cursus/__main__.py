"""``python -m cursus`` is ``cursus``."""

from __future__ import annotations

import sys

from cursus.commands.cli import main

if __name__ == "__main__":
    sys.exit(main())
