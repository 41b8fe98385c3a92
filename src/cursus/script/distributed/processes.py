"""How the processes of a distributed training share the data, and how each knows which of them it is.

Each finding is a ``Habit``: ``sampler-and-shuffle`` (a loader is given both), ``sampler-idle`` (no loader is given the
sampler), ``loader-of-all`` (there is none), ``spawn-per-gpu`` (one process a GPU is started, whatever their number),
``strategy-early`` (TensorFlow's strategy is made before TF_CONFIG is set), ``own-host`` (SM_CURRENT_HOST says which
process it is), ``nodes`` (the number of hosts that Lightning is told), ``root-of-logger`` (its checkpoints go to the
logger's folder), ``device-of-rank`` (the GPU of a process by its number among all), ``own-master`` (every host is the
one where the processes meet), ``old-launch`` (a program that is told its rank by an argument) and ``starts``
(one that is given options, which are the ``key``).
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator

from cursus.script.distributed.spawned import SPAWNS
from cursus.script.evaluation import values as v
from cursus.script.evaluation.conditions import FIRST_HOST
from cursus.script.evaluation.evaluate import Evaluator
from cursus.script.facts import Const, EnvPart, Habit, Text
from cursus.script.source.launched import given_to
from cursus.script.syntax.bodies import Body, CallSite, place
from cursus.script.syntax.nodes import bare_name, everything_given, last_name, receiver, string, word

MODULES = frozenset(
    {"torch", "tensorflow", "mpi4py", "horovod", "deepspeed", "accelerate", "smdistributed"}
    | {"pytorch_lightning", "lightning"}
)
LAUNCH = re.compile(
    r"torch\.distributed\.launch\b(?P<options>.{0,500}?)[\s'\"](?P<program>[\w./-]+\.py)\b", re.DOTALL
)
SHARED = re.compile(
    r"sampler|world_?size|num_replicas|num_shards|iterable|shard|split_dataset|split_between|by_node|accelerat"
    r"|\[[^\]'\"]*\brank\b[^\]]*:|partition|subset|horovod|deepspeed",
    re.IGNORECASE,
)
"""What a source says that gives each process a part of its own."""
STRATEGY = "MultiWorkerMirroredStrategy"


def read_processes(
    evaluator: Evaluator, modules: Iterable[Body], reached: Iterable[tuple[Body, bool]]
) -> Iterator[Habit]:
    """Everything of this kind in a source that uses one of ``MODULES``."""
    for body in modules:
        yield from _idle(body)
        yield from _of_all(body)
    for body, sure in reached:
        for node in body.nodes:
            if isinstance(node, ast.Call):
                yield from _loader(body, node, sure)
                yield from _per_gpu(body, node, sure)
                yield from _nodes(evaluator, body, node, sure)
                yield from _device(evaluator, body, node, sure)
            elif isinstance(node, ast.Assign):
                yield from _own_master(evaluator, body, node, sure)
            yield from _own_host(evaluator, body, node, sure)
        if body.parent is None:
            yield from _early(body, sure)


def old_launches(command: str) -> list[str]:
    """The programs that ``torch.distributed.launch`` starts in a command, and tells their rank by an argument."""
    found = LAUNCH.finditer(command)
    return [one["program"] for one in found if not re.search(r"use[_-]env", one["options"])]


def read_launches(evaluator: Evaluator, calls: Iterable[tuple[CallSite, bool]]) -> Iterator[Habit]:
    """The programs that a script starts so."""
    for site, sure in calls:
        name = evaluator.called(site.node, site.body)
        if not name.startswith(("subprocess.", "os.system")):
            continue
        given = [site.body.only(bare_name(one)) or one for one in site.node.args]
        for program in old_launches(" ".join(map(ast.unparse, given))):
            yield Habit("old-launch", None, program, sure, place(site.node, site.body))
        command = given[0] if given else None
        words = [string(one) or "" for one in command.elts] if isinstance(command, ast.List) else []
        started = given_to(words or (string(command) or "").split())
        if started is not None and started[1]:
            always = sure and id(site.node) in site.body.certain
            yield Habit("starts", None, started[0], always, place(site.node, site.body), " ".join(started[1]))
        listed = isinstance(command, ast.List) and bool(command.elts)
        first = string(command.elts[0] if isinstance(command, ast.List) and listed else command) or ""
        if first.startswith("nvidia-smi") and (listed or name.startswith("subprocess.check_")):
            yield Habit("asks-driver", None, name, sure, place(site.node, site.body))


# -- data ---------------------------------------------------------------------------------------------


def _loader(body: Body, node: ast.Call, sure: bool) -> Iterator[Habit]:
    """``DataLoader(…, shuffle=True, sampler=sampler)``."""
    sampler = word(node, "sampler", "batch_sampler")
    if last_name(node.func) != "DataLoader" or not _is_true(word(node, "shuffle")):
        return
    made = body.only(sampler.id) if isinstance(sampler, ast.Name) else sampler
    if isinstance(made, ast.Call) and last_name(made.func).endswith("Sampler"):
        always = sure and not any(site.node is node and site.tests for site in body.calls)
        yield Habit("sampler-and-shuffle", None, ast.unparse(node.func), always, place(node, body))


def _is_true(node: ast.expr | None) -> bool:
    return isinstance(node, ast.Constant) and node.value is True


def _idle(module: Body) -> Iterator[Habit]:
    """``sampler = DistributedSampler(…)`` that nothing is given, beside loaders without a sampler."""
    nodes = module.all_nodes
    loaders = [one for one in nodes if isinstance(one, ast.Call) and last_name(one.func) == "DataLoader"]
    if not loaders or any(word(one, "sampler", "batch_sampler") or len(one.args) > 3 for one in loaders):
        return
    for node in nodes:
        call = node.value if isinstance(node, ast.Assign) else None
        if not isinstance(node, ast.Assign) or not isinstance(call, ast.Call):
            continue
        name = bare_name(node.targets[0])
        if last_name(call.func) != "DistributedSampler" or not name:
            continue
        used = [
            one
            for one in nodes
            if isinstance(one, ast.Name) and one.id == name and isinstance(one.ctx, ast.Load)
        ]
        told = {id(receiver(one, ("set_epoch",))) for one in nodes}
        if all(id(one) in told for one in used):
            yield Habit("sampler-idle", None, name, True, place(node, module))


def _of_all(module: Body) -> Iterator[Habit]:
    """``DataLoader(rows, shuffle=True)`` beside DistributedDataParallel, in a source that shares no rows."""
    calls = [one for one in module.all_nodes if isinstance(one, ast.Call)]
    if not any(last_name(one.func) in ("DistributedDataParallel", "DDP") for one in calls):
        return
    for call in calls:
        shuffle = word(call, "shuffle")
        if (
            last_name(call.func) == "DataLoader"
            and isinstance(shuffle, ast.Constant)
            and shuffle.value is True
        ):
            joined = [one for one in calls if last_name(one.func) == "init_process_group"]
            rest = re.sub(r"(?m)^ *(?:from|import) .*$", "", ast.unparse(module.owner))
            for one in {ast.unparse(each) for each in joined}:
                rest = rest.replace(one, "")
            if not SHARED.search(rest):
                yield Habit("loader-of-all", None, ast.unparse(call)[:80], True, place(call, module))
            return


# -- processes ----------------------------------------------------------------------------------------


def _per_gpu(body: Body, node: ast.Call, sure: bool) -> Iterator[Habit]:
    """``mp.spawn(worker, nprocs=torch.cuda.device_count())``."""
    if not ast.unparse(node.func).endswith(SPAWNS):
        return
    given = word(node, "nprocs") or (node.args[2] if len(node.args) > 2 else None)
    made = body.only(given.id) if isinstance(given, ast.Name) else given
    if isinstance(made, ast.Call) and ast.unparse(made.func) == "torch.cuda.device_count":
        yield Habit("spawn-per-gpu", None, ast.unparse(node.func), sure, place(node, body))


def _nodes(evaluator: Evaluator, body: Body, node: ast.Call, sure: bool) -> Iterator[Habit]:
    """The number of hosts that a Trainer of Lightning is told."""
    name = evaluator.called(node, body)
    if not name.endswith(".Trainer") or name.partition(".")[0] not in ("pytorch_lightning", "lightning"):
        return
    yield from _root_of_logger(evaluator, body, node, sure)
    given = word(node, "num_nodes")
    if given is None and any(one.arg is None for one in node.keywords):
        return
    value = Const(1) if given is None else evaluator.value(given, body)
    if isinstance(value, Const) and isinstance(value.value, int):
        known = sure and id(node) in body.certain
        yield Habit("nodes", None, str(value.value), known, place(node, body))


def _root_of_logger(evaluator: Evaluator, body: Body, node: ast.Call, sure: bool) -> Iterator[Habit]:
    """``Trainer(default_root_dir=…, logger=TensorBoardLogger("logs"))``: the checkpoints go to the logger's folder."""
    root, given = word(node, "default_root_dir"), word(node, "logger")
    logger = body.only(bare_name(given)) if isinstance(given, ast.Name) else given
    if root is None or not isinstance(logger, ast.Call) or not last_name(logger.func).endswith("Logger"):
        return
    folder = word(logger, "save_dir") or (logger.args[0] if logger.args else None)
    kept = evaluator.value(root, body)
    other = evaluator.value(folder, body) if folder is not None else None
    if isinstance(kept, Text) and isinstance(other, Text) and kept != other:
        yield Habit(
            "root-of-logger",
            kept,
            last_name(logger.func),
            sure,
            place(node, body),
            others=(Habit("folder", other, "", sure, place(node, body)),),
        )


