"""Rules of the area *dependencies*."""

from __future__ import annotations
