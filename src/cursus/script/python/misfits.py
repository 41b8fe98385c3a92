"""Values that a script hands to what cannot take them.

Each finding is a ``Habit``: ``not-pickled`` (a lambda or a function inside a function, in what is pickled),
``not-json`` (a path among the arguments that are written as JSON), ``not-text`` (a number that is put into
``os.environ``) and
``method-saved`` (a method without its parentheses), ``moved-across`` (a file that is renamed from ``/tmp``),
``other-mode`` (a file that is opened for text gets bytes, or the reverse), ``shut-mode`` (one that is opened to read is
written, or the reverse), ``array-in-json`` (what numpy gives, in what is written as JSON), ``fraction`` (``/`` where a
whole number is wanted), ``text-and-number`` (both put together by ``+``) ``by-no-gpu`` (a division by the number of
GPUs) and ``step-of-gpus`` (``range`` in such steps).
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from cursus.script.evaluation import values as v
from cursus.script.evaluation.conditions import made_by
from cursus.script.evaluation.evaluate import Evaluator
from cursus.script.facts import ArgPart, Const, EnvPart, Habit, Text
from cursus.script.syntax.bodies import Body, CallSite, place
from cursus.script.syntax.nodes import bare_name, is_call, last_name, receiver, string, word

PICKLES = frozenset(
    {"pickle.dump", "pickle.dumps", "joblib.dump", "torch.save", "cPickle.dump", "_pickle.dump"}
)
JSON = frozenset({"json.dump", "json.dumps"})
PATHS = frozenset({"pathlib.Path", "pathlib.PosixPath", "pathlib.PurePath"})
OWN_FORM = frozenset({"__getstate__", "__reduce__", "__reduce_ex__", "__getnewargs__"})
METHODS = frozenset(
    {"state_dict", "get_params", "get_weights", "get_config", "to_dict", "to_json", "parameters", "tolist"}
)
"""Methods that give what people save."""
RENAMES = frozenset({"os.rename", "os.replace"})
TEMPORARY = frozenset(
    f"tempfile.{name}"
    for name in ("TemporaryDirectory", "NamedTemporaryFile", "mkdtemp", "gettempdir", "mktemp")
)
FILES = {"pickle.dump": 1, "json.dump": 1, "pickle.load": 0, "json.load": 0}
"""Where these take the file."""
BYTES = frozenset({"pickle.dump", "pickle.load"})
ARRAYS = frozenset(
    {
        f"numpy.{name}"
        for name in ("array", "asarray", "zeros", "ones", "arange", "linspace", "argmax", "argmin")
    }
    | {
        f"numpy.{name}"
        for name in ("float32", "float16", "int64", "int32", "int16", "int8", "uint8", "bool_")
    }
    | {"sklearn.metrics.confusion_matrix", "torch.tensor", "torch.zeros", "torch.ones"}
)
"""What gives values that JSON does not take."""
COUNTS = frozenset({"len", "int", "float", "round", "sum", "max", "min"})
COUNTING = frozenset({"index", "count", "device_count", "cpu_count", "get_rank", "get_world_size", "getpid"})


def read_misfits(
    evaluator: Evaluator, reached: Iterable[tuple[Body, bool]], calls: Iterable[tuple[CallSite, bool]]
) -> Iterator[Habit]:
    """Everything of this kind in what runs."""
    every = list(calls)
    for site, sure in every:
        name = evaluator.called(site.node, site.body)
        if name in RENAMES and len(site.node.args) > 1:
            yield from _renamed(evaluator, site, sure)
        yield from _other_mode(evaluator, site, name, sure)
        given = site.node.args[0] if site.node.args else word(site.node, "obj", "value")
        if given is None or name not in PICKLES | JSON:
            continue
        where = place(site.node, site.body)
        if _is_method(evaluator, site, given):
            yield Habit("method-saved", None, ast.unparse(given), sure, where)
        elif name in PICKLES:
            for told in _unpicklable(evaluator, site, given):
                yield Habit("not-pickled", None, told, sure, where)
        elif not {one.arg for one in site.node.keywords} & {"default", "cls", None}:
            for told in _paths(evaluator, site, given, every):
                yield Habit("not-json", None, told, sure, where)
            for told in _arrays(evaluator, site, given):
                yield Habit("array-in-json", None, told, sure, where)
    for body, sure in reached:
        yield from _fractions(body, sure)
        yield from _put_together(evaluator, body, sure)
        yield from _environment(evaluator, body, sure)
        yield from _by_gpus(evaluator, body, sure)


def _other_mode(evaluator: Evaluator, site: CallSite, name: str, sure: bool) -> Iterator[Habit]:
    """``pickle.dump(model, file)`` where ``file`` is ``open(…, "w")``, ``json.dump`` where it is ``open(…, "wb")``."""
    at = FILES.get(name)
    given = None if at is None or len(site.node.args) <= at else site.node.args[at]
    opened = _opened(site, given)
    if opened is None or at is None or evaluator.called(opened, site.body) != "open":
        return
    mode = word(opened, "mode") or (opened.args[1] if len(opened.args) > 1 else ast.Constant("r"))
    written = string(mode)
    if name != "json.load" and written is not None and ("b" in written) is not (name in BYTES):
        yield Habit("other-mode", None, f"{name}:{written}", sure, place(site.node, site.body))
    elif written is not None and "+" not in written and ("r" in written) is not name.endswith("load"):
        told = f"{name} {'reads' if name.endswith('load') else 'writes'}, and the file is opened with {written!r}"
        yield Habit("shut-mode", None, told, sure, place(site.node, site.body))


def _arrays(evaluator: Evaluator, site: CallSite, node: ast.AST | None, depth: int = 0) -> Iterator[str]:
    """What of a structure is an array, or a number that Python does not have."""
    if isinstance(node, ast.Name) and _changed(site, node.id):
        return
    made = _last(site, node.id) if isinstance(node, ast.Name) else node
    if isinstance(made, ast.Dict) and depth < 6:
        for value in made.values:
            yield from _arrays(evaluator, site, value, depth + 1)
    elif isinstance(made, (ast.List, ast.Tuple)) and depth < 6:
        for value in made.elts:
            yield from _arrays(evaluator, site, value, depth + 1)
    elif isinstance(made, ast.Call) and evaluator.called(made, site.body) in ARRAYS:
        yield ast.unparse(made.func) + "(…)"


def _changed(site: CallSite, name: str) -> bool:
    """True for a structure whose members are set or taken out, or that a function gets, which may do so."""
    for node in site.body.nodes:
        if node is site.node:
            continue
        if isinstance(node, ast.Subscript) and not isinstance(node.ctx, ast.Load):
            told = bare_name(node.value) == name
        elif isinstance(node, ast.Call) and bare_name(node.func) not in ("", "print", "len", "str"):
            told = any(bare_name(one) == name for one in node.args)
        else:
            told = bare_name(receiver(node, CHANGES)) == name
        if told:
            return True
    return False


CHANGES = frozenset({"update", "pop", "popitem", "clear", "setdefault", "remove", "insert"})
NO_PLACES = frozenset({"loc", "mgrid", "ogrid", "r_", "c_", "s_", "at"})
"""What is put between their brackets is a label, or a step of a range."""


def _fractions(body: Body, sure: bool) -> Iterator[Habit]:
    """``range(rows / size)``, ``rows[: half]`` where ``half = len(rows) / 2``."""
    certain = body.certain if sure else set()
    for node in body.nodes:
        wanted: list[ast.expr | None] = list(node.args) if is_call(node, "range") else []
        if isinstance(node, ast.Subscript) and last_name(node.value) not in NO_PLACES:
            parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
            for part in parts:
                wanted += [part.lower, part.upper, part.step] if isinstance(part, ast.Slice) else []
        for one in wanted:
            made = body.only(one.id) if isinstance(one, ast.Name) else one
            if isinstance(made, ast.BinOp) and isinstance(made.op, ast.Div):
                yield Habit("fraction", None, ast.unparse(made), id(node) in certain, place(made, body))


def _put_together(evaluator: Evaluator, body: Body, sure: bool) -> Iterator[Habit]:
    """``"epoch " + epoch`` where ``epoch`` is a number; with ``text`` where it is an argument, which may be one."""
    counted = {
        bare_name(one.target) for one in body.nodes if isinstance(one, ast.For) and is_call(one.iter, "range")
    }
    stored = {n.attr for n in body.nodes if isinstance(n, ast.Attribute) and not isinstance(n.ctx, ast.Load)}
    set_by_name = any(is_call(n, "setattr", "vars") or last_name(n) == "__dict__" for n in body.nodes)
    certain = body.certain if sure else set()
    for node in body.nodes:
        if not isinstance(node, ast.BinOp) or not isinstance(node.op, ast.Add):
            continue
        for text, other in ((node.left, node.right), (node.right, node.left)):
            if not _is_text(text):
                continue
            name, where, known = bare_name(other), place(node, body), id(node) in certain
            loop = name in counted and len(body.bindings.get(name, ())) == 1
            if loop or is_call(other, "len", "int", "float", "round"):
                yield Habit("text-and-number", None, ast.unparse(other), known, where)
            elif isinstance(other, ast.Attribute) and other.attr not in stored and not set_by_name:
                value = evaluator.value(other, body)
                if isinstance(value, Text) and isinstance(value.only, ArgPart):
                    yield Habit("text-and-number", value, ast.unparse(other), known, where)


def _is_text(node: ast.expr) -> bool:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return _is_text(node.left) or _is_text(node.right)
    return isinstance(node, ast.JoinedStr) or string(node) is not None


def _opened(site: CallSite, node: ast.expr | None) -> ast.Call | None:
    """The call that opens a file which is given as it is, or by the name that ``with`` or an assignment gives it."""
    if isinstance(node, ast.Call):
        return node
    last = _last(site, getattr(node, "id", ""))
    return last if isinstance(last, ast.Call) else None


def _last(site: CallSite, name: str) -> ast.AST | None:
    """What a name was set to last, before a call."""
    made = [one for one in site.body.bindings.get(name, ()) if one.order <= site.order]
    return made[-1].node if made and made[-1].kind == "value" and not made[-1].path else None


def _by_gpus(evaluator: Evaluator, body: Body, sure: bool) -> Iterator[Habit]:
    """``batch_size // int(os.environ["SM_NUM_GPUS"])``, and ``range(0, rows, batch_size * gpus)``, in steps of none."""
    certain = body.certain if sure else set()
    for node in body.nodes:
        divides = isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Div, ast.FloorDiv, ast.Mod))
        if isinstance(node, ast.BinOp) and divides and _counts_gpus(evaluator, node.right, body):
            known = sure and any(
                node in ast.walk(one) for one in getattr(body.owner, "body", ()) if _plain(one)
            )
            yield Habit("by-no-gpu", None, ast.unparse(node), known, place(node, body))
        step = node.args[2] if is_call(node, "range") and len(node.args) == 3 else None
        made = body.only(step.id) if isinstance(step, ast.Name) else step
        parts = (
            [made.left, made.right]
            if isinstance(made, ast.BinOp) and isinstance(made.op, ast.Mult)
            else [made]
        )
        if step is not None and any(one is not None and _counts_gpus(evaluator, one, body) for one in parts):
            told = ast.unparse(step)
            yield Habit("step-of-gpus", None, told, id(node) in certain, place(node, body))


