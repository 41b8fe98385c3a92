"""Rules of the area *resources*."""

from __future__ import annotations
