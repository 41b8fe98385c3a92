"""Rules of the area *artifacts*."""

from __future__ import annotations