def _plain(statement: ast.AST) -> bool:
    return isinstance(statement, (ast.Assign, ast.Expr, ast.Return, ast.AugAssign)) and not any(
        isinstance(one, (ast.IfExp, ast.BoolOp, ast.Lambda)) for one in ast.walk(statement)
    )


def _counts_gpus(evaluator: Evaluator, node: ast.expr, body: Body) -> bool:
    made, body = made_by(evaluator, node, body)
    if isinstance(made, ast.Call) and evaluator.called(made, body) == "torch.cuda.device_count":
        return True
    if isinstance(made, ast.Call) and bare_name(made.func) == "int" and len(made.args) == 1:
        made = made.args[0]
    found = evaluator.value(made, body)
    only = found.only if isinstance(found, Text) else None
    return isinstance(only, EnvPart) and only.name == "SM_NUM_GPUS"


def _renamed(evaluator: Evaluator, site: CallSite, sure: bool) -> Iterator[Habit]:
    """``os.rename("/tmp/…", "/opt/ml/model/…")``: a file system cannot rename into another one."""
    source, target = site.node.args[:2]
    value = evaluator.value(target, site.body)
    if isinstance(value, Text) and _temporary(evaluator, source, site.body):
        yield Habit("moved-across", value, ast.unparse(site.node.func), sure, place(site.node, site.body))


