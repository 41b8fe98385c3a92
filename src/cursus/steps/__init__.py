"""Anything a user holds, turned into a ``Step`` or a ``Pipeline``."""
