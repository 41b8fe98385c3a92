"""Losses that do not go with what the model gives: ``loss-and-output``, where ``detail`` tells both; and linear layers
that do not go with each other: ``layers-apart``.

Looks at the last thing that a model of PyTorch or Keras does to its output. Where there are several models, or the
last layer is not plain, nothing is said.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from cursus.script.facts import Habit
from cursus.script.syntax.bodies import Body, place
from cursus.script.syntax.nodes import last_name, own, receiver, string, word

TORCH = {
    (
        "CrossEntropyLoss",
        "softmax",
    ): "takes logits, and the model's output is a softmax already: it is done twice",
    ("NLLLoss", "softmax"): "takes logarithms of probabilities, and the model gives a plain softmax",
    ("NLLLoss", "linear"): "takes logarithms of probabilities, and the model ends with a linear layer",
    (
        "BCEWithLogitsLoss",
        "sigmoid",
    ): "takes logits, and the model's output is a sigmoid already: it is done twice",
    ("BCELoss", "linear"): "takes probabilities, and the model ends with a linear layer",
}
FUNCTIONS_OF = {
    "cross_entropy": "CrossEntropyLoss",
    "nll_loss": "NLLLoss",
    "binary_cross_entropy": "BCELoss",
    "binary_cross_entropy_with_logits": "BCEWithLogitsLoss",
}
LOSSES = {loss for loss, _ in TORCH}
ENDS = {
    "softmax": "softmax",
    "Softmax": "softmax",
    "log_softmax": "log",
    "LogSoftmax": "log",
    "sigmoid": "sigmoid",
    "Sigmoid": "sigmoid",
    "Linear": "linear",
}
SHAPES = frozenset({"squeeze", "view", "reshape", "flatten", "float", "unsqueeze", "contiguous"})
SEQUENTIAL = frozenset({"nn.Sequential", "torch.nn.Sequential", "Sequential"})
SAME_WIDTH = frozenset(
    {
        "ReLU",
        "LeakyReLU",
        "GELU",
        "ELU",
        "SELU",
        "SiLU",
        "Tanh",
        "Sigmoid",
        "Dropout",
        "BatchNorm1d",
        "LayerNorm",
    }
)
"""Layers whose output is as wide as what they get."""
KERAS = frozenset({"binary_crossentropy", "categorical_crossentropy", "sparse_categorical_crossentropy"})
CLASSES = {"".join(part.capitalize() for part in name.split("_")): name for name in KERAS}
DEEP = 8


def read_losses(modules: Iterable[Body]) -> Iterator[Habit]:
    """Everything of this kind in the modules of a source."""
    bodies = list(modules)
    nodes = [(node, body) for body in bodies for node in body.all_nodes]
    models = [node for node, _ in nodes if isinstance(node, ast.ClassDef) and _is_module(node)]
    used = [(loss, node, body) for node, body in nodes if (loss := _loss(node))]
    rows = [
        (node, body)
        for node, body in nodes
        if isinstance(node, ast.Call) and ast.unparse(node.func) in SEQUENTIAL
    ]
    ends = [_end(model) for model in models] or [_layer(row) for row, _ in rows]
    if len(ends) == 1 and len({loss for loss, _, _ in used}) == 1:
        loss, node, body = used[0]
        told = TORCH.get((loss, ends[0]))
        if told:
            yield Habit("loss-and-output", None, f"{loss} {told}", True, place(node, body))
    for row, body in rows:
        yield from _misfits(row, body)
    compiles = [(node, body) for node, body in nodes if isinstance(node, ast.Call) and _loss_given(node)]
    layers = _last_layers([node for node, _ in nodes])
    if len(compiles) == 1 and len(layers) == 1:
        call, body = compiles[0]
        told = _keras(call, layers[0])
        if told:
            yield Habit("loss-and-output", None, told, True, place(layers[0], body))


def _misfits(made: ast.Call, body: Body) -> Iterator[Habit]:
    """``nn.Sequential(nn.Linear(10, 16), nn.ReLU(), nn.Linear(8, 2))``."""
    width: int | None = None
    for layer in made.args:
        name = last_name(layer.func) if isinstance(layer, ast.Call) else ""
        if name == "Linear" and isinstance(layer, ast.Call) and len(layer.args) > 1:
            given = [one.value if isinstance(one, ast.Constant) else None for one in layer.args[:2]]
            if width is not None and type(given[0]) is int and given[0] != width:
                told = f"{ast.unparse(layer)} takes rows of {given[0]}, and the layer before it gives {width}"
                yield Habit("layers-apart", None, told, True, place(layer, body))
            width = given[1] if type(given[1]) is int else None
        elif name not in SAME_WIDTH:
            width = None


# -- PyTorch ----------------------------------------------------------------------------------------


def _is_module(owner: ast.ClassDef) -> bool:
    return any(last_name(base) in ("Module", "LightningModule") for base in owner.bases)


def _loss(node: ast.AST) -> str:
    """Which loss a call makes or works out: ``nn.NLLLoss()``, ``F.nll_loss(…)``."""
    name = last_name(node.func) if isinstance(node, ast.Call) else ""
    return name if name in LOSSES else FUNCTIONS_OF.get(name, "")


def _end(model: ast.ClassDef) -> str:
    """What the model does last on each way through ``forward``; empty where that is not one thing."""
    methods = {one.name: one for one in model.body if isinstance(one, ast.FunctionDef)}
    forward = methods.get("forward")
    if forward is None or any(isinstance(node, (ast.If, ast.IfExp)) for node in own(forward)):
        return ""
    members = {
        name: node.value
        for method in (*methods.values(), forward)
        for node in own(method)
        if isinstance(node, ast.Assign)
        and ((name := ast.unparse(node.targets[0])).startswith("self.") or method is forward)
    }
    ends = {
        _last(node.value, members, DEEP)
        for node in own(forward)
        if isinstance(node, ast.Return) and node.value is not None
    }
    return ends.pop() if len(ends) == 1 else ""


def _last(node: ast.expr, members: dict[str, ast.expr], deep: int) -> str:
    """What is done last to ``node``: through names of the method, members of the model and ``nn.Sequential``."""
    if isinstance(node, ast.Name):
        return _last(members[node.id], members, deep - 1) if deep and node.id in members else ""
    if not isinstance(node, ast.Call):
        return ""
    shaped = receiver(node, SHAPES)
    if shaped is not None:
        return _last(shaped, members, deep - 1) if deep else ""
    made = members.get(ast.unparse(node.func))
    if isinstance(made, ast.Call):  # self.last(x)
        return _layer(made)
    return ENDS.get(last_name(node.func), "") if last_name(node.func) != "Linear" else ""


def _layer(made: ast.Call) -> str:
    """The last of ``nn.Sequential(…)``, or the layer itself."""
    if last_name(made.func) == "Sequential":
        last = made.args[-1] if made.args else None
        return _layer(last) if isinstance(last, ast.Call) else ""
    return ENDS.get(last_name(made.func), "")


# -- Keras ------------------------------------------------------------------------------------------


def _loss_given(call: ast.Call) -> ast.expr | None:
    """``loss=…`` of ``model.compile``."""
    return word(call, "loss") if last_name(call.func) == "compile" else None


def _last_layers(nodes: list[ast.AST]) -> list[ast.Call]:
    """The last layers of the models of a source, of which each is ``Dense(…)``."""
    found: list[ast.expr] = []
    added: list[ast.Call] = []
    for node in nodes:
        if not isinstance(node, ast.Call):
            continue
        if last_name(node.func) == "Sequential" and node.args and isinstance(node.args[0], ast.List):
            found.extend(node.args[0].elts[-1:])
        elif last_name(node.func) == "add" and len(node.args) == 1 and isinstance(node.args[0], ast.Call):
            added.append(node.args[0])
        elif last_name(node.func) in ("Model", "Sequential", "load_model"):
            return []
    found.extend(max(added, key=lambda one: one.lineno) for _ in added[:1])
    return [one for one in found if isinstance(one, ast.Call) and last_name(one.func) == "Dense"]


def _keras(call: ast.Call, layer: ast.Call) -> str:
    """What is wrong with the last layer; empty where nothing is seen."""
    given = _loss_given(call)
    loss = string(given) or (CLASSES.get(last_name(given.func), "") if isinstance(given, ast.Call) else "")
    logits = word(given, "from_logits") if isinstance(given, ast.Call) else None
    of_logits = isinstance(logits, ast.Constant) and logits.value is True
    activation = word(layer, "activation") or (layer.args[1] if len(layer.args) > 1 else None)
    name = "" if activation is None else string(activation) or last_name(activation)
    units = word(layer, "units") or (layer.args[0] if layer.args else None)
    one = isinstance(units, ast.Constant) and units.value == 1
    if one and name == "softmax":
        return "a softmax of one unit is always 1"
    if one and loss == "categorical_crossentropy":
        return "categorical_crossentropy of one unit is always 0"
    if loss not in KERAS or (logits is not None and not isinstance(logits, ast.Constant)):
        return ""
    if of_logits and name in ("softmax", "sigmoid"):
        return f"{loss} takes logits here, and the model's output is a {name} already: it is done twice"
    if not of_logits and (activation is None or name == "linear"):
        return f"{loss} takes probabilities, and the last layer has no activation"
    return ""
