"""Rules of the area *hyperparameters*."""

from __future__ import annotations
