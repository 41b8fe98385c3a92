"""Calls that wait for a person at a terminal: ``asks``, ``detail`` is the function's dotted name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from cursus.script.evaluation.evaluate import Evaluator
from cursus.script.facts import Habit
from cursus.script.syntax.bodies import CallSite, place

ASKS: dict[str, frozenset[str]] = {
    "input": frozenset(),
    "getpass.getpass": frozenset(),
    "breakpoint": frozenset(),
    "pdb.set_trace": frozenset(),
    "huggingface_hub.login": frozenset({"token"}),
    "wandb.login": frozenset({"key", "anonymous"}),
    "wandb.init": frozenset({"mode", "anonymous", "settings"}),
}
"""Functions that ask, and the arguments with which they do not."""
KEYED = frozenset({"wandb.login", "huggingface_hub.login"})
"""Those that take the key as their first argument."""


def read_prompts(evaluator: Evaluator, calls: Iterable[tuple[CallSite, bool]]) -> Iterator[Habit]:
    """Everything of this kind in what runs."""
    for site, sure in calls:
        name = evaluator.called(site.node, site.body)
        answers = ASKS.get(name)
        given = {one.arg for one in site.node.keywords}
        if answers is None or given & answers or None in given or (name in KEYED and site.node.args):
            continue
        yield Habit("asks", None, name, sure, place(site.node, site.body))
