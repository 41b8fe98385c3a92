"""The pytest plugin: one item for each step and Level 4 test.

pytest loads this module in every session of its users, so it imports nothing that is not used.
"""

from __future__ import annotations
