"""``cursus``, and ``python -m cursus``: the command line."""

from __future__ import annotations

import signal
import sys


def main() -> int:
    """Run one command and give its exit code.

    Until the commands are imported, Ctrl-C ends the process as it ends any program: without a traceback.
    """
    before = signal.getsignal(signal.SIGINT)
    is_ours = before is signal.default_int_handler
    if is_ours:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from cursus.commands import cli

    if is_ours:
        signal.signal(signal.SIGINT, before)
    return cli.main()


if __name__ == "__main__":
    sys.exit(main())
