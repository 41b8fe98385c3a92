"""Which of several models a script keeps, the best or by mistake the worst; and the host that it counts from.

Each finding is a ``Habit``: ``worst-kept``, ``never-better``, ``never-noted`` (the best so far is compared with, and
never set), ``than-the-last`` (the best is any that is better than the one before), ``each-is-best`` (the file of the
best is written in every epoch), ``negated`` (an error that is below zero) and ``host-number``.
"""

from __future__ import annotations

import ast
import copy
import math
import re
from collections.abc import Iterable, Iterator

from cursus.aws.metrics import better, words_of
from cursus.script.facts import Habit
from cursus.script.syntax.bodies import Body, place
from cursus.script.syntax.nodes import assigned, bare_name, is_call, last_name, mentions, string, word

BEST = frozenset({"best", "optimal", "top"})
LEAST = frozenset({"lowest", "min", "minimum", "least", "smallest"})
MOST = frozenset({"highest", "max", "maximum", "greatest", "largest", "peak"})
SIGNS = {ast.Lt: "<", ast.LtE: "<", ast.Gt: ">", ast.GtE: ">"}
TURNED = {"<": ">", ">": "<"}
PREVIOUS = re.compile(
    r"(?:self\.)?(?:prev|previous|last|old)_\w*(?:loss|acc|accuracy|score|error|auc|f1|metric)\w*"
)
WRITES = ("save", "dump", "export", "write", "store", "persist")
SAVES = (*WRITES, "copy")
OTHER_WAY = frozenset({"neg", "negative", "free", "improvement", "reduction", "drop", "gain"})
"""Words of measures that turn another one round."""
WATCHERS = frozenset({"ModelCheckpoint", "EarlyStopping"})
PUT_BACK = frozenset({"load_state_dict", "set_weights", "load_weights"})
"""What makes a model the best again, of which a round may then write the file."""
FILE = re.compile(r"^[^\s:]+\.\w{1,11}$")
HOST = re.compile(r"SM_CURRENT_HOST|current_host")
NUMBER = re.compile(r"^int\(.*(?:split|partition|removeprefix|replace|\[-?\d+:?\]).*\)$")


def words(node: ast.AST) -> frozenset[str]:
    """The words of a name, an attribute or a constant key, in lower case."""
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
        name = str(node.slice.value)
        base = words(node.value) & (BEST | LEAST | MOST)
    else:
        name = last_name(node)
        base = frozenset()
    return base | words_of(name)


def read_best(modules: Iterable[Body]) -> Iterator[Habit]:
    """Everything of this kind in the modules of a source."""
    walked = [(body, body.all_nodes) for body in modules]
    noted = {name for _, nodes in walked for name in _noted(nodes)}
    helpers = _helpers(node for _, nodes in walked for node in nodes)
    for body, nodes in walked:
        begins, negated = _beginnings(nodes), _negative_scores(nodes)
        for node in nodes:
            if isinstance(node, ast.If):
                node = _asked(node, helpers)
                yield from _compared(node, begins, body)
                yield from _never_noted(node, noted, body)
                yield from _than_the_last(node, body)
            elif isinstance(node, ast.Assign):
                yield from _chosen(node, body)
                yield from _first_of_sorted(node, nodes, body)
                if negated:
                    yield from _negated(node, negated, nodes, body)
            elif negated and (isinstance(node, ast.JoinedStr) or is_call(node, "print")):
                yield from _shown_negated(node, body)
            elif isinstance(node, ast.Call):
                yield from _tracked(node, nodes, body)
            elif isinstance(node, (ast.For, ast.While)):
                yield from _written_anyway(node, body)
        yield from _host_numbers(nodes, body)


def _helpers(nodes: Iterable[ast.AST]) -> dict[str, ast.FunctionDef]:
    """The functions that end with a comparison, by their names, where no other has that."""
    found: dict[str, ast.FunctionDef | None] = {}
    for node in nodes:
        last = node.body[-1] if isinstance(node, ast.FunctionDef) else None
        if isinstance(node, ast.FunctionDef):
            asks = isinstance(last, ast.Return) and isinstance(last.value, (ast.Compare, ast.BoolOp))
            found[node.name] = node if asks and node.name not in found else None
    return {name: node for name, node in found.items() if node is not None}


