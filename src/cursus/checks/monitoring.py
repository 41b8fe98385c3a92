"""Rules of the area *monitoring*."""

from __future__ import annotations
