"""What scripts want of a machine's GPUs: ``gpu-number``, ``gpu-capability`` and ``gpu-hist`` (of XGBoost).

Of the first ``key`` is the highest number that a GPU has to have, from 0 on: ``.to("cuda:1")``, ``device_ids=[0, 1]``,
or ``Trainer(accelerator="gpu", devices=2)`` of Lightning. Of the second it is the least compute capability.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator

from cursus.script.evaluation import values as v
from cursus.script.evaluation.evaluate import Evaluator
from cursus.script.facts import Const, Habit, Text
from cursus.script.syntax.bodies import Body, CallSite, place
from cursus.script.syntax.nodes import bare_name, last_name, word

MODULES = frozenset({"torch", "lightning", "pytorch_lightning", "transformers", "xgboost", "tensorflow"})
TRAINERS = frozenset(
    {
        "pytorch_lightning.Trainer",
        "lightning.Trainer",
        "lightning.pytorch.Trainer",
        "lightning.pytorch.trainer.Trainer",
    }
)
FLASH = "8.0"
"""FlashAttention 2 wants GPUs from Ampere on: https://github.com/Dao-AILab/flash-attention."""


def read_devices(evaluator: Evaluator, calls: Iterable[tuple[CallSite, bool]]) -> Iterator[Habit]:
    """Every call that names GPUs by numbers that are written down, or a kernel that older ones do not have."""
    for site, sure in calls:
        number = _number(evaluator, site)
        shown, where = ast.unparse(site.node)[:80], place(site.node, site.body)
        if number is not None:
            yield Habit("gpu-number", None, shown, sure, where, key=str(number))
        if _text(evaluator, site, word(site.node, "attn_implementation")) == "flash_attention_2":
            yield Habit("gpu-capability", None, "flash_attention_2", sure, where, key=FLASH)
        if _boosts(evaluator, site) == "gpu_hist":
            yield Habit("gpu-hist", None, shown, sure, where, key="0")


def read_listed(reached: Iterable[tuple[Body, bool]]) -> Iterator[Habit]:
    """``tf.config.list_physical_devices("GPU")[0]``, where nothing asks whether there are any."""
    for body, sure in reached:
        for node in body.nodes:
            if not (isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant)):
                continue
            made = body.only(node.value.id) if isinstance(node.value, ast.Name) else node.value
            number = node.slice.value
            if (
                isinstance(made, ast.Call)
                and last_name(made.func) in ("list_physical_devices", "list_logical_devices")
                and ast.unparse(made.args[0] if made.args else made) == "'GPU'"
                and type(number) is int
                and number >= 0
                and id(node) in body.certain
            ):
                yield Habit("gpu-number", None, ast.unparse(node), sure, place(node, body), key=str(number))


def _boosts(evaluator: Evaluator, site: CallSite) -> str | None:
    """The tree method that XGBoost is given, by name or among the parameters."""
    if not evaluator.called(site.node, site.body).startswith("xgboost."):
        return None
    first = word(site.node, "params") or (site.node.args[0] if site.node.args else None)
    table = None if first is None else evaluator.value(first, site.body)
    if isinstance(table, v.Table):
        given = dict(table.items).get("tree_method")
        return given.literal if isinstance(given, Text) else None
    return _text(evaluator, site, word(site.node, "tree_method"))


def _number(evaluator: Evaluator, site: CallSite) -> int | None:
    """The highest number of a GPU that a call names."""
    node, called = site.node, evaluator.called(site.node, site.body)
    first = node.args[0] if node.args else None
    method = last_name(node.func)
    if called in TRAINERS:
        return _of_lightning(evaluator, site)
    if called in ("torch.multiprocessing.spawn", "torch.multiprocessing.spawn.spawn"):
        return _spawned(evaluator, site)
    if called == "torch.nn.DataParallel":
        return _highest(
            evaluator, site, word(node, "device_ids") or (node.args[1] if len(node.args) > 1 else None)
        )
    if called == "torch.cuda.set_device" or (
        method == "cuda" and isinstance(node.func, ast.Attribute) and not called
    ):
        return _highest(evaluator, site, first)
    given = [word(node, "device")] if called.startswith("torch.") else []
    if called == "torch.device" or (method == "to" and isinstance(node.func, ast.Attribute) and not called):
        given.append(first)
    found = [re.fullmatch(r"cuda(?::(\d))?", _text(evaluator, site, one) or "") for one in given]
    number = max((int(one[1] or 0) for one in found if one is not None), default=None)
    return None if called == "torch.device" and not number else number  # what uses it is a call of its own


def _of_lightning(evaluator: Evaluator, site: CallSite) -> int | None:
    node = site.node
    kind = _text(evaluator, site, word(node, "accelerator"))
    wanted = (
        word(node, "gpus") if kind is None else word(node, "devices") if kind in ("gpu", "cuda") else None
    )
    value = None if wanted is None else evaluator.value(wanted, site.body)
    if isinstance(value, Const) and type(value.value) is int:
        return value.value - 1 if value.value > 0 else None
    return _highest(evaluator, site, wanted) if isinstance(value, v.Items) else None


def _spawned(evaluator: Evaluator, site: CallSite) -> int | None:
    """The last rank of processes each of which takes the GPU of its number: ``torch.cuda.set_device(rank)``."""
    node = site.node
    started = evaluator.value(node.args[0], site.body) if node.args else v.UNKNOWN
    count = word(node, "nprocs") or (node.args[2] if len(node.args) > 2 else None)
    value = None if count is None else evaluator.value(count, site.body)
    owner = started.body.owner if isinstance(started, v.Func) else None
    if not isinstance(owner, ast.FunctionDef) or not owner.args.args or not isinstance(value, Const):
        return None
    rank = owner.args.args[0].arg
    takes = any(
        isinstance(one, ast.Call)
        and last_name(one.func) in ("set_device", "cuda")
        and any(bare_name(given) == rank for given in one.args)
        for one in ast.walk(owner)
    )
    return value.value - 1 if takes and type(value.value) is int and value.value > 0 else None


def _highest(evaluator: Evaluator, site: CallSite, node: ast.expr | None) -> int | None:
    """The highest of whole numbers that are written down: one, or a list of them."""
    value = None if node is None else evaluator.value(node, site.body)
    values = value.items if isinstance(value, v.Items) else (value,)
    numbers = [one.value for one in values if isinstance(one, Const) and type(one.value) is int]
    return max(numbers) if numbers and len(numbers) == len(values) and min(numbers) >= 0 else None


def _text(evaluator: Evaluator, site: CallSite, node: ast.expr | None) -> str | None:
    value = None if node is None else evaluator.value(node, site.body)
    return value.literal if isinstance(value, Text) else None