def _asked(node: ast.If, helpers: dict[str, ast.FunctionDef]) -> ast.If:
    """``if loss < best: …`` of ``if better(loss, best): …``; any other as it is."""
    call = node.test
    owner = helpers.get(last_name(call.func)) if isinstance(call, ast.Call) else None
    if owner is None or not isinstance(call, ast.Call) or call.keywords:
        return node
    names = [one.arg for one in owner.args.args if one.arg not in ("self", "cls")]
    given = dict(zip(names, call.args, strict=False))
    asked = getattr(owner.body[-1], "value", call)

    class Given(ast.NodeTransformer):
        def visit_Name(self, one: ast.Name) -> ast.expr:
            return given.get(one.id, one)

    test = Given().visit(copy.deepcopy(asked))
    return ast.copy_location(ast.If(test, node.body, node.orelse), node)


def _beginnings(nodes: list[ast.AST]) -> dict[str, list[float]]:
    """The numbers that names and attributes are given as constants, by their text."""
    found: dict[str, list[float]] = {}
    for node in nodes:
        if not isinstance(node, ast.Assign):
            continue
        for left, value in assigned(node):
            number = _number(value)
            if number is not None:
                found.setdefault(ast.unparse(left), []).append(number)
            for key, inner in (
                zip(value.keys, value.values, strict=True) if isinstance(value, ast.Dict) else ()
            ):
                number = _number(inner)
                if key is not None and number is not None:
                    found.setdefault(f"{ast.unparse(left)}[{ast.unparse(key)}]", []).append(number)
    return found


def _number(node: ast.expr) -> float | None:
    text = ast.unparse(node).replace("'", "").replace('"', "")
    text = re.sub(r"^(-?)(?:float\((.*)\)|(?:math|np|numpy|torch)\.(inf|nan))$", r"\1\2\3", text)
    try:
        return float(text.replace("--", ""))
    except ValueError:
        return None


def _compared(node: ast.If, begins: dict[str, list[float]], body: Body) -> Iterator[Habit]:
    """``if loss > best_loss: best_loss = loss``, and a beginning that nothing is better than."""
    test = node.test
    if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.Or):
        test = test.values[-1]
    if not isinstance(test, ast.Compare) or len(test.ops) != 1 or type(test.ops[0]) not in SIGNS:
        return
    sign, now, best = SIGNS[type(test.ops[0])], test.left, test.comparators[0]
    if words(now) & BEST:
        sign, now, best = TURNED[sign], best, now
    kept = words(best)
    measure = words(now)
    if not kept & (BEST | LEAST | MOST) or measure & (BEST | LEAST | MOST):
        return
    if not _assigns(node.body, ast.unparse(best), ast.unparse(now)):
        return
    known = better(measure)
    if known is None:
        return
    direction = "<" if known == "Minimize" else ">"
    if kept & (BEST | (LEAST if direction == "<" else MOST)) and sign != direction:
        yield Habit("worst-kept", None, f"{ast.unparse(test)[:80]}", True, place(node, body))
        return
    started = begins.get(ast.unparse(best), [])
    hopeless = max(started, default=1) <= 0 if direction == "<" else min(started, default=0) == float("inf")
    hopeless = hopeless or (bool(started) and all(map(math.isnan, started)))
    if hopeless and test is node.test:
        yield Habit("never-better", None, f"{ast.unparse(test)[:80]}", True, place(node, body))


def _noted(nodes: list[ast.AST]) -> Iterator[str]:
    """The last names of what is set to anything but a constant, and of parameters."""
    for node in nodes:
        targets: list[ast.AST] = []
        if isinstance(node, ast.Assign):
            targets = [
                left
                for left, value in assigned(node)
                if _number(value) is None and not isinstance(value, ast.Constant)
            ]
        elif isinstance(node, (ast.AugAssign, ast.AnnAssign, ast.NamedExpr, ast.For)):
            targets = [] if isinstance(getattr(node, "value", None), ast.Constant) else [node.target]
        elif isinstance(node, ast.arg):
            yield node.arg
        for target in targets:
            for one in ast.walk(target):
                yield string(one) or last_name(one)


