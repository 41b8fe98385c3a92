"""The formats of a report: one module each, all reading the same ``Outcome``."""

from __future__ import annotations
