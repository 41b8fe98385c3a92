"""Reads training scripts without running them."""

from __future__ import annotations

from cursus.script.facts import ScriptFacts
from cursus.script.reader import read_source

__all__ = ["ScriptFacts", "read_source"]