def _device(evaluator: Evaluator, body: Body, node: ast.Call, sure: bool) -> Iterator[Habit]:
    """``torch.cuda.set_device(dist.get_rank())``, ``device_ids=[rank]``, ``torch.device(f"cuda:{rank}")``."""
    given = node.args[0] if evaluator.called(node, body) == "torch.cuda.set_device" and node.args else None
    devices = word(node, "device_ids")
    if isinstance(devices, ast.List) and len(devices.elts) == 1:
        given = devices.elts[0]
    if given is None:
        given = _numbered(evaluator, body, node)
    if given is not None and _rank_of_all(evaluator, given, body):
        known = sure and id(node) in body.certain
        yield Habit("device-of-rank", None, ast.unparse(node.func), known, place(node, body))


def _numbered(evaluator: Evaluator, body: Body, node: ast.Call) -> ast.expr | None:
    """The number in ``torch.device(f"cuda:{rank}")``, ``torch.device("cuda", rank)``, ``.cuda(rank)``."""
    if not node.args:
        return None
    first = node.args[0]
    if last_name(node.func) in ("to", "device") and isinstance(first, ast.JoinedStr):
        text, *rest = first.values
        number = rest[0].value if len(rest) == 1 and isinstance(rest[0], ast.FormattedValue) else None
        return number if string(text) == "cuda:" else None
    if evaluator.called(node, body) == "torch.device" and len(node.args) > 1:
        return node.args[1] if string(first) == "cuda" else None
    return first if receiver(node, ("cuda", "to")) is not None and isinstance(first, ast.Name) else None


