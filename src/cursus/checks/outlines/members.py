"""What requests have, and which rules read any of it.

Which rules of a scope are left is a number: the bit at a rule's place in the order of findings says that it is. So what
containers of the same names have in common is worked out once, and put together for each request.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

from cursus import checks
from cursus.checks.rules import RULES, Rule, Scope
from cursus.checks.texts import FREE

MAX_KNOWN = 4096


class Members:
    """What a request, or some containers of it, have: some ``names``, and all that its ``parts`` have.

    ``names`` are the names of members, ``Name=value`` where a member with fixed choices has an unusual one,
    ``Name={}`` where a member holds nothing, and a tuple (member, name, …) for a map of the user's own. ``readers`` are the
    rules that read any of them, by scope, and ``plans`` is for whoever works something out for all such requests.
    """

    __slots__ = ("names", "parts", "plans", "readers")

    def __init__(self, names: frozenset[Any], parts: Sequence[Members] = ()) -> None:
        self.names = names
        self.parts = parts
        self.readers: dict[Scope, int] = {}
        self.plans: dict[Any, Any] = {}


_KNOWN: dict[frozenset[Any], Members] = {}


def members(names: Iterable[Any]) -> Members:
    """What has these ``names``: one object for all."""
    key = frozenset(names)
    found = _KNOWN.get(key)
    if found is None:
        if len(_KNOWN) >= MAX_KNOWN:
            _KNOWN.clear()
        found = _KNOWN[key] = Members(key)
    return found


class Rules:
    """All rules of a scope, in the order of their findings, and what has to be there for each."""

    def __init__(self, scope: Scope) -> None:
        checks.load(scope)
        rules = [rule for rule in RULES.values() if rule.scope == scope]
        self.scope = scope
        self.rules = tuple(sorted(rules, key=lambda rule: checks.position(rule.check.__module__)))
        self.order = {rule.id: place for place, rule in enumerate(self.rules)}
        self._always = self._unsuspecting = self._unconditional = 0
        self._members: dict[str, int] = {}
        self._entries: dict[str, list[tuple[str, int]]] = {}  # in maps of the user's own, by the map
        self._kinds: dict[str, int] = {}
        self._suspecting: dict[str, int] = {}
        self._conditional: dict[str, int] = {}
        for place, rule in enumerate(self.rules):
            self._note(rule, 1 << place)

    def _note(self, rule: Rule, bit: int) -> None:
        if rule.suspects:
            _add(self._suspecting, rule.suspects, bit)
        else:
            self._unsuspecting |= bit
        if rule.when:
            _add(self._conditional, rule.when, bit)
        else:
            self._unconditional |= bit
        if not rule.reads:
            self._always |= bit
        for name in rule.reads:
            member, _, own = name.rpartition(".")
            if name[:1] == "?":
                _add(self._kinds, name[1:], bit)
            elif member in FREE:
                self._entries.setdefault(member, []).append((own, bit))
            else:
                _add(self._members, own, bit)

    def left(self, had: Members | None, kinds: Sequence[str], there: Sequence[str]) -> int:
        """The rules that find something to read in what a request has, or in all of it where that is None.

        ``kinds`` are what its texts are suspected of, ``there`` what it is about (``rules.When``).
        """
        suspecting, conditional = self._unsuspecting, self._unconditional
        for kind in kinds:
            suspecting |= self._suspecting.get(kind, 0)
        for each in there:
            conditional |= self._conditional.get(each, 0)
        if had is None:
            return suspecting & conditional
        reading = self._always | self._readers(had)
        for kind in kinds:
            reading |= self._kinds.get(kind, 0)
        return reading & suspecting & conditional

    def _readers(self, had: Members) -> int:
        found = had.readers.get(self.scope)
        if found is None:
            found = self._readers_of_names(had.names)
            for part in had.parts:
                found |= part.readers.get(self.scope) or self._readers(part)
            had.readers[self.scope] = found
        return found

    def _readers_of_names(self, names: Iterable[Any]) -> int:
        found = 0
        for name in names:
            if type(name) is not tuple:
                found |= self._members.get(name, 0)
                continue
            member, *entries = name
            for own, bit in self._entries.get(member, ()):
                if not found & bit and _has(entries, own):
                    found |= bit
        return found

    def at(self, places: int) -> tuple[Rule, ...]:
        """The rules at these places."""
        return tuple([rule for place, rule in enumerate(self.rules) if places >> place & 1])


def _add(bits: dict[str, int], name: str, bit: int) -> None:
    bits[name] = bits.get(name, 0) | bit


def _has(entries: Sequence[Any], name: str) -> bool:
    """True where a map with these ``entries`` has ``name``; * stands for any beginning or ending."""
    if name[-1:] == "*":
        return any(isinstance(each, str) and each.startswith(name[:-1]) for each in entries)
    if name[:1] == "*":
        return any(isinstance(each, str) and each.endswith(name[1:]) for each in entries)
    return name in entries


@cache
def of_scope(scope: Scope) -> Rules:
    """The rules of a scope."""
    return Rules(scope)
