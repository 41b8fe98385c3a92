"""The steps before a builder's, and what it wants of them, as a configuration or an object names them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cursus.model import UpstreamStep
from cursus.steps.discovery import step_type


def upstream_steps(value: Any) -> tuple[UpstreamStep, ...]:
    """The steps in a configuration's ``upstream``: names, mappings, UpstreamStep, steps, builders."""
    if isinstance(value, (str, UpstreamStep)) or not hasattr(value, "__iter__"):
        value = [value]
    if isinstance(value, Mapping):
        value = [{"name": name, **_entry(entry)} for name, entry in value.items()]
    return tuple(upstream_step(one) for one in value)


def _entry(entry: Any) -> dict[str, Any]:
    if isinstance(entry, Mapping):
        return {str(key): value for key, value in entry.items()}
    return {"outputs": entry} if isinstance(entry, (list, tuple, set)) else {}


def upstream_step(value: Any) -> UpstreamStep:
    """One upstream step: a name, an UpstreamStep, a mapping, or an object with ``name`` and its outputs."""
    if isinstance(value, UpstreamStep):
        return value
    if isinstance(value, str):
        return UpstreamStep(value)
    if isinstance(value, Mapping):
        name = value.get("name", value.get("Name", ""))
        kind = value.get("type", value.get("Type", ""))
        depends = value.get("depends_on", value.get("DependsOn", ()))
        return UpstreamStep(str(name), str(kind), _names(value.get("outputs")), _names(depends) or ())
    if isinstance(value, type):
        try:
            value = value()
        except Exception:
            return UpstreamStep(value.__name__)
    name = _member(value, "name", "step_name") or type(value).__name__
    outputs = _names(_member(value, "outputs", "get_outputs"))
    depends = _names(_member(value, "depends_on", "get_dependencies"))
    return UpstreamStep(str(name), step_type(value, create=False)[0] or "", outputs, depends or ())


def _member(value: Any, *names: str) -> Any:
    for name in names:
        try:
            found = getattr(value, name, None)
            found = found() if callable(found) else found
        except Exception:  # an upstream step is not what is tested: what it cannot say is unknown
            continue
        if found is not None:
            return found
    return None


def _names(value: Any) -> tuple[str, ...] | None:
    if value is None:
        return None
    if isinstance(value, str):
        return (value,)
    if not hasattr(value, "__iter__"):
        return None
    names = []
    for one in value:
        name = one if isinstance(one, str) else _member(one, "output_name", "name")
        if name is not None:
            names.append(str(name))
    return tuple(names)


def dependencies(*values: Any) -> dict[str, dict[str, str]] | None:
    """Logical input → ``{"step", "output"}`` of what ``get_dependencies`` and its kin returned.

    A list of step names gives each as its own logical input. None where there is no such hook.
    """
    found: dict[str, dict[str, str]] = {}
    known = False
    for value in values:
        if value is None:
            continue
        known = True
        if isinstance(value, Mapping):
            for name, entry in value.items():
                found[str(name)] = _dependency(entry)
        else:
            for entry in value:
                made = _dependency(entry)
                found.setdefault(made.get("input") or made.get("step", ""), made)
    return found if known else None


def _dependency(entry: Any) -> dict[str, str]:
    if isinstance(entry, Mapping):
        return {str(key): value for key, value in entry.items() if isinstance(value, str)}
    return {"step": entry} if isinstance(entry, str) else {}