def _rank_of_all(evaluator: Evaluator, node: ast.expr, body: Body, depth: int = 0) -> bool:
    """True for the number of a process among those of all hosts."""
    if isinstance(node, ast.Name):
        made = body.only(node.id) or body.top.only(node.id)
        return made is not None and depth < 4 and _rank_of_all(evaluator, made, body, depth + 1)
    if not isinstance(node, ast.Call):
        return False
    if bare_name(node.func) == "int" and len(node.args) == 1:
        found = evaluator.value(node.args[0], body)
        only = found.only if isinstance(found, Text) else None
        return isinstance(only, EnvPart) and only.name == "RANK"
    return evaluator.called(node, body) in ("torch.distributed.get_rank", "horovod.torch.rank")


def _own_master(evaluator: Evaluator, body: Body, node: ast.Assign, sure: bool) -> Iterator[Habit]:
    """``os.environ["MASTER_ADDR"] = "localhost"``."""
    target = node.targets[0]
    if (
        isinstance(target, ast.Subscript)
        and string(target.slice) == "MASTER_ADDR"
        and string(node.value) in ("localhost", "127.0.0.1", "0.0.0.0")
        and evaluator.value(target.value, body) == v.Special("environ")
        and sum(_sets_master(one) for one in body.top.all_nodes) == 1
    ):
        known = sure and node in getattr(body.owner, "body", ())
        yield Habit("own-master", None, string(node.value) or "", known, place(node, body))


def _sets_master(node: ast.AST) -> bool:
    stored = isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store)
    return stored and isinstance(node, ast.Subscript) and string(node.slice) == "MASTER_ADDR"


def _early(module: Body, sure: bool) -> Iterator[Habit]:
    """A strategy that the module makes above everything that sets TF_CONFIG or calls what does."""
    setting = {
        one.name
        for one in module.all_nodes
        if isinstance(one, (ast.FunctionDef, ast.AsyncFunctionDef)) and any(map(_sets_cluster, ast.walk(one)))
    }
    if not setting and not any(map(_sets_cluster, module.nodes)):
        return
    made: ast.Call | None = None
    for node in module.nodes:
        if _sets_cluster(node) or (
            isinstance(node, ast.Call) and last_name(node.func) in setting and made is None
        ):
            break
        if isinstance(node, ast.Call) and last_name(node.func) == STRATEGY:
            made = node
    if made is not None:
        yield Habit("strategy-early", None, ast.unparse(made.func), sure, place(made, module))


def _sets_cluster(node: ast.AST) -> bool:
    if isinstance(node, ast.Assign):
        return any(
            isinstance(one, ast.Subscript) and string(one.slice) == "TF_CONFIG" for one in node.targets
        )
    return (
        isinstance(node, ast.Call)
        and last_name(node.func) in ("setdefault", "update", "putenv")
        and any("TF_CONFIG" in ast.unparse(given) for given in everything_given(node))
    )


def _own_host(evaluator: Evaluator, body: Body, node: ast.AST, sure: bool) -> Iterator[Habit]:
    """``hosts.index(current_host)``, ``current_host == hosts[0]``."""
    asked: ast.expr | None = None
    if isinstance(node, ast.Call) and last_name(node.func) == "index" and len(node.args) == 1:
        asked = node.args[0]
    elif isinstance(node, ast.Compare) and FIRST_HOST.fullmatch(ast.unparse(node)):
        asked = node.left
    if asked is None:
        return
    found = evaluator.value(asked, body)
    if found == Text((EnvPart("SM_CURRENT_HOST"),)):
        yield Habit("own-host", None, ast.unparse(node), sure, place(node, body))
