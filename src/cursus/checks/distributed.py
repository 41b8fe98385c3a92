"""Rules of the area *distributed*."""

from __future__ import annotations
