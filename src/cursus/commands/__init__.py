"""The command line: one module a command, each loaded when it is called."""

from __future__ import annotations