def _temporary(evaluator: Evaluator, node: ast.expr, body: Body, depth: int = 0) -> bool:
    """True for a path in ``/tmp``, or in a folder that ``tempfile`` makes where it makes them all."""
    value = evaluator.value(node, body)
    if isinstance(value, Text) and isinstance(value.parts[0], str):
        return value.parts[0].startswith("/tmp/")
    if isinstance(node, ast.Call) and evaluator.called(node, body) in TEMPORARY:
        return word(node, "dir") is None
    if isinstance(node, ast.Call) and last_name(node.func) == "join" and node.args:
        return _temporary(evaluator, node.args[0], body, depth)
    if isinstance(node, ast.Attribute) and node.attr == "name":
        return _temporary(evaluator, node.value, body, depth)
    made = body.only(node.id) if isinstance(node, ast.Name) else None
    return made is not None and depth < 4 and _temporary(evaluator, made, body, depth + 1)


def _is_method(evaluator: Evaluator, site: CallSite, given: ast.expr) -> bool:
    """``model.state_dict``, as it is."""
    if not isinstance(given, ast.Attribute) or given.attr in evaluator_attributes(evaluator):
        return False
    value = evaluator.evaluate(given, site.body, site.order)
    bound = len(value.values) == 1 and isinstance(value.values[0], v.Func)
    return bound or (given.attr in METHODS and value.values[0] is v.UNKNOWN)