def _never_noted(node: ast.If, noted: set[str], body: Body) -> Iterator[Habit]:
    """``if best is None or loss < best: save(…)``, where nothing ever sets ``best``: each is better than none."""
    tests = node.test.values if isinstance(node.test, ast.BoolOp) else [node.test]
    test = tests[-1]
    if not isinstance(test, ast.Compare) or len(test.ops) != 1 or type(test.ops[0]) not in SIGNS:
        return
    for best, now in ((test.comparators[0], test.left), (test.left, test.comparators[0])):
        name = last_name(best)
        if not words_of(name) & (BEST | LEAST | MOST) or isinstance(now, ast.Constant):
            continue
        saves = any(
            isinstance(one, ast.Call) and last_name(one.func).startswith(SAVES) for one in ast.walk(node)
        )
        if saves and name not in noted and better(words(now)) is not None:
            yield Habit("never-noted", None, ast.unparse(best), True, place(node, body))


def _than_the_last(node: ast.If, body: Body) -> Iterator[Habit]:
    """``if losses[-1] < losses[-2]: best = …``: better than the one before it, which may be worse than others."""
    tests = node.test.values if isinstance(node.test, ast.BoolOp) else [node.test]
    for test in tests:
        if not isinstance(test, ast.Compare) or len(test.ops) != 1 or type(test.ops[0]) not in SIGNS:
            continue
        sides = [ast.unparse(test.left), ast.unparse(test.comparators[0])]
        ends = sorted(side[-4:] for side in sides)
        before = ends == ["[-1]", "[-2]"] and sides[0][:-4] == sides[1][:-4]
        before = before or any(PREVIOUS.fullmatch(side) for side in sides)
        kept = [
            one for part in node.body for one in ast.walk(part) if isinstance(one, (ast.Assign, ast.Call))
        ]
        names = [ast.unparse(one.targets[0] if isinstance(one, ast.Assign) else one)[:200] for one in kept]
        if before and any(words_of(name) & BEST for name in names):
            yield Habit("than-the-last", None, ast.unparse(test)[:80], True, place(node, body))


def _assigns(block: list[ast.stmt], target: str, value: str) -> bool:
    return any(
        ast.unparse(left) == target and ast.unparse(right) == value
        for statement in block
        for node in ast.walk(statement)
        if isinstance(node, ast.Assign)
        for left, right in assigned(node)
    )


def _chosen(node: ast.Assign, body: Body) -> Iterator[Habit]:
    """``best = max(runs, key=lambda run: run["loss"])``."""
    call = node.value
    if isinstance(call, ast.Subscript):
        call = call.value
    target = node.targets[0]
    names = target.elts if isinstance(target, ast.Tuple) else [target]
    if (
        not is_call(call, "max", "min")
        or len(call.args) != 1
        or not any(words(name) & BEST for name in names)
    ):
        return
    key = word(call, "key")
    if isinstance(key, ast.Lambda):
        found = words(key.body)
    elif isinstance(key, ast.Call) and key.args and isinstance(key.args[0], ast.Constant):
        found = frozenset(re.findall(r"[a-z0-9]+", str(key.args[0].value).lower()))
    elif isinstance(key, ast.Attribute) and key.attr == "get":
        found = words(key.value)
    else:
        return
    if better(found) == ("Minimize" if is_call(call, "max") else "Maximize"):
        yield Habit("worst-kept", None, ast.unparse(node.value)[:80], True, place(node, body))


def _first_of_sorted(node: ast.Assign, nodes: list[ast.AST], body: Body) -> Iterator[Habit]:
    """``loss, best = results[0]`` of results that are sorted downwards."""
    taken, target = node.value, node.targets[0]
    if not isinstance(taken, ast.Subscript) or ast.unparse(taken.slice) not in ("0", "-1"):
        return
    names = target.elts if isinstance(target, ast.Tuple) else [target]
    found = frozenset[str]().union(*(words(name) for name in names))
    made = taken.value
    if isinstance(made, ast.Name):
        given = [
            one.value
            for one in nodes
            if isinstance(one, ast.Assign) and ast.unparse(one.targets[0]) == ast.unparse(taken.value)
        ]
        made = given[0] if len(given) == 1 else made
    if not found & BEST or not is_call(made, "sorted"):
        return
    downwards = bool(getattr(word(made, "reverse"), "value", False))
    greatest = downwards == (ast.unparse(taken.slice) == "0")
    key = word(made, "key")
    about = words(names[0]) if key is None else frozenset(re.findall(r"[a-z0-9]+", ast.unparse(key).lower()))
    if better(about) == ("Minimize" if greatest else "Maximize"):
        yield Habit("worst-kept", None, ast.unparse(node)[:80], True, place(node, body))


