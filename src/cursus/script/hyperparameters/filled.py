"""What a script looks up by a hyperparameter, and what it makes of SM_HPS and of hyperparameters.json.

Each finding is a ``Habit``: ``filled`` (``Config(**json.loads(os.environ["SM_HPS"]))``: ``key`` are the names that it
takes, ``source`` is the mapping), ``decoded-twice`` (``json.loads(hps["layers"])``: ``key`` is the hyperparameter, and
the toolkit has decoded it) and ``key-of`` (``MODELS[args.model]``: ``detail`` are the keys of the mapping, one a line);
``no-key`` and ``near-key``, for a key that a mapping, or a settings file of the source, does not have
(``config["epoch"]``, and ``config.get("epoch")`` where a key is called nearly so that nothing else names), and
``key-as-member`` (``config.epoch``).
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from itertools import islice

from cursus.script.evaluation import values as v
from cursus.script.evaluation.evaluate import Evaluator
from cursus.script.facts import ArgPart, EnvPart, Habit, Text
from cursus.script.hyperparameters.texts import hyperparameter
from cursus.script.syntax.bodies import Body, CallSite, place
from cursus.script.syntax.nodes import is_call, last_name, looked_up, receiver, string
from cursus.suggest import closest, did_you_mean

HPS = v.Special("SM_HPS")
FILE = v.Special("hyperparameters.json")
MANY = 10
"""Tests around a call that are looked at, the last ones."""
OF_MAPPINGS = frozenset(dir(dict))
LOADS = frozenset({"load", "loads", "safe_load", "full_load"})
"""What gives a mapping, by the last name."""
DECODES = frozenset({"json.loads", "ast.literal_eval"})


def read_filled(evaluator: Evaluator, calls: Iterable[tuple[CallSite, bool]]) -> Iterator[Habit]:
    """Everything of this kind in what runs."""
    sites = list(calls)
    near = ((site, found) for site, _ in sites if (found := _near_key(evaluator, site)) is not None)
    for site, (told, table) in islice(near, MANY):
        if not any(_spread(evaluator, one, table) for one, _ in sites):
            yield Habit("near-key", None, told, False, place(site.node, site.body))
    for site, sure in sites:
        node, body = site.node, site.body
        always = sure and id(node) in body.certain
        given = [one.value for one in node.keywords if one.arg is None]
        if len(given) == 1 and not node.args and (source := evaluator.value(given[0], body)) in (HPS, FILE):
            if _changed(evaluator, sites, source):
                continue
            callee = evaluator.value(node.func, body)
            names = _taken(callee.body) if isinstance(callee, (v.Func, v.Klass)) else None
            if names is not None:
                own = {one.arg for one in node.keywords if one.arg}
                key = ",".join(sorted(names - own))
                kind = source.kind if isinstance(source, v.Special) else ""
                yield Habit("filled", None, ast.unparse(node.func), always, place(node, body), key, kind)
        elif len(node.args) == 1 and evaluator.called(node, body) in DECODES:
            taken = hyperparameter(evaluator, body, node.args[0])
            looks = any("isinstance" in ast.unparse(test) for test, _ in site.tests[-MANY:])
            if taken is not None and taken[1] == "SM_HPS" and not looks:
                yield Habit(
                    "decoded-twice", None, ast.unparse(node.func), always, place(node, body), taken[0]
                )


def read_keys(evaluator: Evaluator, reached: Iterable[tuple[Body, bool]]) -> Iterator[Habit]:
    """Mappings written out in the source that one hyperparameter is looked up in."""
    for body, sure in reached:
        for node, _, certain in body.reads:
            table = evaluator.value(node.value, body) if certain else v.UNKNOWN
            if not isinstance(table, v.Table) or not table.whole or not table.items:
                continue  # or where it is asked first, mostly, whether there is such a key
            if last_name(node.value) in evaluator.changed or "" in evaluator.replaced:
                continue
            index, where = evaluator.value(node.slice, body), place(node, body)
            keys = "\n".join(key for key, _ in table.items)
            literal = index.literal if isinstance(index, Text) else None
            if literal is not None and _never_put(evaluator, table, literal):
                near = did_you_mean(literal, [key for key, _ in table.items])
                told = f"{ast.unparse(node)} is asked for, and there is no such key.{near}"
                yield Habit("no-key", None, told.replace(":", ""), sure, where)
            elif isinstance(index, v.Unknown) and index.key:
                yield Habit("key-of", None, keys, sure, where, index.key, index.origin)
            elif isinstance(index, Text) and isinstance(index.only, (ArgPart, EnvPart)):
                yield Habit("key-of", index, keys, sure, where)


def _never_put(evaluator: Evaluator, table: v.Table, key: str) -> bool:
    """True for a key that a mapping is neither written with nor given later on, nor asked for before."""
    return key not in dict(table.items) and key not in evaluator.replaced


def _near_key(evaluator: Evaluator, site: CallSite) -> tuple[str, v.Table] | None:
    """What is wrong with ``config.get("ignore_columns")`` of a mapping that has ``ignore_cols``, unread."""
    base, key = looked_up(site.node) or (None, None)
    name = string(key)
    table = evaluator.value(base, site.body) if base is not None and name is not None else v.UNKNOWN
    if not isinstance(table, v.Table) or not table.whole or "" in evaluator.replaced or name is None:
        return None
    if last_name(base) in evaluator.changed or not _never_put(evaluator, table, name):
        return None
    near = closest(name, [each for each, _ in table.items if each not in evaluator.strings])
    if near is None:
        return None
    return f"{name!r} is asked for, and the mapping has {near!r}, which nothing reads", table


def _spread(evaluator: Evaluator, site: CallSite, table: v.Table) -> bool:
    """True for ``Model(**config)`` and ``config.items()``: all keys of a mapping go on."""
    given = [one.value for one in site.node.keywords if one.arg is None]
    gone_through = receiver(site.node, ("items", "keys", "values"))
    whole = [*given, *([gone_through] if gone_through is not None else [])]
    return any(evaluator.value(one, site.body) == table for one in whole)


def read_members(evaluator: Evaluator, reached: Iterable[tuple[Body, bool]]) -> Iterator[Habit]:
    """Keys of a mapping that are looked for as its members: ``config.rate`` and ``getattr(config, "rate", 1)``."""
    for body, sure in reached if LOADS & evaluator.mentioned else ():
        for node in body.nodes:
            if (
                isinstance(node, ast.Attribute)
                and isinstance(node.ctx, ast.Load)
                and id(node) in body.certain
            ):
                if node.attr not in OF_MAPPINGS and _is_mapping(evaluator.value(node.value, body)):
                    told = f"{ast.unparse(node)} is asked for, and a mapping has keys, no members (AttributeError)"
                    yield Habit("key-as-member", None, told, sure, place(node, body))
            elif is_call(node, "getattr", "hasattr") and len(node.args) > 1:
                name = string(node.args[1])
                if name not in (None, *OF_MAPPINGS) and _is_mapping(evaluator.value(node.args[0], body)):
                    told = f"{ast.unparse(node)} looks for a member, and a mapping has keys: it finds none"
                    fails = len(node.args) == 2 and is_call(node, "getattr") and id(node) in body.certain
                    yield Habit(
                        "key-as-member", None, told.replace(":", ","), sure and fails, place(node, body)
                    )


def _is_mapping(value: v.Value) -> bool:
    """True for what is loaded from JSON and the like, and has not been made an object."""
    return (isinstance(value, v.Table) and not value.members) or value in (HPS, FILE)


def _changed(evaluator: Evaluator, sites: list[tuple[CallSite, bool]], source: v.Value) -> bool:
    """True where something is taken out of the mapping: ``hps.pop("epochs")``, ``del hps["epochs"]``."""
    held = [(site.body, receiver(site.node, ("pop", "popitem", "clear"))) for site, _ in sites]
    held += [
        (body, part.value)
        for body in {id(site.body): site.body for site, _ in sites}.values()
        for node in body.nodes
        for part in (node.targets if isinstance(node, ast.Delete) else ())
        if isinstance(part, ast.Subscript)
    ]
    return any(base is not None and evaluator.value(base, body) == source for body, base in held)


def _taken(callee: Body) -> set[str] | None:
    """The names that a function or a dataclass takes; None where it takes any, or that is not known."""
    owner = callee.owner
    if isinstance(owner, (ast.FunctionDef, ast.AsyncFunctionDef)):
        given = owner.args
        return (
            None
            if given.kwarg or owner.decorator_list
            else {one.arg for one in (*given.args, *given.kwonlyargs)}
        )
    if not isinstance(owner, ast.ClassDef) or owner.bases:
        return None
    plain = [one.func if isinstance(one, ast.Call) else one for one in owner.decorator_list]
    made = any(isinstance(one, ast.FunctionDef) and one.name == "__init__" for one in owner.body)
    if made or [last_name(one) for one in plain] != ["dataclass"]:
        return None
    fields = [one.target for one in owner.body if isinstance(one, ast.AnnAssign)]
    return {one.id for one in fields if isinstance(one, ast.Name)}
