"""What a LightningModule and its callbacks do not agree on, and what the second major version took out of it.

``lightning-hook`` is a method that no Trainer calls from 2.0 on; ``lightning-monitor`` a callback that watches a name
which nothing logs: ``key`` is the name, ``detail`` the callback.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from cursus.script.evaluation import values as v
from cursus.script.evaluation.evaluate import Evaluator
from cursus.script.facts import Habit
from cursus.script.syntax.bodies import Body, CallSite, place
from cursus.script.syntax.nodes import last_name, receiver, string, word

MODULES = frozenset({"lightning", "pytorch_lightning"})
GONE = frozenset({"training_epoch_end", "validation_epoch_end", "test_epoch_end"})
WATCHERS = frozenset({"EarlyStopping", "ModelCheckpoint"})
ENDINGS = ("", "_epoch", "_step")
"""What stands behind a logged name where it is logged of steps and of epochs."""


def read_lightning(
    evaluator: Evaluator, calls: Iterable[tuple[CallSite, bool]], modules: Iterable[Body]
) -> Iterator[Habit]:
    """Everything of this kind; nothing of names where one that is logged cannot be read."""
    logged: set[str] = set()
    known = True
    for body in modules:
        for node in body.all_nodes:
            if isinstance(node, ast.ClassDef) and _is_module(evaluator, node, body):
                yield from (
                    Habit("lightning-hook", None, one.name, True, place(one, body))
                    for one in node.body
                    if isinstance(one, ast.FunctionDef) and one.name in GONE
                )
            names = _logged(node)
            known = known and names is not None
            logged.update(names or ())
    if not logged or not known:
        return
    found = {name + ending for name in logged for ending in ENDINGS} | {"epoch", "step"}
    for site, sure in calls:
        name = last_name(site.node.func)
        watched = string(word(site.node, "monitor")) if name in WATCHERS else None
        called = evaluator.called(site.node, site.body) if watched else ""
        if watched and watched not in found and called.partition(".")[0] in MODULES:
            yield Habit("lightning-monitor", None, name, sure, place(site.node, site.body), key=watched)


def _is_module(evaluator: Evaluator, node: ast.ClassDef, body: Body) -> bool:
    bases = [evaluator.value(base, body) for base in node.bases]
    return any(isinstance(one, v.Ref) and one.name.endswith(".LightningModule") for one in bases)


def _logged(node: ast.AST) -> set[str] | None:
    """The names that a call logs; empty for any other node, None where they cannot be read."""
    if receiver(node, ("log", "log_dict")) is None or not isinstance(node, ast.Call):
        return set()
    if ast.unparse(receiver(node, ("log", "log_dict")) or node) not in (
        "self",
        "pl_module",
        "trainer.lightning_module",
    ):
        return set()
    first = node.args[0] if node.args else word(node, "name", "dictionary")
    if isinstance(first, ast.Dict) and last_name(node.func) == "log_dict":
        names = [string(key) for key in first.keys]
    else:
        names = [string(first)]
    return None if None in names else {name for name in names if name is not None}