def _tracked(call: ast.Call, nodes: list[ast.AST], body: Body) -> Iterator[Habit]:
    """``ModelCheckpoint(monitor="val_acc", mode="min")`` and ``metric_for_best_model`` that is to be small."""
    name = last_name(call.func)
    told = ""
    if name in WATCHERS:
        first = call.args[0] if call.args and name == "EarlyStopping" else None
        told = string(word(call, "monitor") or first) or ""
        mode = string(word(call, "mode"))
        if (
            word(call, "mode") is None
            and _lightning(nodes)
            and not any(one.arg is None for one in call.keywords)
        ):
            mode = "min"
        found = {"min": "Minimize", "max": "Maximize"}.get(mode or "")
    elif name.endswith("TrainingArguments"):
        told = string(word(call, "metric_for_best_model")) or ""
        greater = getattr(word(call, "greater_is_better"), "value", None)
        found = {True: "Maximize", False: "Minimize"}.get(greater) if isinstance(greater, bool) else None
    known = better(words_of(told)) if told and not words_of(told) & OTHER_WAY else None
    if known is not None and found is not None and known != found:
        way = "smallest" if found == "Minimize" else "greatest"
        kept = f"{name}(… {told!r} …), for which the {way} is best,"
        yield Habit("worst-kept", None, kept, True, place(call, body))


def _negative_scores(nodes: list[ast.AST]) -> frozenset[str]:
    """What is the negative of an error: ``best_score_``, and names of ``cross_val_score(…, scoring="neg_…")``."""
    negative = [
        node
        for node in nodes
        if isinstance(node, ast.Call) and (string(word(node, "scoring")) or "").startswith("neg_")
    ]
    scored = {id(node) for node in negative if last_name(node.func) == "cross_val_score"}
    names = {
        bare_name(node.targets[0])
        for node in nodes
        if isinstance(node, ast.Assign) and id(node.value) in scored
    }
    made = {
        id(node) for node in nodes if isinstance(node, ast.Call) and last_name(node.func).endswith("SearchCV")
    }
    searches = bool(made) and made <= set(map(id, negative))
    return frozenset(names - {""}) | ({"best_score_"} if searches else frozenset())


def _negated(node: ast.Assign, negative: frozenset[str], nodes: list[ast.AST], body: Body) -> Iterator[Habit]:
    """``rmse = scores.mean()`` of scores that are below zero, and are turned round nowhere."""
    name = bare_name(node.targets[0])
    value = node.value
    if isinstance(value, ast.Call) and last_name(value.func) == "mean" and not value.args:
        value = value.func.value if isinstance(value.func, ast.Attribute) else value
    plain = last_name(value) in negative and not isinstance(value, ast.Call) and value is not node.value
    plain = plain or last_name(value) == "best_score_"
    if not plain or better(words(node.targets[0])) != "Minimize" or words_of(name) & OTHER_WAY:
        return
    if not any(_turned(one, bare_name(used)) for one in nodes for used in (node.targets[0], value)):
        yield Habit("negated", None, ast.unparse(node), True, place(node, body))


