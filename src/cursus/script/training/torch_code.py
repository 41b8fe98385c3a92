"""What PyTorch code does that runs without an error and trains, saves or waits otherwise than it says.

Each finding is a ``Habit``: ``graph-kept`` (losses are added up with their graphs), ``rank-alone`` (some ranks alone
come to what all have to), ``rank-stops`` (a rank leaves the loop by its own measure), ``world-of-one`` (fewer processes
than the group has), ``same-order`` and ``own-order`` (of a sampler), ``schedule-lost`` and ``namespace-kept`` (of a
checkpoint), ``wrapped-state`` (keys that begin with ``module.``) and ``tokenizer-left`` (a model of transformers is
saved without the tokenizer that it was trained with).
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterable, Iterator

from cursus.aws.tables import entries
from cursus.script.evaluation.conditions import of_first
from cursus.script.facts import Habit
from cursus.script.syntax.bodies import Body, place
from cursus.script.syntax.nodes import (
    FUNCTIONS,
    bare_name,
    everything_given,
    last_name,
    own,
    receiver,
    string,
    word,
)

GROUPS = re.compile(r"^(?:torch\.)?(?:distributed|dist|c10d|hvd|xm)$|accelerator$")
RANKED = frozenset({"DistributedDataParallel", "DDP", "FSDP", "FullyShardedDataParallel"})
WRAPS = frozenset({"DataParallel", "DistributedDataParallel", "DDP"})
MOVES = ("cpu", "to", "float", "half", "eval")
LEADERS = frozenset({"Trainer", "Accelerator", "Fabric", "LightningModule"})
"""Frameworks that see to samplers and checkpoints themselves."""
MODEL_FOLDER = re.compile(r"(?:^|\.)(?:sm_)?model_dir$|SM_MODEL_DIR|/opt/ml/model/?'?$")
PARSING = re.compile(r"(?:^|\.)(?:parse_args|parse_known_args|get_args)\(")
PARSED = re.compile(r"(?:\w+(?:\(\))?\.)?(?:parse_args|get_args)\(\)|\w+\.parse_known_args\(\)\[0\]")
SIZE = re.compile(r"world_?size|n_?procs|n(?:um)?_?gpus")
STOPS = re.compile(r"patience|wait|bad_|stop|counter|no_improve")
SCHEDULER = re.compile(
    r"(?:^|\.)lr_scheduler\.\w+$|^get_\w*schedule\w*$|(?:LR|LRScheduler|WarmRestarts|ReduceLROnPlateau)$"
)


def read_torch(modules: Iterable[Body]) -> Iterator[Habit]:
    """Everything of this kind in the modules of a source that uses PyTorch."""
    walked = [(body, body.all_nodes) for body in modules]
    everything = [node for _, nodes in walked for node in nodes]
    names = {last_name(node.func) for node in everything if isinstance(node, ast.Call)}
    functions = [node for node in everything if isinstance(node, FUNCTIONS)]
    adders = {one.name for one in functions if _adds_up(one)}
    meeting = {one.name for one in functions if any(_collective(step) for step in _always(one.body))}
    meeting |= {
        f"{engine}.{method}"
        for engine in _engines(everything)
        for method in entries("libraries", "collective_of_engines")
    }
    for body, nodes in walked:
        for node in nodes:
            if isinstance(node, (ast.For, ast.While)):
                for kept, name in _graphs(node, adders):
                    yield Habit("graph-kept", None, name, True, place(kept, body))
                for stop in (
                    _stops(node) if names & RANKED and not names & entries("libraries", "agreeing") else ()
                ):
                    yield Habit("rank-stops", None, ast.unparse(stop.test)[:80], True, place(stop, body))
            elif isinstance(node, FUNCTIONS):
                for alone, told in _alone(node, meeting):
                    yield Habit("rank-alone", None, told, True, place(alone, body))
            elif isinstance(node, ast.Call):
                yield from _spawned(node, names, body)
                if last_name(node.func) == "DistributedSampler" and not names & LEADERS:
                    yield from _sampled(node, nodes, names, body)
        yield from _wrapped(nodes, body)
        yield from _schedules(nodes, names, body)
        yield from _namespaces(nodes, names, body)
        yield from _tokenizers(nodes, names, body)


# -- memory -----------------------------------------------------------------------------------------


def _adds_up(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """``def update(self, value): self.sum += value``: what it is given is kept as it is."""
    given = {one.arg for one in function.args.args} - {"self"}
    sums = [node.value for node in own(function) if isinstance(node, ast.AugAssign)]
    plain = {bare_name(one.left if isinstance(one, ast.BinOp) else one) for one in sums}
    return bool(given & plain) and not any(last_name(one) in ("item", "detach") for one in ast.walk(function))


def _graphs(loop: ast.For | ast.While, adders: set[str]) -> Iterator[tuple[ast.AST, str]]:
    """Losses whose ``backward()`` a loop calls, and which it adds up or lists as they are."""
    nodes = list(ast.walk(loop))
    losses = {bare_name(receiver(node, ("backward",))) for node in nodes} - {""}
    begun = {bare_name(one) for node in nodes if isinstance(node, ast.Assign) for one in node.targets}
    for node in nodes if losses else ():
        if isinstance(node, ast.AugAssign) and bare_name(node.value) in losses:
            total = bare_name(node.target)
            if total not in losses and total not in begun:  # what is begun anew in the loop is let go
                yield node, bare_name(node.value)
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            kept = next((bare_name(one) for one in node.value.args if bare_name(one) in losses), "")
            method = node.value.func.attr if isinstance(node.value.func, ast.Attribute) else ""
            if kept and (method == "append" or (method in adders and method != "backward")):
                yield node, kept


# -- ranks ------------------------------------------------------------------------------------------


def _collective(node: ast.AST, meeting: Collection[str] = ()) -> str:
    """What a call is named that every rank has to make, or of a function of the source that makes it."""
    if not isinstance(node, ast.Call):
        return ""
    base = receiver(node, entries("libraries", "agreeing")) or receiver(
        node, entries("libraries", "collective")
    )
    known = ast.unparse(node.func) in meeting or (base is not None and GROUPS.search(ast.unparse(base)))
    return ast.unparse(node.func) if known else ""


def _engines(nodes: list[ast.AST]) -> set[str]:
    """What ``engine, … = deepspeed.initialize(…)`` is called."""
    made = [
        node.targets[0]
        for node in nodes
        if isinstance(node, ast.Assign)
        and isinstance(node.value, ast.Call)
        and ast.unparse(node.value.func) == "deepspeed.initialize"
    ]
    return {ast.unparse(one.elts[0] if isinstance(one, ast.Tuple) and one.elts else one) for one in made}


def _always(block: list[ast.stmt]) -> Iterator[ast.AST]:
    """The nodes of a list of statements that are not under a test of the rank."""
    for statement in block:
        if isinstance(statement, ast.If) and any(of_first(one) is not None for one in _parts(statement.test)):
            if isinstance(statement.body[-1], ast.Return):
                return
            continue
        if not isinstance(statement, (*FUNCTIONS, ast.ClassDef)):
            yield from ast.walk(statement)


def _parts(test: ast.expr) -> list[ast.expr]:
    """What has to hold all together: of ``rank == 0 and step % 10 == 0`` both."""
    return test.values if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And) else [test]


def _alone(
    function: ast.FunctionDef | ast.AsyncFunctionDef, meeting: Collection[str]
) -> Iterator[tuple[ast.AST, str]]:
    """Collective calls that a function makes for the first rank alone, or for all others alone."""
    made: dict[bool, list[tuple[ast.AST, str]]] = {True: [], False: []}

    def note(block: list[ast.stmt], by_first: bool) -> None:
        for statement in block:
            made[by_first] += [
                (one, told) for one in ast.walk(statement) if (told := _collective(one, meeting))
            ]

    for node in own(function):
        for part in _parts(node.test) if isinstance(node, ast.If) else ():
            side = of_first(part)
            if isinstance(node, ast.If) and side is not None:
                note(node.body, side)
                if part is node.test:
                    note(node.orelse, not side)
    for position, statement in enumerate(function.body):
        side = of_first(statement.test) if isinstance(statement, ast.If) else None
        if side is not None and isinstance(statement, ast.If) and isinstance(statement.body[-1], ast.Return):
            note(function.body[position + 1 :], not side)
    for by_first, found in made.items():
        if found and not made[not by_first]:
            who = "the first rank" if by_first else "every rank but the first"
            yield found[0][0], f"{found[0][1]}() is called by {who} alone"


def _stops(loop: ast.For | ast.While) -> Iterator[ast.If]:
    """``if wait >= patience: break`` in a loop that trains a wrapped model, where the ranks agree on nothing."""
    inside = list(ast.walk(loop))
    if not any(receiver(one, ("backward",)) is not None for one in inside):
        return
    for one in inside:
        breaks = isinstance(one, ast.If) and any(isinstance(step, ast.Break) for step in one.body)
        if breaks and isinstance(one, ast.If) and STOPS.search(ast.unparse(one.test)):
            yield one


def _spawned(call: ast.Call, names: set[str], body: Body) -> Iterator[Habit]:
    """``mp.spawn(worker, args=(world_size, …))`` without ``nprocs``: one process, and a group of more."""
    if not ast.unparse(call.func).endswith(("mp.spawn", "multiprocessing.spawn")) or not call.args:
        return
    given = word(call, "args") or (call.args[1] if len(call.args) > 1 else None)
    if word(call, "nprocs") is not None or len(call.args) > 2 or not isinstance(given, ast.Tuple):
        return
    sizes = [one for one in map(ast.unparse, given.elts) if SIZE.search(one)]
    if sizes and "init_process_group" in names:
        yield Habit("world-of-one", None, sizes[0], True, place(call, body))


def _sampled(call: ast.Call, nodes: list[ast.AST], names: set[str], body: Body) -> Iterator[Habit]:
    """A sampler of one order for all epochs, or of another order on each rank."""
    shuffles = word(call, "shuffle") or (call.args[3] if len(call.args) > 3 else None)
    if isinstance(shuffles, ast.Constant) and not shuffles.value:
        return
    epochs = any(isinstance(one, ast.For) and "epoch" in ast.unparse(one.target) for one in nodes)
    if "set_epoch" not in names and epochs:
        yield Habit("same-order", None, "", True, place(call, body))
    seed = word(call, "seed")
    made = [seed] if seed is not None else []
    made += [
        one.value
        for one in nodes
        if isinstance(one, ast.Assign)
        and seed is not None
        and bare_name(one.targets[0]) == bare_name(seed) != ""
    ]
    if any(re.search(r"rank|process_index", ast.unparse(one)) for one in made):
        yield Habit("own-order", None, ast.unparse(seed) if seed is not None else "", True, place(call, body))


# -- what is saved ----------------------------------------------------------------------------------


def _wrapped(nodes: list[ast.AST], body: Body) -> Iterator[Habit]:
    """``torch.save(model.state_dict())`` of a model that was wrapped for several devices, and is nowhere unwrapped."""
    if any(getattr(node, "attr", string(node)) == "module" for node in nodes):
        return
    for scope in nodes:
        inside = list(own(scope)) if isinstance(scope, (ast.Module, *FUNCTIONS)) else []
        wrapped = {
            ast.unparse(node.targets[0])
            for node in inside
            if isinstance(node, ast.Assign)
            and isinstance(node.value, ast.Call)
            and last_name(node.value.func) in WRAPS
        }
        for node in inside if wrapped else ():
            if isinstance(node, ast.Call) and last_name(node.func) == "save" and node.args:
                for one in ast.walk(node.args[0]):
                    state = receiver(one, ("state_dict",))
                    while state is not None and (moved := receiver(state, MOVES)) is not None:
                        state = moved
                    if state is not None and ast.unparse(state) in wrapped:
                        yield Habit("wrapped-state", None, ast.unparse(state), True, place(node, body))


def _schedules(nodes: list[ast.AST], names: set[str], body: Body) -> Iterator[Habit]:
    """A schedule of the learning rate beside a checkpoint that keeps the optimizer, and not the schedule."""
    if "load_state_dict" not in names or names & (LEADERS | {"save_state"}):
        return
    made = {
        ast.unparse(node.targets[0]): node
        for node in nodes
        if isinstance(node, ast.Assign)
        and isinstance(node.value, ast.Call)
        and SCHEDULER.search(ast.unparse(node.value.func))
        and not {one.arg for one in node.value.keywords} & {"last_epoch", None}
    }
    if not made:
        return
    restored = {
        ast.unparse(base) for node in nodes if (base := receiver(node, ("load_state_dict",))) is not None
    }
    kept = {ast.unparse(base) for node in nodes if (base := receiver(node, ("state_dict",))) is not None}
    stepped = {
        ast.unparse(base)
        for node in nodes
        if (base := receiver(node, ("step",))) is not None
        and isinstance(node, ast.Call)
        and not everything_given(node)
    }
    optimizers = {
        ast.unparse(one.value.args[0])
        for one in made.values()
        if isinstance(one.value, ast.Call) and one.value.args
    }
    for name, node in made.items():
        if name in stepped and optimizers & restored & kept and name not in restored:
            yield Habit("schedule-lost", None, name, True, place(node, body))


def _namespaces(nodes: list[ast.AST], names: set[str], body: Body) -> Iterator[Habit]:
    """``torch.save({…, "args": args})`` of parsed arguments, where ``torch.load`` reads weights only."""
    loads = [node for node in nodes if isinstance(node, ast.Call) and ast.unparse(node.func) == "torch.load"]
    if not loads or any(word(one, "weights_only") for one in loads) or "add_safe_globals" in names:
        return
    parsed = set()
    for node in nodes:
        if (
            isinstance(node, ast.Assign)
            and isinstance(node.value, ast.Call)
            and PARSING.search(ast.unparse(node.value))
        ):
            target = node.targets[0]
            parsed.add(bare_name(target.elts[0] if isinstance(target, ast.Tuple) else target))
    functions = {node.name: node for node in nodes if isinstance(node, ast.FunctionDef)}
    for node in nodes:
        owner = functions.get(bare_name(node.func)) if isinstance(node, ast.Call) else None
        if owner is not None and isinstance(node, ast.Call):
            parsed |= {
                parameter.arg
                for parameter, given in zip(owner.args.args, node.args, strict=False)
                if bare_name(given) in parsed - {""} or PARSED.fullmatch(ast.unparse(given))
            }
    for node in nodes if parsed - {""} else ():
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "torch.save" and node.args:
            for one in ast.walk(node.args[0]):
                for key, value in zip(one.keys, one.values, strict=True) if isinstance(one, ast.Dict) else ():
                    if bare_name(value) in parsed - {""}:
                        yield Habit("namespace-kept", None, string(key) or "", True, place(value, body))


def _tokenizers(nodes: list[ast.AST], names: set[str], body: Body) -> Iterator[Habit]:
    """``model.save_pretrained(model_dir)`` where the tokenizer beside it is never saved."""
    made: dict[str, ast.Assign] = {}
    for node in nodes:
        call = node.value if isinstance(node, ast.Assign) and bare_name(node.targets[0]) else None
        if (
            isinstance(node, ast.Assign)
            and isinstance(call, ast.Call)
            and "Tokenizer" in ast.unparse(call.func)
        ):
            made[bare_name(node.targets[0])] = node
    saves = [node for node in nodes if receiver(node, ("save_pretrained", "save_model")) is not None]
    folders = [ast.unparse(node.args[0]) for node in saves if isinstance(node, ast.Call) and node.args]
    if not made or not any(map(MODEL_FOLDER.search, folders)) or "push_to_hub" in names:
        return
    saved = {last_name(receiver(node, ("save_pretrained", "save_model"))) for node in saves}
    handed = any(
        isinstance(node, ast.Call)
        and last_name(node.func).endswith("Trainer")
        and word(node, "tokenizer", "processing_class")
        for node in nodes
    )
    if not saved & set(made) and not (handed and "save_model" in names):
        name, first = next(iter(made.items()))
        yield Habit("tokenizer-left", None, name, True, place(first, body))
