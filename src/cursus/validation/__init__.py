"""Validation of step builders."""
