"""What stands in a request for the user's own account where there is none."""

from __future__ import annotations

ACCOUNT = "246813579024"
"""The account that answers name: nobody's in particular."""
ROLE = "CursusOffline"
FALLBACK_REGION = "us-east-1"