def _turned(node: ast.AST, name: str) -> bool:
    """``-mse``, ``abs(mse)``, ``mse * -1`` and ``mse *= -1``."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return mentions(node.operand, name)
    if isinstance(node, ast.Call) and last_name(node.func) in ("abs", "absolute", "fabs", "negative", "neg"):
        return any(mentions(one, name) for one in node.args)
    multiplied = isinstance(node, ast.AugAssign) and isinstance(node.op, ast.Mult)
    multiplied |= isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult)
    return multiplied and mentions(node, name) and "-1" in ast.unparse(node)


def _shown_negated(node: ast.JoinedStr | ast.Call, body: Body) -> Iterator[Habit]:
    """``f"mse: {search.best_score_}"`` and ``print("mse:", search.best_score_)``."""
    parts = node.values if isinstance(node, ast.JoinedStr) else node.args
    before = ""
    for part in parts:
        shown = part.value if isinstance(part, ast.FormattedValue) else part
        told = words_of(before)
        if last_name(shown) == "best_score_" and better(told) == "Minimize" and not told & OTHER_WAY:
            yield Habit("negated", None, ast.unparse(shown), True, place(node, body))
        before = string(part) or ""


def _lightning(nodes: list[ast.AST]) -> bool:
    """True where callbacks are those of Lightning, which keep the smallest where nothing else is said."""
    modules = {one.module or "" for one in nodes if isinstance(one, ast.ImportFrom)}
    modules |= {alias.name for one in nodes if isinstance(one, ast.Import) for alias in one.names}
    tops = {one.partition(".")[0] for one in modules}
    return bool(tops & {"lightning", "pytorch_lightning"}) and not tops & {"keras", "tensorflow"}


def _written_anyway(loop: ast.For | ast.While, body: Body) -> Iterator[Habit]:
    """``if loss < best: best = loss`` and then, in every round, ``save(model, "best.pt")``."""
    asks = [
        node
        for node in loop.body
        if isinstance(node, ast.If)
        and isinstance(node.test, (ast.Compare, ast.BoolOp))
        and any(words(one) & BEST for step in node.body for one in _targets(step))
    ]
    # Another round may never come to the end, or hold the best again by then.
    skipped = any(isinstance(one, ast.Continue) for step in loop.body for one in ast.walk(step))
    put_back = any(
        isinstance(step, (ast.Assign, ast.Break, ast.Return)) for ask in asks for step in ask.orelse
    )
    put_back |= any(last_name(one.func) in PUT_BACK for one in ast.walk(loop) if isinstance(one, ast.Call))
    for node in loop.body if asks and not skipped and not put_back else ():
        if isinstance(node, (ast.Expr, ast.With)) and not _says_best(node):
            named = next((one for one in _file_names(node) if words_of(one) & BEST), "")
            again = any(named in _file_names(ask) for ask in asks)
            if named and node.lineno > asks[0].lineno and not again:
                yield Habit("each-is-best", None, named, True, place(node, body))


def _targets(step: ast.stmt) -> list[ast.expr]:
    return [left for left, _ in assigned(step)] if isinstance(step, ast.Assign) else []


def _says_best(step: ast.stmt) -> bool:
    """True where what is written may itself be the best: ``torch.save(best_state, …)``."""
    return any(isinstance(one, (ast.Name, ast.Attribute)) and words(one) & BEST for one in ast.walk(step))


def _file_names(step: ast.stmt) -> list[str]:
    """The names of files that a statement writes."""
    if not isinstance(step, (ast.Expr, ast.With)):
        return [one for inner in getattr(step, "body", []) for one in _file_names(inner)]
    calls = [one for one in ast.walk(step) if isinstance(one, ast.Call)]
    writes = any(
        last_name(one.func).startswith(WRITES)  # and a copy may be one of the best
        or (is_call(one, "open") and len(one.args) > 1 and (string(one.args[1]) or "").startswith("w"))
        for one in calls
    )
    texts = [string(one) or "" for one in ast.walk(step)] if writes else []
    return [one for one in texts if FILE.search(one)]


def _host_numbers(nodes: list[ast.AST], body: Body) -> Iterator[Habit]:
    """The number in ``algo-1``, taken as it is for a rank that begins at 0."""
    hosts = {
        target.id
        for node in nodes
        if isinstance(node, ast.Assign)
        and HOST.search(ast.unparse(node.value))
        and not isinstance(node.value, ast.Compare)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    ranks: dict[str, ast.Assign] = {}
    for node in nodes:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            made = ast.unparse(node.value)
            of_host = HOST.search(made) or any(re.search(rf"\b{name}\b", made) for name in hosts)
            if NUMBER.match(made) and of_host and "index" not in made:
                ranks[node.targets[0].id] = node
    for node in nodes if ranks else ():
        used = ""
        if isinstance(node, ast.Slice) and node.step is not None:
            used = bare_name(node.lower)
        elif isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.Eq):
            sides = [node.left, node.comparators[0]]
            zero = any(isinstance(side, ast.Constant) and side.value == 0 for side in sides)
            share = any(isinstance(side, ast.BinOp) and isinstance(side.op, ast.Mod) for side in sides)
            used = next((side.id for side in sides if isinstance(side, ast.Name) and side.id in ranks), "")
            used = used if zero or share else ""
        elif isinstance(node, ast.keyword) and node.arg in (
            "rank",
            "shard_id",
            "shard_index",
            "index",
            "node_rank",
        ):
            used = bare_name(node.value)
        if used in ranks:
            yield Habit(
                "host-number", None, ast.unparse(ranks[used].value)[:80], True, place(ranks.pop(used), body)
            )
