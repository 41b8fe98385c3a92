"""Rules of the area *framework*."""

from __future__ import annotations
