"""Rules of the area *step*."""

from __future__ import annotations
