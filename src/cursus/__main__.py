"""``cursus``, and ``python -m cursus``: the command line."""

from __future__ import annotations

import gc
import signal
import sys

MANY = 500_000
"""Objects that are made before Python looks for garbage among them: those of a short command are all in use."""


def main() -> int:
    """Run one command and give its exit code.

    Until the commands are imported, Ctrl-C ends the process as it ends any program: without a traceback.
    """
    gc.set_threshold(MANY)
    before = signal.getsignal(signal.SIGINT)
    is_ours = before is signal.default_int_handler
    if is_ours:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from cursus.commands import cli

    if is_ours:
        signal.signal(signal.SIGINT, before)
    try:
        return cli.main()
    finally:
        gc.freeze()  # nobody has to look through what is about to go


if __name__ == "__main__":
    sys.exit(main())
