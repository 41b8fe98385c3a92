"""Rules of the area *channels*."""

from __future__ import annotations