def evaluator_attributes(evaluator: Evaluator) -> frozenset[str]:
    """The attributes that the source sets anywhere."""
    return frozenset(name for body in evaluator.bodies for name in body.attributes)


def _unpicklable(evaluator: Evaluator, site: CallSite, given: ast.expr) -> Iterator[str]:
    """The members of an object that pickle refuses, by name."""
    only = evaluator.evaluate(given, site.body, site.order).only
    if not isinstance(only, v.Instance):
        return
    classes = [only.body, *evaluator.classes_above(only.body)]
    methods = [method for one in classes for method in one.defined.values()]
    if any(method.name in OWN_FORM for method in methods):
        return
    for method in methods:
        for name, bindings in method.attributes.items():
            made = bindings[0].node if len(bindings) == 1 and bindings[0].kind == "value" else None
            again = sum(name in body.attributes for body in evaluator.bodies) > 1
            if made is not None and not again and _local_function(evaluator, made, method):
                yield f"{ast.unparse(given)}.{name}"
                return


def _local_function(evaluator: Evaluator, node: ast.AST, method: Body) -> bool:
    if isinstance(node, ast.Lambda):
        return True
    value = evaluator.value(node, method) if isinstance(node, ast.Name) else v.UNKNOWN
    return isinstance(value, v.Func) and value.body.parent is method


def _paths(
    evaluator: Evaluator, site: CallSite, given: ast.expr, calls: list[tuple[CallSite, bool]]
) -> Iterator[str]:
    """The first argument of type Path in a namespace that is written whole."""
    whole = [given, *(given.values if isinstance(given, ast.Dict) else ())]
    if not any(_is_namespace(evaluator, one, site) for one in whole if one is not None):
        return
    for other, _ in calls:
        kind = word(other.node, "type") if receiver(other.node, ("add_argument",)) is not None else None
        value = evaluator.value(kind, other.body) if kind is not None else v.UNKNOWN
        if isinstance(value, v.Ref) and value.name in PATHS and other.node.args:
            default = word(other.node, "default")
            unset = default is None or evaluator.value(default, other.body) == Const(None)
            if not unset or getattr(word(other.node, "required"), "value", False):
                yield ast.unparse(other.node.args[-1]).strip("'\"")
                return


def _is_namespace(evaluator: Evaluator, node: ast.expr, site: CallSite) -> bool:
    if (
        isinstance(node, ast.Call)
        and last_name(node.func) in ("dict", "copy", "deepcopy")
        and len(node.args) == 1
    ):
        node = node.args[0]
    value = evaluator.evaluate(node, site.body, site.order).values
    return len(value) == 1 and isinstance(value[0], v.Space) and value[0].mapping


def _environment(evaluator: Evaluator, body: Body, sure: bool) -> Iterator[Habit]:
    """``os.environ["RANK"] = 0``: only texts can be put there."""
    targets = {id(target): target for target in body.stores}
    for node in body.nodes if targets else ():
        target = node.targets[0] if isinstance(node, ast.Assign) else None
        if (
            not isinstance(node, ast.Assign)
            or not isinstance(target, ast.Subscript)
            or id(target) not in targets
        ):
            continue
        if evaluator.value(target.value, body) == v.Special("environ") and _is_number(
            evaluator, node.value, body
        ):
            known = sure and node in getattr(body.owner, "body", ())
            yield Habit("not-text", None, ast.unparse(target), known, place(node, body))


def _is_number(evaluator: Evaluator, node: ast.expr, body: Body) -> bool:
    """True for what is surely no text: a number, a count, a place in a list."""
    if isinstance(node, ast.Call):
        return (isinstance(node.func, ast.Name) and node.func.id in COUNTS) or last_name(
            node.func
        ) in COUNTING
    made = body.only(node.id) or body.top.only(node.id) if isinstance(node, ast.Name) else None
    if made is not None:
        return _is_number(evaluator, made, body)
    if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Add, ast.Sub, ast.Mult, ast.FloorDiv)):
        return _is_number(evaluator, node.left, body) and _is_number(evaluator, node.right, body)
    return isinstance(node, ast.Constant) and isinstance(evaluator.value(node, body), Const)
